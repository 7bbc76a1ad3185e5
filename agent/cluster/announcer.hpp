// SPDX-License-Identifier: Apache-2.0
// Announcer: which of the Gateways' addresses this node answers for. Each address has a lease; the node that holds it
// has the address on the interface whose subnet it belongs to, and tells the neighbours when it has got it. While the
// API server cannot be reached whoever has an address keeps it. Owned by Member. Thread: cluster.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>

#include "agent/base/clock.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/cluster/lease_claims.hpp"
#include "agent/net/local_addresses.hpp"

namespace sluice::cluster {

class Announcer {
 public:
  Announcer(std::string node, const Clock& clock, LeaseClaims& claims)
      : node_(std::move(node)), clock_(clock), claims_(claims) {}

  // The addresses to answer for by somebody, and the nodes that are there to do so.
  void turn(const std::set<IpAddress>& addresses, const std::set<std::string>& nodes);
  // No lease is claimed any more. `keep`: another agent of this node goes on.
  void stop(bool keep);

  [[nodiscard]] std::set<IpAddress> held() const;
  [[nodiscard]] const std::map<IpAddress, std::string>& troubles() const { return troubles_; }

 private:
  struct Held {
    std::uint32_t link = 0;
    TimePoint lent{};
    TimePoint tell{};
    Milliseconds pause{0};  // until the neighbours are told again; 0: they know
  };

  void look_at_links(TimePoint now);
  void hold(const IpAddress& address, std::uint32_t link, TimePoint now);
  void let_go(const IpAddress& address);
  void trouble(const IpAddress& address, const std::string& text);
  [[nodiscard]] Milliseconds patience(const std::string& lease,
                                      const std::set<std::string>& nodes) const;

  std::string node_;
  const Clock& clock_;
  LeaseClaims& claims_;
  std::optional<net::LocalAddresses> local_;
  std::vector<net::LocalAddress> there_;
  TimePoint looked_{};
  std::map<IpAddress, Held> held_;
  std::map<IpAddress, std::string> troubles_;
};

}  // namespace sluice::cluster
