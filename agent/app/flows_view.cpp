// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <array>
#include <bit>
#include <optional>
#include <unordered_map>

#include "agent/app/status_view.hpp"
#include "agent/base/hash.hpp"
#include "agent/datapath/flow_table.hpp"

namespace sluice::app {
namespace {

constexpr std::uint32_t kDefaultLimit = 1000;

const char* name_of(std::uint32_t state) {
  switch (state) {
    case LB_SLOT_NORMAL:
      return "normal";
    case LB_SLOT_ARMED:
      return "armed";
    case LB_SLOT_HELD:
      return "held";
    case LB_SLOT_PASS:
      return "passed";
    case LB_SLOT_ENDED:
      return "ended";
    default:
      return nullptr;  // FREE, USED: not a steered connection
  }
}

using Word [[gnu::may_alias]] = std::uint64_t;

// Word by word with acquire, so that the generation read afterwards is a later one. The kernel and the workers write
// meanwhile and the generation tells it: a race by design, which ThreadSanitizer is not to report.
[[gnu::no_sanitize_thread]] lb_slot copy_of(const lb_slot& shared) {
  std::array<std::uint64_t, sizeof(lb_slot) / sizeof(std::uint64_t)> words;
  static_assert(sizeof(words) == sizeof(lb_slot));
  const auto* from = reinterpret_cast<const Word*>(&shared);
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = __atomic_load_n(from + i, __ATOMIC_ACQUIRE);
  }
  return std::bit_cast<lb_slot>(words);
}

// nullopt: not a steered connection, or another one by now. Counters may be a packet apart from each other; that is
// fine for display and the reason why nothing here is locked.
std::optional<lb_slot> read_slot(const lb_slot& shared) {
  const std::uint32_t before = __atomic_load_n(&shared.generation, __ATOMIC_ACQUIRE);
  if (name_of(__atomic_load_n(&shared.state, __ATOMIC_ACQUIRE)) == nullptr) return std::nullopt;
  const lb_slot copy = copy_of(shared);
  const std::uint32_t after = __atomic_load_n(&shared.generation, __ATOMIC_RELAXED);
  if (before != after || name_of(copy.state) == nullptr) return std::nullopt;
  return copy;
}

double seconds_since(std::uint64_t then_ns, TimePoint now) {
  const auto now_ns = static_cast<std::uint64_t>(Nanoseconds(now.time_since_epoch()).count());
  return now_ns > then_ns ? static_cast<double>(now_ns - then_ns) / 1e9 : 0;
}

// lb_slot::last_seen: the low 32 bits of nanoseconds >> 20; wraps every 52 days. A stamp in the future (another CPU's
// coarse clock) reads as now.
double idle_seconds(std::uint32_t last_seen, TimePoint now) {
  const auto now_ns = static_cast<std::uint64_t>(Nanoseconds(now.time_since_epoch()).count());
  const auto ticks =
      static_cast<std::int32_t>(static_cast<std::uint32_t>(now_ns >> 20) - last_seen);
  return ticks > 0 ? static_cast<double>(ticks) * static_cast<double>(1 << 20) / 1e9 : 0;
}

using ClusterNames = std::unordered_map<std::uint64_t, std::string>;

ClusterNames names_of(const snapshot::SnapshotPtr& snapshot) {
  ClusterNames out;
  if (!snapshot) return out;
  for (const auto& [key, cluster] : snapshot->clusters) out.emplace(cluster_hash(key), key);
  return out;
}

void fill_flow(const lb_slot& from, const ClusterNames& names, TimePoint now, TimePoint agent_start,
               v1::Flow& to) {
  to.set_state(name_of(from.state));
  to.set_client(to_string(datapath::source_of(from.client)));
  to.set_local(to_string(datapath::destination_of(from.client)));
  to.set_endpoint(to_string(datapath::source_of(from.pod)));
  const auto name = names.find(from.cluster);
  // A cluster that is gone from the configuration, or was another agent's.
  to.set_cluster(name == names.end() ? fmt::format("unknown ({:016x})", from.cluster)
                                     : name->second);
  to.set_packets_to_pod(from.track[LB_TO_POD].packets);
  to.set_packets_to_client(from.track[LB_TO_CLIENT].packets);
  to.set_bytes_to_pod(from.track[LB_TO_POD].bytes);
  to.set_bytes_to_client(from.track[LB_TO_CLIENT].bytes);
  to.set_requests(from.turns);
  to.set_age_seconds(seconds_since(from.installed_ns, now));
  to.set_idle_seconds(idle_seconds(from.last_seen, now));
  to.set_owner(from.owner);
  to.set_resent_to_pod(from.retransmissions[LB_TO_POD]);
  to.set_resent_to_client(from.retransmissions[LB_TO_CLIENT]);
  to.set_first_byte_seconds(from.first_byte * 1024 / 1e9);
  if (from.turn_ns != 0) to.set_waiting_seconds(seconds_since(from.turn_ns, now));
  const auto start_ns =
      static_cast<std::uint64_t>(Nanoseconds(agent_start.time_since_epoch()).count());
  to.set_adopted(from.installed_ns < start_ns);
}

}  // namespace

v1::FlowsReply flows_view(std::span<const lb_slot> slots, std::uint32_t limit, TimePoint now,
                          TimePoint agent_start, const snapshot::SnapshotPtr& snapshot) {
  v1::FlowsReply reply;
  const ClusterNames names = names_of(snapshot);
  const std::uint32_t most = limit == 0 ? kDefaultLimit : limit;
  std::uint64_t total = 0;
  for (std::size_t index = 0; index < slots.size(); ++index) {
    const auto slot = read_slot(slots[index]);
    if (!slot) continue;
    if (++total > most) continue;
    v1::Flow& flow = *reply.add_flows();
    flow.set_slot(static_cast<std::uint32_t>(index));
    fill_flow(*slot, names, now, agent_start, flow);
  }
  reply.set_total(total);
  return reply;
}

}  // namespace sluice::app
