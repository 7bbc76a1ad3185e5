// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>

#include "agent/datapath/kernel_error.hpp"
#include "agent/datapath/mapped_flow_table.hpp"
#include "bpf/abi/limits.h"

namespace sluice::datapath {
namespace {

// A full map answers E2BIG; an entry that cannot be allocated just now, ENOMEM.
bool is_full(int result) { return result == -E2BIG || result == -ENOMEM; }

bool is_v4(const lb_address& address) { return from_abi(address).is_v4(); }

}  // namespace

Result<std::unique_ptr<MappedFlowTable>> MappedFlowTable::open(FlowMaps maps) {
  const std::size_t bytes = std::size_t{maps.slot_count} * sizeof(lb_slot);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, maps.slots, 0);
  if (memory == MAP_FAILED)
    return kernel_failure("cannot map the table of steered connections", errno);
  const std::span<lb_slot> slots(static_cast<lb_slot*>(memory), maps.slot_count);
  return std::unique_ptr<MappedFlowTable>(new MappedFlowTable(std::move(maps), slots));
}

MappedFlowTable::~MappedFlowTable() { ::munmap(slots_.data(), slots_.size_bytes()); }

Result<void> MappedFlowTable::install(const lb_tuple& client, const lb_flow& to_pod,
                                      const lb_tuple& pod, const lb_flow& to_client) {
  if (is_v4(client.source) != is_v4(to_pod.out.source) ||
      is_v4(pod.source) != is_v4(to_client.out.source))
    return fail(ErrorCode::kInvalid, "a connection cannot be steered between IPv4 and IPv6");
  const std::array<lb_tuple, 2> keys{client, pod};
  const std::array<lb_flow, 2> values{to_pod, to_client};
  std::uint32_t count = 2;
  const int result = bpf_map_update_batch(maps_.flows, keys.data(), values.data(), &count, nullptr);
  if (result == 0) return {};
  if (count > 0 && count <= 2) remove(client, pod);  // how many went in before it failed
  if (is_full(result))
    return fail(ErrorCode::kExhausted,
                "the table of steered connections is full (see --max-steered)");
  return kernel_failure("cannot install a steered connection", result);
}

void MappedFlowTable::remove(const lb_tuple& client, const lb_tuple& pod) {
  const std::array<lb_tuple, 2> keys{client, pod};
  std::uint32_t count = 2;
  if (bpf_map_delete_batch(maps_.flows, keys.data(), &count, nullptr) == 0) return;
  // A batch stops at the first entry that is not there; lb_tc may have removed one before us.
  for (const lb_tuple& key : keys) (void)bpf_map_delete_elem(maps_.flows, &key);
}

std::optional<lb_leg> MappedFlowTable::leg(const lb_tuple& remote) {
  lb_leg found{};
  if (bpf_map_lookup_elem(maps_.legs, &remote, &found) != 0 || found.ifindex == 0)
    return std::nullopt;
  return found;
}

void MappedFlowTable::set_leg(const lb_tuple& remote, const lb_leg& leg) {
  (void)bpf_map_update_elem(maps_.legs, &remote, &leg, BPF_ANY);
}

void MappedFlowTable::forget_leg(const lb_tuple& remote) {
  (void)bpf_map_delete_elem(maps_.legs, &remote);
}

Result<void> MappedFlowTable::add_source(const SourcePair& pair, std::uint32_t ifindex) {
  const lb_source shown{.address = pair.answer.destination, .ifindex = ifindex, .is_answer = 0};
  const lb_source own{.address = pair.sent.source, .ifindex = ifindex, .is_answer = 1};
  int result = bpf_map_update_elem(maps_.sources, &pair.sent, &shown, BPF_NOEXIST);
  if (result == 0) {
    result = bpf_map_update_elem(maps_.sources, &pair.answer, &own, BPF_NOEXIST);
    if (result != 0) (void)bpf_map_delete_elem(maps_.sources, &pair.sent);
  }
  if (result == 0) return {};
  if (result == -EEXIST)
    return fail(ErrorCode::kUnavailable, "another connection shows a client's address there");
  if (is_full(result))
    return fail(ErrorCode::kExhausted, "the table of shown client addresses is full");
  return kernel_failure("cannot show a client's address", result);
}

void MappedFlowTable::remove_source(const SourcePair& pair) {
  (void)bpf_map_delete_elem(maps_.sources, &pair.sent);
  (void)bpf_map_delete_elem(maps_.sources, &pair.answer);
}

std::optional<IpAddress> MappedFlowTable::node_behind(const lb_tuple& answer) {
  lb_source found{};
  if (bpf_map_lookup_elem(maps_.sources, &answer, &found) != 0) return std::nullopt;
  return from_abi(found.address);
}

// An entry whose other half is missing counts as a pair too, so that it is removed some day.
std::vector<SourcePair> MappedFlowTable::sources() {
  std::vector<SourcePair> out;
  lb_tuple key{};
  const lb_tuple* previous = nullptr;
  // Bounded, for an agent that ends may remove some meanwhile, and then the kernel begins anew.
  for (int i = 0; i < 2 * LB_MAX_SOURCES; ++i) {
    if (bpf_map_get_next_key(maps_.sources, previous, &key) != 0) break;
    previous = &key;
    lb_source value{};
    if (bpf_map_lookup_elem(maps_.sources, &key, &value) != 0) continue;
    lb_tuple other = reverse(key);
    (value.is_answer != 0 ? other.source : other.destination) = value.address;
    const bool is_answer = value.is_answer != 0;
    const bool counted = is_answer && bpf_map_lookup_elem(maps_.sources, &other, &value) == 0;
    if (!counted) out.push_back(is_answer ? SourcePair{other, key} : SourcePair{key, other});
  }
  return out;
}

int MappedFlowTable::ring_fd(std::uint32_t worker) const {
  return worker < maps_.rings.size() ? maps_.rings[worker] : -1;
}

}  // namespace sluice::datapath
