// SPDX-License-Identifier: Apache-2.0
// How a stream ends when not by a relayed answer: an answer of our own, a timeout, or an abort.
#include <ctime>

#include "agent/base/log.hpp"
#include "agent/proxy/stream.hpp"

namespace sluice::proxy {
namespace {

// RFC 9110 5.6.7.
std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text, size};
}

}  // namespace

// Answers now if the client has seen nothing yet, else breaks off.
void Stream::fail(std::uint16_t status, Ending ending, std::string_view reason) {
  if (response_began_) {
    give_up(ending, false);
  } else {
    reply(status, ending, reason);
  }
}

void Stream::reply(std::uint16_t status, Ending ending, std::string_view reason) {
  const http::RequestHead& request = downstream_->head();
  log::debug("proxy", "{} {} {}: {} {}", to_string(downstream_->peer()), request.method,
             request.path, status, reason);
  LocalAnswer& local = filters_.answer();
  local.clear();
  local.status = status;
  local.headers.add("Content-Type", "text/plain");
  local.headers.add("X-Sluice-Reason", reason);
  local.body.append(http::reason_phrase(status)).append(": ").append(reason).append("\n");
  local.reason = reason;
  local.ending = ending;
  answer(local);
}

void Stream::answer(LocalAnswer& local) {
  leave_queue();
  if (local.ending) context_.count(*local.ending);
  exchange_.reset();
  http::ResponseHead head;
  head.status = local.status;
  head.reason = http::reason_phrase(local.status);
  head.headers.add("Date", http_date());
  for (std::size_t i = 0; i < local.headers.size(); ++i) {
    head.headers.add(local.headers.at(i).name, local.headers.at(i).value);
  }
  head.body = http::BodyKind::kLength;
  // RFC 9110 15.3.5, 15.3.6, 15.4.5: these have none, whatever configuration says.
  if (local.status == 204 || local.status == 205 || local.status == 304) local.body.clear();
  head.content_length = local.body.size();
  if (record_) {
    record_->status = local.status;
    record_->reason = local.reason;
    record_->ending = local.ending;
  }
  response_began_ = true;
  filters_.on_response_head(filter_request_, head, true);
  downstream_->write_head(head);
  if (downstream_->head().method != "HEAD") downstream_->write_body(local.body);
  downstream_->write_end(nullptr);
  downstream_->flush();
  if (target_ != nullptr) ++target_->report->responses[0];
  phase_ = Phase::kDone;
  downstream_->finish();
}

void Stream::give_up(Ending ending, bool reset) {
  leave_queue();
  context_.count(ending);
  log::debug("proxy", "{} {} {}: {}", to_string(downstream_->peer()), downstream_->head().method,
             downstream_->head().path, label_of(ending));
  if (record_) {
    record_->ending = ending;
    record_->reason = label_of(ending);
  }
  if (target_ != nullptr && !response_began_) ++target_->report->responses[0];
  // The endpoint must not take what it has for a whole request, nor go on answering.
  if (exchange_) exchange_->reset_on_close();
  exchange_.reset();
  phase_ = Phase::kDone;
  downstream_->abort(reset);
}

void Stream::on_timeout() {
  const TimePoint now = context_.reactor.now();
  if (phase_ == Phase::kDelay) {
    dispatch();
  } else if (route_deadline() <= now) {
    on_route_timeout();
  } else if (phase_ == Phase::kWait) {
    fail(503, Ending::kOverflow, "upstream_overflow");
  } else if (phase_ != Phase::kBackoff && !on_attempt_timeout(now)) {
    on_idle_timeout();
  }
}

// No byte moved for too long. Whose turn was it?
void Stream::on_idle_timeout() {
  const bool client_reads = downstream_->can_write();
  const bool client_owes = !request_done_ && exchange_ != nullptr && !exchange_->has_output();
  if (client_reads && !client_owes) {
    load_.failed(context_.reactor.now());
    fail(504, Ending::kUpstreamTimeout, "upstream_timeout");
  } else if (client_reads && !response_began_) {
    reply(408, Ending::kBodyTimeout, "body_timeout");
  } else {
    give_up(Ending::kBodyTimeout, true);
  }
}

}  // namespace sluice::proxy
