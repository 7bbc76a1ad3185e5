// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster/programmed.hpp"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>

#include "agent/base/hash.hpp"

namespace sluice::cluster {
namespace {

constexpr std::size_t kNamedNodes = 3;

config::Condition* find(std::vector<config::Condition>& conditions, std::string_view type) {
  const auto found = std::ranges::find(conditions, type, &config::Condition::type);
  return found == conditions.end() ? nullptr : &*found;
}

void set(std::vector<config::Condition>& conditions, config::Condition wanted) {
  if (config::Condition* const there = find(conditions, wanted.type)) {
    *there = std::move(wanted);
  } else {
    conditions.push_back(std::move(wanted));
  }
}

// Also of its listeners: none serves while the whole does not.
void not_programmed(config::GatewayStatus& status, const std::string& reason,
                    const std::string& message) {
  set(status.conditions, {"Programmed", false, reason, message});
  for (config::ListenerStatus& listener : status.listeners) {
    if (config::Condition* const there = find(listener.conditions, "Programmed")) {
      if (there->holds) *there = {"Programmed", false, "Pending", message};
    }
  }
}

std::string waiting_for(const std::vector<std::string>& nodes) {
  std::string out = "not yet in force on ";
  for (std::size_t i = 0; i < std::min(nodes.size(), kNamedNodes); ++i) {
    out += (i == 0 ? "" : ", ") + nodes[i];
  }
  if (nodes.size() > kNamedNodes) {
    out += fmt::format(" and {} more nodes", nodes.size() - kNamedNodes);
  }
  return out;
}

}  // namespace

std::string acknowledgement(const config::GatewayStatus& gateway) {
  std::uint64_t hash = fnv1a(key_of(gateway.target));
  hash = fnv1a(fmt::format(" {}", gateway.target.generation), hash);
  std::vector<std::string> addresses;
  for (const auto& address : gateway.addresses) addresses.push_back(address.value);
  std::ranges::sort(addresses);
  for (const std::string& address : addresses) hash = fnv1a(" " + address, hash);
  return fmt::format("{:016x}", hash);
}

std::string acknowledgements(const config::StatusReport& report,
                             const std::set<std::string>& broken) {
  std::vector<std::string> words;
  for (const config::GatewayStatus& gateway : report.gateways) {
    if (broken.contains(gateway.target.name_space + "/" + gateway.target.name)) continue;
    words.push_back(acknowledgement(gateway));
  }
  std::ranges::sort(words);
  return fmt::format("{}", fmt::join(words, " "));
}

Decision decide(const config::GatewayStatus& reported, const AddressGrant& grant,
                const Acknowledged& agents) {
  Decision out{reported};
  config::GatewayStatus& status = out.status;
  if (reported.target.kind == "Gateway") {
    status.addresses.clear();
    for (const IpAddress& address : grant.addresses) {
      status.addresses.push_back({"IPAddress", to_string(address)});
    }
    if (grant.unsupported) {
      set(status.conditions, {"Accepted", false, grant.reason, grant.message});
      not_programmed(status, "Invalid", grant.message);
      return out;
    }
  }
  const config::Condition* const programmed = find(status.conditions, "Programmed");
  if (programmed == nullptr || !programmed->holds) return out;
  if (!grant.reason.empty()) {
    not_programmed(status, grant.reason, grant.message);
    return out;
  }
  std::vector<std::string> waiting;
  const std::string word = acknowledgement(status);
  for (const auto& [node, words] : agents) {
    if (!words.contains(word)) waiting.push_back(node);
  }
  if (!waiting.empty() || agents.empty()) {
    not_programmed(status, "Pending", agents.empty() ? "no agent is ready" : waiting_for(waiting));
    out.waiting = true;
  }
  return out;
}

}  // namespace sluice::cluster
