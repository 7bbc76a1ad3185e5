// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/carried_judge.hpp"

#include <algorithm>
#include <utility>

#include "agent/base/hash.hpp"

namespace sluice::proxy {

CarriedVerdict CarriedJudge::judge(const Carried& connection, Steering& steering) {
  const Rules& rules = rules_at(connection.local);
  const auto found = rules.choices.find(connection.cluster_hash);
  if (!rules.steerable || found == rules.choices.end()) return {MoveReason::kConfig, {}};
  const bool show =
      rules.preserve_client &&
      (connection.shown || steering.can_show(connection.client.ip, connection.endpoint));
  if (connection.shown != show) return {MoveReason::kConfig, {}};
  const Choice& choice = found->second;
  const auto endpoint = choice.endpoints.find(connection.endpoint);
  if (endpoint == choice.endpoints.end()) {
    const bool known = choice.cluster != nullptr &&
                       std::ranges::any_of(choice.cluster->endpoints, [&](const auto& each) {
                         return each.address == connection.endpoint;
                       });
    return {known ? MoveReason::kEndpointDrains : MoveReason::kEndpointGone, {}};
  }
  Target* const target = &generation_.targets(rules.set)[choice.index];
  return {std::nullopt, CarriedPlace{rules.set, choice.index, target, endpoint->second}};
}

const CarriedJudge::Rules& CarriedJudge::rules_at(const SocketAddress& local) {
  const auto known = rules_.find(local);
  if (known != rules_.end()) return known->second;
  return rules_.emplace(local, make_rules(local)).first->second;
}

CarriedJudge::Rules CarriedJudge::make_rules(const SocketAddress& local) {
  Rules rules;
  const snapshot::Snapshot& snapshot = generation_.snapshot();
  const snapshot::Listener* const listener = snapshot.find_listener(local);
  if (listener == nullptr || listener->tier != snapshot::Tier::kConnection) return rules;
  rules.steerable = true;
  rules.preserve_client = listener->preserve_client;
  rules.set = listener->steer_set;
  const auto& shares = snapshot.destination_sets[rules.set]->shares;
  for (std::uint32_t i = 0; i < shares.size(); ++i) {
    const snapshot::Share& share = shares[i];
    if (share.weight == 0) continue;
    Choice choice;
    choice.index = i;
    const auto cluster = snapshot.clusters.find(share.cluster);
    if (cluster != snapshot.clusters.end()) choice.cluster = cluster->second.get();
    for (std::uint32_t k = 0; k < share.endpoints.size(); ++k) {
      choice.endpoints.emplace(share.endpoints[k].address, k);
    }
    rules.choices.emplace(cluster_hash(share.cluster), std::move(choice));
  }
  return rules;
}

}  // namespace sluice::proxy
