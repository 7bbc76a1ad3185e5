// SPDX-License-Identifier: Apache-2.0
// AddressPool and what comes of it: which addresses each Gateway has. Nothing is remembered: an address that a Gateway
// has in its status stays its own, so any agent, also one that has just started, comes to the same plan.
// Called by options and Member. Pure. Thread: any.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/ip_address.hpp"
#include "agent/config/status.hpp"

namespace sluice::cluster {

class AddressPool {
 public:
  // "10.77.0.128/25", "10.0.0.10-10.0.0.20" or one address; several separated by commas. nullopt: it is none of these.
  static std::optional<AddressPool> parse(std::string_view text);

  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] bool contains(const IpAddress& address) const;
  // The first that `taken` does not know.
  [[nodiscard]] std::optional<IpAddress> first_free(
      const std::map<IpAddress, std::string>& taken) const;

 private:
  struct Range {
    IpAddress first;
    IpAddress last;
  };

  std::vector<Range> ranges_;
};

struct AddressGrant {
  std::vector<IpAddress> addresses;
  // Why there are none: of the condition Accepted where the type is unknown, else of Programmed.
  bool unsupported = false;
  std::string reason;
  std::string message;
};

// By "namespace/name"; of Gateways, not of ListenerSets.
[[nodiscard]] std::map<std::string, AddressGrant> plan_addresses(
    const std::vector<config::GatewayStatus>& gateways, const AddressPool& pool);

[[nodiscard]] std::string key_of(const config::StatusTarget& target);

}  // namespace sluice::cluster
