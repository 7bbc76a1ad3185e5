// SPDX-License-Identifier: Apache-2.0
// Delegation: the routes of a virtual service with those of its delegates in place. Called by
// translate/destination. Thread: main. Pure.
#pragma once
#include <memory>
#include <vector>

#include "agent/config/translate/registry.hpp"

namespace sluice::config {

// A route as it was written, or one that was joined with its root's.
struct ExpandedRoute {
  std::shared_ptr<const HttpRouteSpec> merged;  // null: `plain` is used as it is
  const HttpRouteSpec* plain = nullptr;

  [[nodiscard]] const HttpRouteSpec& route() const { return merged ? *merged : *plain; }
};

// Istio's rules: a delegate has no hosts, is exported to the root's namespace, and each of its matches must lie within
// one of the root's, else its route has no effect, which is reported. What a delegate's route does not say it takes
// over from the root. A delegate that does not exist is an error, and what the root's route matches is answered 503.
[[nodiscard]] std::vector<ExpandedRoute> expand_routes(const VirtualServiceSpec& spec,
                                                       const SpecSet& specs, Diagnostics& problems);

// The delegates that the routes of `spec` name and that exist: what expand_routes() depends on.
[[nodiscard]] std::vector<const VirtualServiceSpec*> delegates_of(const VirtualServiceSpec& spec,
                                                                  const SpecSet& specs);

// Delegates that nobody delegates to.
void report_idle_delegates(const SpecSet& specs, Diagnostics& diagnostics);

}  // namespace sluice::config
