// SPDX-License-Identifier: Apache-2.0
// Route and its parts: HTTP routing as Istio's VirtualService means it, whatever API it came from. Plain values.
// Thread: any.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/origin.hpp"

namespace sluice::model {

struct StringMatch {
  // kRegex: RE2, the whole string; kPresent: any value.
  enum class Kind { kExact, kPrefix, kRegex, kPresent };
  Kind kind = Kind::kExact;
  std::string value;

  bool operator==(const StringMatch&) const = default;
};

struct NamedMatch {
  std::string name;  // header (lower case) or query parameter (case-sensitive)
  StringMatch match;

  bool operator==(const NamedMatch&) const = default;
};

// All conditions of one match must hold (Istio HTTPMatchRequest).
struct RouteMatch {
  std::string name;
  std::optional<StringMatch> uri;  // on the path without query
  bool ignore_uri_case = false;
  std::optional<StringMatch> scheme;
  std::optional<StringMatch> method;
  std::optional<StringMatch> authority;  // Host with its port as the client sent it
  std::vector<NamedMatch> headers;
  std::vector<NamedMatch> without_headers;
  std::vector<NamedMatch> query_params;
  std::optional<std::uint16_t> port;  // the listener's port
  Origin origin;

  [[nodiscard]] bool unconditional() const {
    return !uri && !scheme && !method && !authority && headers.empty() && without_headers.empty() &&
           query_params.empty() && !port;
  }
};

// Weights are relative; they need not sum to 100. Fixed point, so that shares are exact: 20.0 -> 20'000'000.
inline constexpr std::uint64_t kWeightUnit = 1'000'000;

struct WeightedDestination {
  std::string cluster;                 // Cluster::key
  std::uint64_t weight = kWeightUnit;  // in 1/kWeightUnit; 0 = no traffic
  Origin origin;
};

// Without destinations: what matches is answered with 503 and does not fall through to the next route.
struct Route {
  std::string name;
  std::vector<RouteMatch> matches;  // empty = matches everything; any one suffices
  std::vector<WeightedDestination> destinations;
  Origin origin;  // spec.http[i]
};

// Routes of one virtual service for its hosts, in order; the first match wins.
struct VirtualHost {
  std::string name;                  // "default/echo"
  std::vector<std::string> domains;  // lower case: exact, "*.suffix" or "*"
  std::vector<Route> routes;
  Origin origin;
};

}  // namespace sluice::model
