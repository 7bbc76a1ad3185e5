// SPDX-License-Identifier: Apache-2.0
#include "agent/app/explain_actions.hpp"

#include "agent/app/action_text.hpp"
#include "agent/http/path.hpp"
#include "agent/routing/action/actions.hpp"

namespace sluice::app {
namespace {

void add(const ActionText& from, v1::ExplainReply& reply) {
  v1::Action& to = *reply.add_actions();
  to.set_name(from.name);
  to.set_text(from.text);
  fill(from.origin, *to.mutable_origin());
}

std::string target_of(const http::RequestHead& head) {
  return head.query.empty() ? head.path : head.path + "?" + head.query;
}

// What becomes of this request in place of the general rule.
void tell_result(const routing::Decision& decision, const http::RequestHead& head,
                 const SocketAddress& local, ActionText& action) {
  if (decision.actions == nullptr) return;
  const auto prefix = routing::matched_prefix(*decision.route, decision.match_index);
  if (action.name == "redirect" && decision.actions->redirect) {
    std::string location;
    decision.actions->redirect->append_location({head, prefix, "http", local}, location);
    action.text = std::to_string(decision.actions->redirect->status()) + " to " + location;
  } else if (action.name == "rewrite" && decision.actions->rewrite) {
    http::RequestHead changed = head;
    std::string scratch;
    if (!decision.actions->rewrite->apply(prefix, changed, scratch)) {
      action.text += ", which makes the path too long";
      return;
    }
    action.text = target_of(head) + " -> " + target_of(changed);
    if (changed.authority != head.authority) {
      action.text += ", " + head.authority + " -> " + changed.authority;
    }
  } else if (action.name == "cors" && decision.actions->cors) {
    const auto origin = head.headers.get("Origin");
    if (!origin) return;
    action.text = (decision.actions->cors->allows(*origin) ? "allows " : "does not allow ") +
                  std::string(*origin) + "; " + action.text;
  }
}

std::string own_answer(const routing::Decision& decision, const http::RequestHead& head) {
  const model::Route& route = *decision.route;
  if (decision.actions != nullptr) {
    if (!decision.actions->broken.empty()) return "500 bad_action";
    if (decision.actions->cors &&
        decision.actions->cors->judge(head) != routing::Cors::Verdict::kForward) {
      return "200 cors_preflight";
    }
  }
  const auto& fault = route.fault;
  if (fault && fault->abort && fault->abort->share.millionths >= model::Fraction::kWhole) {
    return std::to_string(fault->abort->status) + " fault_abort";
  }
  if (route.redirect) return std::to_string(route.redirect->status) + " redirect";
  if (route.direct_response) {
    return std::to_string(route.direct_response->status) + " direct_response";
  }
  return {};
}

}  // namespace

std::string add_actions(const routing::Decision& decision, const http::RequestHead& head,
                        const SocketAddress& local, v1::ExplainReply& reply) {
  const model::Route& route = *decision.route;
  for (ActionText& action : describe_actions(route)) {
    tell_result(decision, head, local, action);
    add(action, reply);
  }
  if (!route.retries && !route.destinations.empty()) {
    add({"retries", describe(model::RetryPolicy{}) + " (default)", {}}, reply);
  }
  if (decision.actions != nullptr && !decision.actions->broken.empty()) {
    add({"broken", decision.actions->broken, route.origin}, reply);
  }
  return own_answer(decision, head);
}

std::string normalize(const snapshot::Listener& listener, http::RequestHead& head) {
  using http::PathForm;
  PathForm form = PathForm::kAsReceived;
  switch (listener.path_normalization) {
    case model::PathNormalization::kNone:
      break;
    case model::PathNormalization::kBase:
      form = PathForm::kBase;
      break;
    case model::PathNormalization::kMergeSlashes:
      form = PathForm::kMergeSlashes;
      break;
    case model::PathNormalization::kDecodeAndMergeSlashes:
      form = PathForm::kDecodeAndMergeSlashes;
      break;
  }
  return http::reason_of(http::normalize_path(head.path, form));
}

}  // namespace sluice::app
