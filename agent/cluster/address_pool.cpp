// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster/address_pool.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "agent/base/text.hpp"

namespace sluice::cluster {
namespace {

constexpr char kIpAddress[] = "IPAddress";

// False: it was the last one there is.
bool step(IpAddress& address, int by) {
  for (std::size_t i = address.bytes.size(); i-- > 0;) {
    const std::uint8_t before = address.bytes[i];
    address.bytes[i] = static_cast<std::uint8_t>(before + by);
    if (by > 0 ? before != 0xff : before != 0) return true;
  }
  return false;
}

std::string name_of(const config::GatewayStatus& gateway) {
  return gateway.target.name_space + "/" + gateway.target.name;
}

class Plan {
 public:
  explicit Plan(const AddressPool& pool) : pool_(pool) {}

  // What the Gateway asks for by value.
  AddressGrant requested(const config::GatewayStatus& gateway) {
    AddressGrant out;
    for (const auto& wanted : gateway.wanted_addresses) {
      if (wanted.type != kIpAddress) {
        out.unsupported = true;
        out.reason = "UnsupportedAddress";
        out.message =
            fmt::format("addresses of type {} are not supported, only IPAddress", wanted.type);
        out.addresses.clear();
        return out;
      }
      if (wanted.value.empty()) continue;
      const auto address = IpAddress::parse(wanted.value);
      std::string why;
      if (!address) {
        why = "is no IP address";
      } else if (!pool_.empty() && !pool_.contains(*address)) {
        why = "is not in the agents' --address-pool";
      } else if (const auto owner = taken_.find(*address);
                 owner != taken_.end() && owner->second != name_of(gateway)) {
        why = "belongs to the Gateway " + owner->second;
      }
      if (why.empty()) {
        out.addresses.push_back(*address);
      } else if (out.reason.empty()) {
        out.reason = "AddressNotUsable";
        out.message = fmt::format("the address {} {}", wanted.value, why);
      }
    }
    if (!out.reason.empty()) out.addresses.clear();
    for (const IpAddress& address : out.addresses) taken_[address] = name_of(gateway);
    return out;
  }

  // What it has already. False: nothing.
  bool keep(const config::GatewayStatus& gateway, AddressGrant& grant) {
    for (const auto& has : gateway.addresses) {
      const auto address = IpAddress::parse(has.value);
      if (has.type != kIpAddress || !address || !pool_.contains(*address)) continue;
      if (!taken_.emplace(*address, name_of(gateway)).second) continue;
      grant.addresses.push_back(*address);
      return true;
    }
    return false;
  }

  void allocate(const config::GatewayStatus& gateway, AddressGrant& grant) {
    const auto address = pool_.first_free(taken_);
    if (address) {
      taken_[*address] = name_of(gateway);
      grant.addresses.push_back(*address);
      return;
    }
    grant.reason = "AddressNotAssigned";
    grant.message = pool_.empty() ? "the Gateway names no address and the agents have no "
                                    "--address-pool to give one from"
                                  : "all addresses of the agents' --address-pool are taken";
  }

 private:
  const AddressPool& pool_;
  std::map<IpAddress, std::string> taken_;  // with the Gateway that has it
};

bool asks_by_value(const config::GatewayStatus& gateway) {
  return std::ranges::any_of(gateway.wanted_addresses, [](const auto& wanted) {
    return wanted.type != kIpAddress || !wanted.value.empty();
  });
}

}  // namespace

std::optional<AddressPool> AddressPool::parse(std::string_view text) {
  AddressPool out;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const std::string_view part = trim(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    Range range;
    if (const auto dash = part.find('-'); dash != part.npos) {
      const auto first = IpAddress::parse(trim(part.substr(0, dash)));
      const auto last = IpAddress::parse(trim(part.substr(dash + 1)));
      if (!first || !last || first->is_v4() != last->is_v4() || *last < *first) return std::nullopt;
      range = {*first, *last};
    } else {
      const auto prefix = IpPrefix::parse(part);
      if (!prefix || prefix->bits == 0) return std::nullopt;
      range = {prefix->address, prefix->address};
      for (std::size_t bit = prefix->bits; bit < 128; ++bit) {
        auto& byte = range.last.bytes[bit / 8];
        byte = static_cast<std::uint8_t>(byte | (0x80U >> (bit % 8)));
      }
      // The subnet's own address and its broadcast address may be what this block begins and ends with.
      if (prefix->bits < 127 && prefix->address.is_v4()) step(range.last, -1);
      if (prefix->bits < 127) step(range.first, 1);
    }
    out.ranges_.push_back(range);
  }
  if (out.empty()) return std::nullopt;
  return out;
}

bool AddressPool::contains(const IpAddress& address) const {
  return std::ranges::any_of(ranges_, [&address](const Range& range) {
    return range.first <= address && address <= range.last;
  });
}

std::optional<IpAddress> AddressPool::first_free(
    const std::map<IpAddress, std::string>& taken) const {
  for (const Range& range : ranges_) {
    IpAddress at = range.first;
    do {
      if (!taken.contains(at)) return at;
    } while (at < range.last && step(at, 1));
  }
  return std::nullopt;
}

std::map<std::string, AddressGrant> plan_addresses(
    const std::vector<config::GatewayStatus>& gateways, const AddressPool& pool) {
  std::map<std::string, AddressGrant> out;
  Plan plan(pool);
  std::vector<const config::GatewayStatus*> fresh;
  const auto own = [](const auto& gateway) { return gateway.target.kind == "Gateway"; };
  // An address in use is not taken from whoever has it, also when another one asks for it by value.
  for (const auto& gateway : gateways) {
    if (!own(gateway) || asks_by_value(gateway)) continue;
    if (AddressGrant grant; plan.keep(gateway, grant)) {
      out[name_of(gateway)] = std::move(grant);
    } else {
      fresh.push_back(&gateway);
    }
  }
  for (const auto& gateway : gateways) {
    if (own(gateway) && asks_by_value(gateway)) out[name_of(gateway)] = plan.requested(gateway);
  }
  for (const auto* gateway : fresh) {
    plan.allocate(*gateway, out[name_of(*gateway)]);
  }
  return out;
}

std::string key_of(const config::StatusTarget& target) {
  return target.kind + "/" + target.name_space + "/" + target.name;
}

}  // namespace sluice::cluster
