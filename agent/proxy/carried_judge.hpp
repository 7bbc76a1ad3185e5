// SPDX-License-Identifier: Apache-2.0
// CarriedJudge: where a connection that the kernel carries belongs by one generation, and what speaks against leaving
// it where it is. Found once for each connection and generation; what changes in between is the policy's to watch.
// Callers: CarriedPolicy. Thread: worker. Invariants: lives no longer than its generation.
#pragma once
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "agent/proxy/generation.hpp"
#include "agent/proxy/steering.hpp"

namespace sluice::proxy {

struct CarriedPlace {
  std::uint32_t set = 0;
  std::uint32_t choice = 0;  // as Generation::targets()
  Target* target = nullptr;
  std::uint32_t endpoint = 0;  // of target->use
};

struct CarriedVerdict {
  std::optional<MoveReason> reason;   // none: it may stay
  std::optional<CarriedPlace> place;  // none: its requests are in nobody's share
};

class CarriedJudge {
 public:
  explicit CarriedJudge(Generation& generation) : generation_(generation) {}

  [[nodiscard]] CarriedVerdict judge(const Carried& connection, Steering& steering);

 private:
  using Endpoints = std::unordered_map<SocketAddress, std::uint32_t, SocketAddressHash>;
  struct Choice {
    std::uint32_t index = 0;
    const model::Cluster* cluster = nullptr;
    Endpoints endpoints;  // in use
  };
  // Of the listener at one local address.
  struct Rules {
    bool steerable = false;
    bool preserve_client = false;
    std::uint32_t set = 0;
    std::unordered_map<std::uint64_t, Choice> choices;  // by cluster_hash()
  };

  [[nodiscard]] const Rules& rules_at(const SocketAddress& local);
  [[nodiscard]] Rules make_rules(const SocketAddress& local);

  Generation& generation_;
  std::unordered_map<SocketAddress, Rules, SocketAddressHash> rules_;
};

}  // namespace sluice::proxy
