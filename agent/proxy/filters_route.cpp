// SPDX-License-Identifier: Apache-2.0
// What a route does to a request, in the order that model::Route documents.
#include "agent/http/forwarded.hpp"
#include "agent/proxy/context.hpp"
#include "agent/proxy/downstream.hpp"
#include "agent/proxy/filters.hpp"

namespace sluice::proxy {

routing::EditContext Filters::edit_context(const FilterRequest& request) const {
  routing::EditContext out;
  out.request = &request.downstream->head();
  out.client = client_;
  out.local = request.downstream->local();
  out.protocol = out.request->minor_version == 0 ? "HTTP/1.0" : "HTTP/1.1";
  out.route_name = request.route->route->name;
  out.cluster = cluster_;
  out.upstream = request.endpoint;
  out.hostname = request.context->options.node_name;
  out.start = std::chrono::system_clock::now();
  return out;
}

FilterResult Filters::on_request(const FilterRequest& request) {
  if (!delayed_) {
    const FilterResult first = begin_route(request);
    if (first.kind != FilterResult::Kind::kContinue) return first;
  }
  const routing::Actions* const actions = request.route->actions;
  if (actions == nullptr) return {};
  const model::Route& route = *request.route->route;
  if (route.fault && route.fault->abort &&
      request.context->shares.of(actions->id, ActionShares::kAbort)
          .next(route.fault->abort->share)) {
    return abort(*route.fault->abort);
  }
  if (actions->redirect) return redirect(request, *actions->redirect);
  if (route.direct_response) return direct_response(*route.direct_response);
  const auto prefix = routing::matched_prefix(route, request.route->match_index);
  if (actions->rewrite && !actions->rewrite->apply(prefix, request.downstream->head(), scratch_)) {
    return reply(500, Ending::kRewriteTooLong, "rewrite_too_long");
  }
  return {};
}

// Up to the route's delay, which comes once.
FilterResult Filters::begin_route(const FilterRequest& request) {
  if (request.route->virtual_host->https_redirect) {
    return redirect(request, routing::Redirect::to_https());
  }
  const routing::Actions* const actions = request.route->actions;
  if (actions == nullptr) return {};
  if (!actions->broken.empty()) return reply(500, Ending::kBadAction, "bad_action");
  const http::RequestHead& head = request.downstream->head();
  if (actions->cors) {
    origin_ = head.headers.get("Origin").value_or("");
    const auto verdict = actions->cors->judge(head);
    if (verdict == routing::Cors::Verdict::kPreflight) return preflight(head, &*actions->cors);
    if (verdict == routing::Cors::Verdict::kRefusedPreflight) return preflight(head, nullptr);
  }
  const auto& fault = request.route->route->fault;
  if (fault && fault->delay && fault->delay->duration.count() > 0 &&
      request.context->shares.of(actions->id, ActionShares::kDelay).next(fault->delay->share)) {
    delayed_ = true;
    ++request.context->report.fault_delays;
    return {FilterResult::Kind::kDelay, fault->delay->duration};
  }
  return {};
}

FilterResult Filters::preflight(const http::RequestHead& head, const routing::Cors* allowed) {
  const FilterResult result = reply(200, Ending::kCorsPreflight, "cors_preflight");
  preflight_ = true;
  if (allowed != nullptr) allowed->add_preflight_fields(origin_, head, answer_.headers);
  return result;
}

FilterResult Filters::abort(const model::Fault::Abort& abort) {
  const FilterResult result =
      reply(abort.grpc_status ? 200 : abort.status, Ending::kFaultAbort, "fault_abort");
  if (abort.grpc_status) {
    // An answer of trailers alone, as gRPC over HTTP has it.
    answer_.headers.add("Content-Type", "application/grpc");
    answer_.headers.add("grpc-status", std::to_string(*abort.grpc_status));
    answer_.headers.add("grpc-message", "fault_abort");
  } else {
    answer_.headers.add("Content-Type", "text/plain");
    answer_.body.append("fault_abort\n");
  }
  return result;
}

FilterResult Filters::redirect(const FilterRequest& request, const routing::Redirect& to) {
  const FilterResult result = reply(to.status(), Ending::kRedirect, "redirect");
  scratch_.clear();
  to.append_location({request.downstream->head(),
                      routing::matched_prefix(*request.route->route, request.route->match_index),
                      "http", request.downstream->local()},
                     scratch_);
  answer_.headers.add("Location", scratch_);
  return result;
}

FilterResult Filters::direct_response(const model::DirectResponse& response) {
  const FilterResult result = reply(response.status, Ending::kDirectResponse, "direct_response");
  if (!response.body.empty()) answer_.headers.add("Content-Type", response.content_type);
  answer_.body = response.body;
  return result;
}

void Filters::on_destination(const FilterRequest& request, const snapshot::Share& share) {
  cluster_ = share.cluster;
  const routing::Actions* const actions = request.route->actions;
  destination_ = actions != nullptr ? actions->destination(share.cluster) : nullptr;
  if (edited_) return;
  edited_ = true;
  http::RequestHead& head = request.downstream->head();
  if (actions != nullptr && (!actions->edits.request.empty() || destination_ != nullptr)) {
    const routing::EditContext context = edit_context(request);
    actions->edits.request.apply(head, context, scratch_);
    if (destination_ != nullptr) destination_->request.apply(head, context, scratch_);
  }
  const std::string& via = request.context->options.via;
  if (!via.empty() && request.listener->tier != snapshot::Tier::kConnection) {
    http::add_via(head.headers, head.minor_version, via);
  }
  if (actions != nullptr) choose_mirrors(request);
}

}  // namespace sluice::proxy
