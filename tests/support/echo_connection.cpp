// SPDX-License-Identifier: Apache-2.0
#include "tests/support/echo_connection.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "agent/base/text.hpp"
#include "tests/support/flags.hpp"

namespace sluice::support {
namespace {

constexpr std::size_t kOutHigh = 64UL * 1024;

TimePoint now() { return std::chrono::steady_clock::now(); }

}  // namespace

bool EchoConnection::run(std::span<char> scratch) {
  if (wake_ && *wake_ <= now()) {
    wake_.reset();
    if (state_ == State::kDrain) return false;
    if (state_ == State::kDelay) begin_answer();
  }
  input_ = pending_;
  for (;;) {
    Next next = work();
    if (next == Next::kRead) next = flush();
    keep_input();
    if (next != Next::kRead) return next == Next::kWait;
    const ssize_t got = ::recv(fd_.get(), scratch.data(), scratch.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return false;
    if (got < 0) {
      if (errno == EINTR) continue;
      return true;
    }
    const std::string_view fresh(scratch.data(), static_cast<std::size_t>(got));
    if (pending_.empty()) {
      input_ = fresh;
    } else {
      pending_.append(fresh);
      input_ = pending_;
    }
  }
}

// What was not used stays for the next call: scratch is shared by all connections.
void EchoConnection::keep_input() {
  if (input_.empty()) {
    pending_.clear();
  } else if (input_.data() >= pending_.data() &&
             input_.data() < pending_.data() + pending_.size()) {
    pending_.erase(0, static_cast<std::size_t>(input_.data() - pending_.data()));
  } else {
    pending_.assign(input_);
  }
  input_ = pending_;
}

EchoConnection::Next EchoConnection::work() {
  for (;;) {
    Next next = Next::kRead;
    switch (state_) {
      case State::kHead:
        next = read_head();
        if (next != Next::kAgain) return next;
        continue;
      case State::kBody: {
        std::string_view data;
        input_.remove_prefix(body_.step(input_, data));
        body_hash_.update(data);
        if (body_.bad()) {
          bad_request("the chunked body is malformed");
        } else if (body_.done()) {
          begin_answer();
        } else if (input_.empty()) {
          return Next::kRead;
        }
        continue;
      }
      case State::kDelay:
        return flush() == Next::kClose ? Next::kClose : Next::kWait;
      case State::kAnswer:
        next = write_body();
        break;
      case State::kStream:
        next = write_stream();
        break;
      case State::kDrain:
        input_ = {};
        return Next::kRead;
    }
    if (next != Next::kRead) return next;
  }
}

EchoConnection::Next EchoConnection::read_head() {
  if (out_.size() - out_sent_ > kOutHigh) {
    if (const Next next = flush(); next != Next::kRead) {
      return next;
    }
  }
  switch (parse_head(input_, head_)) {
    case WireStatus::kNeedMore:
      return Next::kRead;
    case WireStatus::kBad:
      bad_request("the head is malformed");
      return Next::kAgain;
    case WireStatus::kOk:
      break;
  }
  begin_request();
  return Next::kAgain;
}

void EchoConnection::begin_request() {
  http10_ = head_.third == "HTTP/1.0";
  keep_alive_ = http10_ ? head_.has_token("connection", "keep-alive")
                        : !head_.has_token("connection", "close");
  head_only_ = head_.first == "HEAD";
  const bool framed =
      !head_.field("content-length").empty() || !head_.field("transfer-encoding").empty();
  if (!framed && keep_alive_ && !http10_ && head_.second == "/" && head_.first == "GET") {
    out_ += identity_.fast_answer;
    input_.remove_prefix(head_.bytes);
    return;
  }
  controls_ = {};
  body_hash_ = {};
  json_.clear();
  const auto mark = std::min(head_.second.find('?'), head_.second.size());
  const std::string_view path = head_.second.substr(0, mark);
  if (!parse_controls(head_.second.substr(std::min(mark + 1, head_.second.size())), controls_)) {
    return bad_request("a query parameter has a value that is not understood");
  }
  if (path != "/" && !controls_.pattern) {
    json_ = describe_request(head_, identity_.name, identity_.version, to_string(peer_));
  }
  begin_body();
}

void EchoConnection::begin_body() {
  const std::string_view length = head_.field("content-length");
  const bool expects = equals_ignore_case(head_.field("expect"), "100-continue");
  unread_body_ = false;
  body_.start_none();
  if (head_.has_token("transfer-encoding", "chunked")) {
    body_.start_chunked();
  } else if (std::uint64_t bytes = 0; !length.empty()) {
    if (!parse_number(length, bytes)) return bad_request("Content-Length is not a number");
    body_.start_length(bytes);
  }
  input_.remove_prefix(head_.bytes);
  if (body_.done()) return begin_answer();
  if (controls_.early) {
    unread_body_ = true;
    keep_alive_ = false;
    return begin_answer();
  }
  if (expects) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
  state_ = State::kBody;
}

EchoConnection::Next EchoConnection::flush() {
  while (out_sent_ < out_.size()) {
    const ssize_t sent =
        ::send(fd_.get(), out_.data() + out_sent_, out_.size() - out_sent_, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? Next::kWait : Next::kClose;
    }
    out_sent_ += static_cast<std::size_t>(sent);
  }
  out_.clear();
  out_sent_ = 0;
  return Next::kRead;
}

}  // namespace sluice::support
