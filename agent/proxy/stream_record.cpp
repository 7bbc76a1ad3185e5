// SPDX-License-Identifier: Apache-2.0
// The access record of a stream: begun with the head, completed and handed to the sink at the end. Only with a sink.
#include "agent/proxy/endpoint_pool.hpp"
#include "agent/proxy/stream.hpp"

namespace sluice::proxy {

void Stream::begin_record() {
  record_.emplace();
  record_->start = std::chrono::system_clock::now();
  began_at_ = precise_now();
  sent_at_ = answered_at_ = TimePoint();
  const http::RequestHead& head = downstream_->head();
  // Filters may change these before the record is written.
  client_sent_.method.assign(head.method);
  client_sent_.authority.assign(head.authority);
  client_sent_.path.assign(head.path);
  if (!head.query.empty()) client_sent_.path.append("?").append(head.query);
}

void Stream::write_record() {
  AccessRecord& record = *record_;
  const TimePoint now = precise_now();
  record.peer = downstream_->peer();
  const bool named = !filters_.client().ip.is_unspecified();
  record.client = named ? filters_.client() : record.peer;  // or the head was no good
  record.local = downstream_->local();
  record.request = &downstream_->head();
  record.method = client_sent_.method;
  record.path = client_sent_.path;
  record.authority = client_sent_.authority;
  record.request_id = record.request->headers.get("X-Request-Id").value_or(std::string_view());
  record.bytes_sent = downstream_->body_bytes_written();
  record.total = now - began_at_;
  record.lb = (sent_at_ == TimePoint() ? now : sent_at_) - began_at_;
  if (sent_at_ != TimePoint()) {
    record.upstream = (answered_at_ == TimePoint() ? now : answered_at_) - sent_at_;
  }
  record.listener = listener_;
  record.route = decision_ ? &*decision_ : nullptr;
  record.share = target_ == nullptr ? nullptr : target_->share;
  if (pool_ != nullptr) record.endpoint = pool_->address();
  record.attempts = attempts_;
  context_.options.access_sink->record(record);
  record_.reset();
}

}  // namespace sluice::proxy
