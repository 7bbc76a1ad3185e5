// SPDX-License-Identifier: Apache-2.0
// What routes do and how clusters are balanced, limited and watched, in words for people. Used by explain_view and
// routes_view. Pure. Thread: any.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "agent/model/route.hpp"
#include "agent/model/traffic_policy.hpp"

namespace sluice::app {

struct ActionText {
  std::string
      name;  // as the configuration's field: "redirect", "rewrite", "headers", "timeout", ...
  std::string text;
  model::Origin origin;
};

// In the order in which the data path does them; empty for a route that only names destinations.
[[nodiscard]] std::vector<ActionText> describe_actions(const model::Route& route);
// Of a route that says nothing about retries, too.
[[nodiscard]] std::string describe(const model::RetryPolicy& retries);

// Name and text of each setting that is not the default, and always how endpoints are chosen.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_policy(
    const model::TrafficPolicy& policy);

}  // namespace sluice::app
