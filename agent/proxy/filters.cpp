// SPDX-License-Identifier: Apache-2.0
// What filters do before a route is known, and to answers.
#include "agent/proxy/filters.hpp"

#include <algorithm>
#include <charconv>

#include "agent/http/forwarded.hpp"
#include "agent/http/path.hpp"
#include "agent/http/syntax.hpp"
#include "agent/proxy/context.hpp"
#include "agent/proxy/downstream.hpp"

namespace sluice::proxy {
namespace {

http::PathForm form_of(model::PathNormalization normalization) {
  switch (normalization) {
    case model::PathNormalization::kNone:
      return http::PathForm::kAsReceived;
    case model::PathNormalization::kBase:
      return http::PathForm::kBase;
    case model::PathNormalization::kMergeSlashes:
      return http::PathForm::kMergeSlashes;
    case model::PathNormalization::kDecodeAndMergeSlashes:
      break;
  }
  return http::PathForm::kDecodeAndMergeSlashes;
}

}  // namespace

void LocalAnswer::clear() {
  status = 200;
  headers.clear();
  body.clear();
  reason = {};
  ending.reset();
}

FilterResult Filters::reply(std::uint16_t status, Ending ending, std::string_view reason) {
  answer_.clear();
  answer_.status = status;
  answer_.headers.add("X-Sluice-Reason", reason);
  answer_.reason = reason;
  answer_.ending = ending;
  return {FilterResult::Kind::kAnswer, Milliseconds(0)};
}

// RFC 9110 7.6.2: counts Max-Forwards down. False: we are the last recipient.
bool Filters::spend_forward(const FilterRequest& request) {
  http::RequestHead& head = request.downstream->head();
  if (head.method != "OPTIONS" && head.method != "TRACE") return true;
  const auto field = head.headers.get("Max-Forwards");
  if (!field) return true;
  // What is no number is left alone: it limits nothing.
  if (field->empty() || http::span_of(*field, http::kDigitChar) != field->size()) return true;
  const std::size_t zeros = std::min(field->find_first_not_of('0'), field->size());
  const std::string_view digits = field->substr(zeros);
  if (digits.empty()) return false;
  const std::uint64_t left = digits.size() > 9 ? 999'999'999 : std::stoull(std::string(digits)) - 1;
  head.headers.set("Max-Forwards", std::to_string(left));
  return true;
}

void Filters::tell_about_client(const FilterRequest& request, bool trusted) {
  http::RequestHead& head = request.downstream->head();
  scratch_.clear();
  if (!http::keeps_request_id(head.headers, trusted)) request.context->append_request_id(scratch_);
  http::set_forwarded(head, {request.downstream->peer().ip, "http", scratch_}, trusted);
}

FilterResult Filters::on_head(const FilterRequest& request) {
  const http::ForwardedTrust& trust = request.context->options.trust;
  http::RequestHead& head = request.downstream->head();
  const SocketAddress& peer = request.downstream->peer();
  const bool trusted = trust.trusts(peer.ip);
  client_ = peer;
  if (trusted) {
    const IpAddress named = http::client_address(head.headers, peer.ip, trust);
    if (named != peer.ip) client_ = {named, 0};
  }
  if (request.listener->tier == snapshot::Tier::kConnection) return {};
  if (!spend_forward(request)) {
    return reply(head.method == "OPTIONS" ? 200 : 501, Ending::kMaxForwards, "max_forwards");
  }
  const auto change =
      http::normalize_path(head.path, form_of(request.listener->path_normalization));
  if (const std::string_view reason = http::reason_of(change); !reason.empty()) {
    return reply(400, Ending::kBadRequest, reason);
  }
  if (request.listener->add_forwarded_headers) tell_about_client(request, trusted);
  return {};
}

void Filters::on_response_head(const FilterRequest& request, http::ResponseHead& head,
                               bool /*local*/) {
  const routing::Actions* const actions =
      request.route != nullptr ? request.route->actions : nullptr;
  if (actions != nullptr && !preflight_) {
    if (!actions->edits.response.empty() || destination_ != nullptr) {
      routing::EditContext context = edit_context(request);
      context.response = &head;
      actions->edits.response.apply(head, context, scratch_);
      if (destination_ != nullptr) destination_->response.apply(head, context, scratch_);
    }
    if (actions->cors) actions->cors->add_answer_fields(origin_, head.headers);
  }
  const std::string& server = request.context->options.server_header;
  const bool steerable =
      request.listener != nullptr && request.listener->tier == snapshot::Tier::kConnection;
  if (!server.empty() && !steerable) head.headers.set("Server", server);
}

void Filters::end() {
  origin_.clear();
  destination_ = nullptr;
  cluster_ = {};
  mirrors_ = 0;
  mirrored_ = nullptr;
  mirror_body_.clear();
  client_ = {};
  delayed_ = preflight_ = edited_ = false;
}

}  // namespace sluice::proxy
