// SPDX-License-Identifier: Apache-2.0
// A route of Gateway API with its backends looked up. Called by gateway_api/world. Thread: main. Pure.
#pragma once
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/config/translate/destination.hpp"

namespace sluice::config {

// Which references from other namespaces ReferenceGrants permit.
class Grants {
 public:
  explicit Grants(const std::vector<const ReferenceGrantSpec*>& grants) : grants_(grants) {}
  // From an object of this API and `kind` in `name_space` to the Service.
  [[nodiscard]] bool permits(const std::string& kind, const std::string& name_space,
                             const BackendReference& service) const;

 private:
  const std::vector<const ReferenceGrantSpec*>& grants_;
};

struct LinkedApiRoute {
  const ApiRouteSpec* spec = nullptr;
  std::vector<model::Route> rules;  // as spec->rules, without matches
  Clusters clusters;
  std::set<std::string> hosts;          // of the services that were looked for
  std::optional<Judgement> unresolved;  // the first reference that leads nowhere
  bool crosses = false;                 // a reference needs a grant
  Diagnostics problems;
};
using LinkedApiRoutePtr = std::shared_ptr<const LinkedApiRoute>;

[[nodiscard]] LinkedApiRoute link_api_route(const ApiRouteSpec& spec, const Registry& registry,
                                            const Grants& grants);

}  // namespace sluice::config
