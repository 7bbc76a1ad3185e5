// SPDX-License-Identifier: Apache-2.0
// How a stream ends when not by a relayed answer: an answer of our own, a timeout, or an abort.
#include <ctime>

#include "agent/base/log.hpp"
#include "agent/proxy/session.hpp"
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
    give_up(ending, answer_body_ == http::BodyKind::kUntilClose);
  } else {
    reply(status, ending, reason);
  }
}

void Stream::reply(std::uint16_t status, Ending ending, std::string_view reason) {
  context_.count(ending);
  log::debug("proxy", "{} {} {}: {} {}", to_string(session_->peer()), request_.head().method,
             request_.head().path, status, reason);
  upstream_.reset();
  const http::RequestHead& request = request_.head();
  keep_alive_ = request_done_ && request.keep_alive && !context_.draining;
  std::string text = std::string(http::reason_phrase(status)) + ": " + std::string(reason) + "\n";
  http::ResponseHead head;
  head.status = status;
  head.reason = http::reason_phrase(status);
  head.minor_version = request.minor_version;
  head.headers.add("Date", http_date());
  head.headers.add("Content-Type", "text/plain");
  head.headers.add("X-Sluice-Reason", reason);
  head.body = http::BodyKind::kLength;
  head.content_length = text.size();
  context_.compose.clear();
  http::write_response_head(head, keep_alive_, context_.compose);
  if (request.method != "HEAD") context_.compose.append(text);
  session_->client().send(context_.compose);
  if (target_ != nullptr) ++target_->report->responses[0];
  phase_ = Phase::kDone;
  session_->finish(keep_alive_, !request_done_);
}

void Stream::give_up(Ending ending, bool reset) {
  context_.count(ending);
  log::debug("proxy", "{} {} {}: {}", to_string(session_->peer()), request_.head().method,
             request_.head().path, label_of(ending));
  if (target_ != nullptr && !response_began_) ++target_->report->responses[0];
  // The endpoint must not take what it has for a whole request, nor go on answering.
  if (upstream_) upstream_->reset_on_close();
  upstream_.reset();
  phase_ = Phase::kDone;
  session_->abort(reset);
}

void Stream::on_timeout() {
  if (phase_ == Phase::kHead) {
    request_done_ = false;
    reply(408, Ending::kHeadTimeout, "head_timeout");
    return;
  }
  if (upstream_ != nullptr && !upstream_->known_connected()) {
    ++target_->report->connect_failures;
    if (phase_ == Phase::kPromote && target_->pools.size() > 1) {
      upstream_.reset();
      send_request(body_);
    } else if (phase_ == Phase::kPromote || !try_elsewhere()) {
      connect_failed();
    }
    return;
  }
  const bool client_reads = !session_->client().has_output();
  const bool client_owes =
      !request_done_ && upstream_ != nullptr && !upstream_->channel().has_output();
  if (!client_reads || client_owes) {
    if (client_reads && !response_began_) {
      reply(408, Ending::kBodyTimeout, "body_timeout");
    } else {
      give_up(Ending::kBodyTimeout, true);
    }
    return;
  }
  fail(504, Ending::kUpstreamTimeout, "upstream_timeout");
}

}  // namespace sluice::proxy
