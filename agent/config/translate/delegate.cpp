// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/delegate.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "agent/config/translate/delegate_match.hpp"

namespace sluice::config {
namespace {

const VirtualServiceSpec* find(const DelegateReference& reference, const SpecSet& specs) {
  const auto found = specs.delegate_by_name.find(reference.full_name());
  return found == specs.delegate_by_name.end() ? nullptr : found->second;
}

void report_missing(const DelegateReference& reference, const SpecSet& specs,
                    Diagnostics& problems) {
  const auto same = std::find_if(
      specs.virtual_services.begin(), specs.virtual_services.end(),
      [&](const auto* spec) { return spec->meta.full_name() == reference.full_name(); });
  if (same != specs.virtual_services.end()) {
    add_error(
        problems, reference.origin, "delegate_not_found",
        fmt::format("VirtualService `{}` has hosts, so it is no delegate", reference.full_name()),
        "remove its `hosts` and `gateways`, or name one without them");
    return;
  }
  std::vector<std::string> names;
  for (const auto& [name, spec] : specs.delegate_by_name) names.push_back(name);
  add_error(problems, reference.origin, "delegate_not_found",
            fmt::format("no VirtualService `{}` is in force", reference.full_name()),
            did_you_mean(reference.full_name(), names, "add it, or correct the name"));
}

// The matches that hold for the root and for the delegate's route; reports when one of the latter lies in none of the
// root's, in which case the route has no effect.
bool merge_matches(const HttpRouteSpec& root, const HttpRouteSpec& leaf, HttpRouteSpec& out,
                   Diagnostics& problems) {
  if (root.matches_all) return true;
  if (leaf.matches_all) {
    out.matches = root.matches;
    out.matches_all = false;
    return true;
  }
  out.matches.clear();
  for (const MatchSpec& own : leaf.matches) {
    std::optional<std::string> conflict;
    bool found = false;
    for (const MatchSpec& around : root.matches) {
      const auto wrong = match_conflict(around, own);
      if (wrong) {
        if (!conflict) conflict = wrong;
        continue;
      }
      out.matches.push_back(merge_match(around, own));
      found = true;
    }
    if (found || root.matches.empty()) continue;
    add_warning(problems, own.match.origin, "delegate_conflict",
                fmt::format("its `{}` lies outside of the matches of {} ({}), which delegates to "
                            "it: the route has no effect there",
                            conflict.value_or("match"), root.route.origin.object,
                            model::location(root.route.origin)),
                "a delegate may only narrow what its root takes, and not match by `regex` what the "
                "root matches too");
    return false;
  }
  return true;
}

template <typename T>
void inherit(T& own, const T& root) {
  if (!own) own = root;
}

std::shared_ptr<const HttpRouteSpec> merge(const HttpRouteSpec& root, const HttpRouteSpec& leaf,
                                           Diagnostics& problems) {
  auto out = std::make_shared<HttpRouteSpec>(leaf);
  if (!merge_matches(root, leaf, *out, problems)) return nullptr;
  model::Route& own = out->route;
  const model::Route& more = root.route;
  if (own.name.empty()) {
    own.name = more.name;
  } else if (!more.name.empty()) {
    own.name = more.name + "-" + own.name;
  }
  const bool answers = own.redirect || own.direct_response;
  if (!answers) {
    inherit(own.rewrite, more.rewrite);
    inherit(own.fault, more.fault);
  }
  inherit(own.timeout, more.timeout);
  inherit(own.retries, more.retries);
  inherit(own.cors, more.cors);
  inherit(own.headers, more.headers);
  if (out->mirrors.empty()) out->mirrors = root.mirrors;
  return out;
}

void expand(const VirtualServiceSpec& spec, const HttpRouteSpec& root, const SpecSet& specs,
            std::vector<ExpandedRoute>& out, Diagnostics& problems) {
  const VirtualServiceSpec* delegate = find(*root.delegate, specs);
  if (delegate == nullptr) {
    report_missing(*root.delegate, specs, problems);
  } else if (!delegate->export_to.reaches(spec.meta.name_space)) {
    add_error(problems, root.delegate->origin, "not_exported",
              fmt::format("VirtualService `{}` is not exported to namespace {} ({})",
                          root.delegate->full_name(), spec.meta.name_space,
                          model::location(delegate->export_to.origin)),
              fmt::format("add `{}` to its `exportTo`", spec.meta.name_space));
    delegate = nullptr;
  }
  if (delegate == nullptr) {
    out.push_back({nullptr, &root});  // no destination: answered with 503
    return;
  }
  for (const HttpRouteSpec& leaf : delegate->http) {
    if (auto merged = merge(root, leaf, problems)) {
      out.push_back({std::move(merged), nullptr});
    }
  }
}

}  // namespace

std::vector<ExpandedRoute> expand_routes(const VirtualServiceSpec& spec, const SpecSet& specs,
                                         Diagnostics& problems) {
  std::vector<ExpandedRoute> out;
  out.reserve(spec.http.size());
  for (const HttpRouteSpec& route : spec.http) {
    if (route.delegate) {
      expand(spec, route, specs, out, problems);
    } else {
      out.push_back({nullptr, &route});
    }
  }
  return out;
}

std::vector<const VirtualServiceSpec*> delegates_of(const VirtualServiceSpec& spec,
                                                    const SpecSet& specs) {
  std::vector<const VirtualServiceSpec*> out;
  for (const HttpRouteSpec& route : spec.http) {
    if (!route.delegate) continue;
    if (const auto* delegate = find(*route.delegate, specs)) out.push_back(delegate);
  }
  return out;
}

void report_idle_delegates(const SpecSet& specs, Diagnostics& diagnostics) {
  std::set<const VirtualServiceSpec*> used;
  for (const VirtualServiceSpec* spec : specs.virtual_services) {
    const auto delegates = delegates_of(*spec, specs);
    used.insert(delegates.begin(), delegates.end());
  }
  for (const auto& [name, delegate] : specs.delegate_by_name) {
    if (used.contains(delegate)) continue;
    add_warning(diagnostics, delegate->meta.origin, "no_effect",
                "without `hosts` it is a delegate, and no VirtualService delegates to it",
                "add `hosts:` with the names that clients ask for, or a route with `delegate:`");
  }
}

}  // namespace sluice::config
