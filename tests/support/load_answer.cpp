// SPDX-License-Identifier: Apache-2.0
// The half of LoadConnection that takes answers apart and checks them. Thread: main.
#include <algorithm>

#include "tests/support/flags.hpp"
#include "tests/support/load_connection.hpp"

namespace sluice::support {

void LoadConnection::take(std::string_view data) {
  if (state_ != State::kActive) return fail("data while idle", std::string(data.substr(0, 80)));
  while (!in_body_ && !data.empty()) {
    data.remove_prefix(take_head(data));
    if (state_ != State::kActive) {
      if (!data.empty() && state_ == State::kIdle) fail("data behind the answer");
      return;
    }
  }
  if (in_body_) take_body(data);
}

std::size_t LoadConnection::take_head(std::string_view data) {
  const std::size_t before = head_bytes_.size();
  head_bytes_.append(data);
  WireHead head;
  const WireStatus status = parse_head(head_bytes_, head);
  if (status == WireStatus::kNeedMore) return data.size();
  std::uint16_t code = 0;
  if (status == WireStatus::kBad || !head.first.starts_with("HTTP/1.") ||
      !parse_number(head.second, code)) {
    fail("malformed answer", head_bytes_.substr(0, 80));
    return data.size();
  }
  const std::size_t used = head.bytes - before;
  if (code >= 100 && code < 200) {
    const bool waited = std::exchange(waits_for_continue_, false);
    head_bytes_.clear();
    if (waited) write_some();
    return used;
  }
  if (check_head(head)) {
    start_body(head);
    if (body_.done()) complete();
  }
  return used;
}

bool LoadConnection::check_head(const WireHead& head) {
  const std::string want = std::to_string(request_.status);
  if (head.second != want) {
    fail("status " + std::string(head.second), "wanted " + want);
    return false;
  }
  if (head.field("x-version").empty()) {
    fail("not from a pod", "the answer has no X-Version");
    return false;
  }
  if (request_.checked && head.field("x-request-tag") != request_.tag) {
    fail("wrong answer", "it is tagged " + std::string(head.field("x-request-tag")));
    return false;
  }
  count_origin(head);
  return true;
}

void LoadConnection::count_origin(const WireHead& head) {
  const std::string version(head.field("x-version"));
  const std::string pod(head.field("x-pod"));
  ++run_.report.versions[version];
  ++run_.report.pods[pod];
  if (pod_.empty()) {
    ++run_.report.first_versions[version];
  } else if (pod_ != pod) {
    ++run_.report.moved;
  }
  pod_ = pod;
}

void LoadConnection::start_body(const WireHead& head) {
  in_body_ = true;
  answer_closes_ = head.has_token("connection", "close");
  answer_body_hash_ = head.field("x-body-hash");
  answer_request_hash_ = head.field("x-request-hash");
  std::uint64_t length = 0;
  if (request_.head_only || request_.status == 204 || request_.status == 304) {
    body_.start_none();
  } else if (head.has_token("transfer-encoding", "chunked")) {
    body_.start_chunked();
  } else if (parse_number(head.field("content-length"), length)) {
    body_.start_length(length);
  } else {
    body_.start_until_close();
  }
}

void LoadConnection::take_body(std::string_view data) {
  while (!data.empty() && !body_.done()) {
    std::string_view piece;
    data.remove_prefix(body_.step(data, piece));
    if (body_.bad()) return fail("malformed chunk");
    if (request_.checked && !pattern_matches(request_.seed, body_hash_.length(), piece)) {
      return fail("wrong body bytes");
    }
    body_hash_.update(piece);
  }
  if (!body_.done()) return;
  complete();
  if (!data.empty() && state_ == State::kIdle) fail("data behind the answer");
}

void LoadConnection::complete() {
  if (!sent_all_) return fail("answer before upload", "");
  if (request_.checked) {
    const bool has_body = !request_.head_only && request_.status == 200;
    if (has_body && body_hash_.length() != request_.size) {
      return fail("wrong length", "wanted " + std::to_string(request_.size));
    }
    if (has_body && answer_body_hash_ != to_hex(body_hash_.value())) return fail("wrong body hash");
    if (request_.upload_size != 0 && answer_request_hash_ != to_hex(upload_.hash())) {
      return fail("upload damaged", "hash " + answer_request_hash_);
    }
  }
  ++run_.report.requests_ok;
  run_.last_success = last_byte_;
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(last_byte_ - started_);
  run_.report.latency.add(static_cast<std::uint64_t>(std::max<long>(took.count(), 0)));
  state_ = State::kIdle;
  wake_ = think();
  const bool last = limit_ != 0 && requests_ >= limit_;
  if (answer_closes_ && !last) ++run_.report.reconnects;
  if (answer_closes_ || last) {
    fd_.reset();
    events_ = 0;
    state_ = State::kClosed;
  }
}

}  // namespace sluice::support
