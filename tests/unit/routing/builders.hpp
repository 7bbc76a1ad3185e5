// SPDX-License-Identifier: Apache-2.0
// Short ways to write requests and routes in the routing tests. Thread: main.
#pragma once
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "agent/routing/route_table.hpp"

namespace sluice::routing {

using Kind = model::StringMatch::Kind;

inline http::RequestHead request(
    std::string authority, std::string path, std::string query = "",
    std::initializer_list<std::pair<std::string, std::string>> headers = {}) {
  http::RequestHead head;
  head.method = "GET";
  head.authority = std::move(authority);
  head.path = std::move(path);
  head.query = std::move(query);
  head.target = head.query.empty() ? head.path : head.path + "?" + head.query;
  for (const auto& [name, value] : headers) head.headers.add(name, value);
  return head;
}

inline model::RouteMatch uri(Kind kind, std::string value) {
  model::RouteMatch match;
  match.uri = model::StringMatch{kind, std::move(value)};
  return match;
}

inline model::Route route(std::string name, std::vector<model::RouteMatch> matches = {}) {
  model::Route out;
  out.name = std::move(name);
  out.matches = std::move(matches);
  return out;
}

inline model::VirtualHost virtual_host(std::string name, std::vector<std::string> domains,
                                       std::vector<model::Route> routes) {
  model::VirtualHost out;
  out.name = std::move(name);
  out.domains = std::move(domains);
  out.routes = std::move(routes);
  return out;
}

inline std::vector<model::VirtualHostPtr> shared(std::vector<model::VirtualHost> hosts) {
  std::vector<model::VirtualHostPtr> out;
  for (model::VirtualHost& host : hosts) {
    out.push_back(std::make_shared<const model::VirtualHost>(std::move(host)));
  }
  return out;
}

inline RouteTable compile(std::vector<model::VirtualHost> hosts, std::uint16_t port = 80) {
  auto table = RouteTable::compile(shared(std::move(hosts)), port);
  EXPECT_TRUE(table) << (table ? "" : table.error().message);
  return std::move(*table);
}

// Name of the route that a request matches, or "404".
inline std::string matched(const RouteTable& table, const http::RequestHead& head) {
  const auto decision = table.match(head);
  return decision ? decision->route->name : "404";
}

// A table of one virtual host for every host.
inline RouteTable with_match(model::RouteMatch match, std::uint16_t port = 80) {
  return compile({virtual_host("vh", {"*"}, {route("hit", {std::move(match)})})}, port);
}

}  // namespace sluice::routing
