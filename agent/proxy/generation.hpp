// SPDX-License-Identifier: Apache-2.0
// Generation: a snapshot together with what one worker keeps beside it: pick state, pools and counters of every
// destination, reached by index, so that a request looks nothing up by name.
// Callers: Worker (makes), Stream (picks). Thread: worker. Invariants: alive while it is current or a stream counts
// on it. A set that is the same object in two snapshots is one object in both generations; of one whose key and weights
// are the same, the turns of the subsets go on.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "agent/balance/share_keeper.hpp"
#include "agent/balance/sticky_pick.hpp"
#include "agent/balance/weighted_pick.hpp"
#include "agent/base/boxed.hpp"
#include "agent/proxy/cluster_use.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::proxy {

// One destination of a set, as a worker uses it.
struct Target {
  const snapshot::Share* share = nullptr;
  ClusterReport* report = nullptr;
  std::shared_ptr<ClusterUse> use;
};

// The turns of a set's subsets: one account of what was picked and of what the kernel carried.
struct SetTurns {
  std::vector<std::uint64_t> weights;
  balance::WeightedPick pick;
  Boxed<balance::ShareKeeper> keeper;  // once the kernel has carried a connection of the set
  std::uint64_t picked = 0;            // by turns, since the keeper last looked
  TimePoint looked_at{};               // by the keeper
};

class Generation {
 public:
  // `previous` may be null.
  Generation(Context& context, snapshot::SnapshotPtr snapshot, const Generation* previous,
             std::uint64_t serial);

  [[nodiscard]] const snapshot::Snapshot& snapshot() const { return *snapshot_; }
  // Rises by one with every publish.
  [[nodiscard]] std::uint64_t serial() const { return serial_; }
  // Steering's number for a listener of snapshot(); 0 without a kernel path.
  [[nodiscard]] std::uint32_t listener_id(const snapshot::Listener& listener) const {
    const auto found = listener_ids_.find(&listener);
    return found == listener_ids_.end() ? 0 : found->second;
  }
  // By whose hash the set keeps users with their subset: that of its first cluster with consistentHash; null when no
  // cluster has it.
  [[nodiscard]] const model::HashKey* sticky_key(std::uint32_t index) const {
    return sets_[index]->sticky_key;
  }
  // The target whose turn it is, or to which `hash`, of the sticky_key(), belongs; nullptr when the set has no endpoint
  // at all.
  [[nodiscard]] Target* pick(std::uint32_t index, std::optional<std::uint64_t> hash = std::nullopt);
  // As DestinationSet::shares.
  [[nodiscard]] std::span<Target> targets(std::uint32_t index) { return sets_[index]->targets; }
  [[nodiscard]] SetTurns& turns(std::uint32_t index) { return sets_[index]->turns; }

  std::uint32_t users = 0;  // streams

 private:
  struct Set {
    snapshot::DestinationSetPtr source;
    SetTurns turns;
    balance::StickyPick sticky;
    const model::HashKey* sticky_key = nullptr;
    std::vector<Target> targets;  // as DestinationSet::shares
  };
  [[nodiscard]] static std::shared_ptr<Set> make_set(Context& context,
                                                     const snapshot::DestinationSetPtr& source,
                                                     const Set* old);

  snapshot::SnapshotPtr snapshot_;
  std::uint64_t serial_;
  std::vector<std::shared_ptr<Set>> sets_;  // as Snapshot::destination_sets
  std::unordered_map<const snapshot::Listener*, std::uint32_t> listener_ids_;  // with steering
};

}  // namespace sluice::proxy
