// SPDX-License-Identifier: Apache-2.0
// Route and its parts: routing as Istio's VirtualService means it, whatever API it came from. Plain values.
// Thread: any.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/boxed.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/model/action.hpp"
#include "agent/model/header_rules.hpp"
#include "agent/model/origin.hpp"
#include "agent/model/string_match.hpp"

namespace sluice::model {

// All conditions of one match must hold (Istio HTTPMatchRequest).
struct RouteMatch {
  std::string name;
  std::optional<StringMatch> uri;  // on the path without query
  bool ignore_uri_case = false;
  Boxed<StringMatch> scheme;
  Boxed<StringMatch> method;
  Boxed<StringMatch> authority;  // Host with its port as the client sent it
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
  HeaderRulesPtr headers{};  // applied after those of the route

  bool operator==(const WeightedDestination&) const = default;
};

// What is done with a request that matches: in this order CORS, fault, then redirect or direct_response, else rewrite,
// headers, mirrors and the destinations. Without destinations, redirect and direct_response: what matches is answered
// with 503 and does not fall through to the next route.
struct Route {
  std::string name;
  std::vector<RouteMatch> matches;  // empty = matches everything; any one suffices
  std::vector<WeightedDestination> destinations;
  Boxed<Redirect> redirect{};
  Boxed<DirectResponse> direct_response{};
  Boxed<Rewrite> rewrite{};
  HeaderRulesPtr headers{};
  std::optional<Milliseconds>
      timeout{};  // from the whole request to the whole answer, retries included; none = unbounded
  Boxed<RetryPolicy> retries{};  // none = RetryPolicy{}
  Boxed<Fault> fault{};
  std::vector<Mirror> mirrors{};
  Boxed<Cors> cors{};
  Origin origin;  // spec.http[i]
};

// A rule of a TCP listener (Istio L4MatchAttributes and TCPRoute).
struct TcpMatch {
  std::vector<IpPrefix> destination_subnets;  // empty = any
  std::optional<std::uint16_t> port;
  Origin origin;

  bool operator==(const TcpMatch&) const = default;
};
struct TcpRoute {
  std::vector<TcpMatch> matches;  // empty = every connection; any one suffices
  std::vector<WeightedDestination> destinations;
  Origin origin;

  bool operator==(const TcpRoute&) const = default;
};

// Routes of one virtual service for its hosts, in order; the first match wins.
struct VirtualHost {
  std::string name;                  // "default/echo"
  std::vector<std::string> domains;  // lower case: exact, "*.suffix" or "*"
  std::vector<Route> routes;
  bool https_redirect = false;  // 301 to https instead of every route (Istio tls.httpsRedirect)
  Origin origin;
};
using VirtualHostPtr =
    std::shared_ptr<const VirtualHost>;  // equal pointers: nothing about it changed

}  // namespace sluice::model
