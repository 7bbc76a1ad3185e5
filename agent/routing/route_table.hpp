// SPDX-License-Identifier: Apache-2.0
// RouteTable: one listener's virtual hosts, compiled. match() is the data path's matcher; explain() runs the same code
// and keeps what it saw. Pure and const after compile. Thread: any.
// Order: the most specific domain wins (exact, then the longest "*.suffix", then "*") and there is no fall-through to a
// less specific one; inside it virtual hosts in the given order, their routes in order, first match wins.
// Called by snapshot::build (compile, gap, reachable), the proxy (match) and control (explain).
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/http/message.hpp"
#include "agent/model/route.hpp"

namespace sluice::routing {

// nullopt when RE2 takes the expression, else what is wrong with it.
[[nodiscard]] std::optional<std::string> check_regex(std::string_view expression);
// The same for a pattern of which every match is replaced by `substitution`, where \1 names its first group.
[[nodiscard]] std::optional<std::string> check_rewrite(std::string_view pattern,
                                                       std::string_view substitution);

struct Actions;  // action/actions.hpp

struct Decision {
  const model::VirtualHost* virtual_host = nullptr;
  const model::Route* route = nullptr;
  std::uint32_t route_id = 0;        // dense over the table: index into RouteTable::routes()
  int match_index = -1;              // of route->matches; -1 = the route has none
  const Actions* actions = nullptr;  // of the route; null = it only names destinations
};

// Why one candidate did not match: its first condition that failed.
struct NearMiss {
  const model::VirtualHost* virtual_host = nullptr;
  const model::Route* route = nullptr;
  int match_index = -1;
  std::string condition;  // "uri prefix \"/api\""
  std::string got;        // "/shop"
};

struct Explanation {
  std::optional<Decision> decision;
  std::string domain;                 // the domain that the authority selected; empty = none
  std::vector<NearMiss> near_misses;  // in order of evaluation, before the decision
  std::vector<std::string> domains;   // all domains of the table when none was selected
};

// Some requests match no route and are answered 404.
struct Gap {
  std::string message;  // which ones, as the end of a sentence
  model::Origin
      origin;  // of the virtual host that leaves it; empty when a whole host name is not served
};

// Where in `old` each of `now` stands, the same object; kNowhere for those that are not there.
inline constexpr std::uint32_t kNowhere = 0xffffffff;
[[nodiscard]] std::vector<std::uint32_t> positions_in(
    const std::vector<model::VirtualHostPtr>& old, const std::vector<model::VirtualHostPtr>& now);

class RouteTable {
 public:
  struct Entry {
    std::uint32_t virtual_host = 0;  // index into virtual_hosts()
    std::uint32_t route = 0;         // index into its routes
  };

  // `port` is the listener's (RouteMatch::port). Fails on a regular expression that RE2 refuses.
  // Hosts that `previous` (may be null) has too are not compiled again; with the same hosts it is returned itself.
  static Result<RouteTable> compile(std::vector<model::VirtualHostPtr> hosts, std::uint16_t port,
                                    const RouteTable* previous = nullptr);
  RouteTable();  // of no host
  // Copies share one table, and only they are equal.
  bool operator==(const RouteTable&) const = default;

  // The authority is compared without its port and without case. No allocation.
  [[nodiscard]] std::optional<Decision> match(const http::RequestHead& head) const;
  [[nodiscard]] Explanation explain(const http::RequestHead& head) const;

  [[nodiscard]] const std::vector<model::VirtualHostPtr>& virtual_hosts() const;
  [[nodiscard]] const std::vector<Entry>& routes() const;
  // Id of the first route of virtual_hosts()[host]; the others follow it.
  [[nodiscard]] std::uint32_t first_route(std::size_t host) const;
  // True when every possible request matches some route: the condition for steering. What a route then leads to is
  // not looked at: it may have no destination.
  [[nodiscard]] bool total() const { return !gap(); }
  // Why total() is false.
  [[nodiscard]] const std::optional<Gap>& gap() const;
  // Ids of the routes that some request can match, ascending: not those behind a match-all of their domain, nor those
  // for other ports only.
  [[nodiscard]] const std::vector<std::uint32_t>& reachable() const;

 private:
  struct Impl;
  explicit RouteTable(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace sluice::routing
