// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/programs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "bpf/abi/event.h"
#include "bpf/abi/knobs.h"
#include "bpf/abi/limits.h"
#include "lb_tc.skel.h"

namespace sluice::test {
namespace {

constexpr std::uint32_t kSlots = 16;
constexpr std::uint32_t kRings = 2;
constexpr const char* kLabels[] = {
#define LB_LABEL(name, label, help) label,
    LB_COUNTERS(LB_LABEL)
#undef LB_LABEL
};

template <typename Key>
void clear(int map) {
  Key key{};
  while (bpf_map_get_next_key(map, nullptr, &key) == 0) bpf_map_delete_elem(map, &key);
}

std::size_t count_entries(int map) {
  std::size_t entries = 0;
  lb_tuple key{}, next{};
  for (const lb_tuple* at = nullptr; bpf_map_get_next_key(map, at, &next) == 0; at = &key) {
    key = next;
    ++entries;
  }
  return entries;
}

int append_event(void* context, void* data, std::size_t size) {
  Event event{};
  if (size < sizeof event.header) return 0;
  std::memcpy(&event.header, data, sizeof event.header);
  event.payload.assign(static_cast<const char*>(data) + sizeof event.header, event.header.length);
  static_cast<std::vector<Event>*>(context)->push_back(std::move(event));
  return 0;
}

}  // namespace

Programs* Programs::get() {
  static Programs programs;
  static const bool loaded = programs.load();
  return loaded ? &programs : nullptr;
}

bool Programs::load() {
  objects_ = lb_tc__open();
  if (objects_ == nullptr) return false;
  objects_->rodata->knobs = {.upstream_port_first = kFirstUpstreamPort,
                             .upstream_port_last = kLastUpstreamPort,
                             .workers = kRings};
  bpf_map__set_max_entries(objects_->maps.lb_slots, kSlots);
  bpf_map__set_max_entries(objects_->maps.lb_flows, 2 * kSlots);
  if (lb_tc__load(objects_) != 0) return false;
  for (std::uint32_t worker = 0; worker < kRings; ++worker) {
    const int ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "lb_ring", 0, 0, LB_RING_BYTES, nullptr);
    if (ring < 0) return false;
    if (bpf_map_update_elem(bpf_map__fd(objects_->maps.lb_rings), &worker, &ring, BPF_ANY) != 0)
      return false;
    rings_.push_back(ring);
  }
  return true;
}

int Programs::map(const char* name) const {
  return bpf_object__find_map_fd_by_name(objects_->obj, name);
}

RunResult Programs::run(int program, const Bytes& bytes, std::uint32_t mark, int repeat,
                        std::uint32_t segment) {
  __sk_buff context{};
  context.mark = mark;
  context.gso_size = segment;
  context.gso_segs = segment == 0 ? 0 : static_cast<__u32>(bytes.size()) / segment + 1;
  RunResult result;
  result.bytes.resize(bytes.size() + 256);
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = bytes.data();
  options.data_size_in = static_cast<__u32>(bytes.size());
  options.data_out = result.bytes.data();
  options.data_size_out = static_cast<__u32>(result.bytes.size());
  options.ctx_in = &context;
  options.ctx_out = &context;
  options.ctx_size_in = sizeof context;
  options.ctx_size_out = sizeof context;
  options.repeat = repeat;
  if (const int error = bpf_prog_test_run_opts(program, &options); error != 0) {
    std::fprintf(stderr, "BPF_PROG_TEST_RUN: %s\n", std::strerror(-error));
    return {};
  }
  result.verdict = static_cast<int>(options.retval);
  result.mark = context.mark;
  result.nanoseconds = options.duration;
  result.bytes.resize(options.data_size_out);
  result.packet = decode(result.bytes);
  return result;
}

RunResult Programs::ingress(const Packet& packet, int repeat) {
  return ingress_bytes(encode(packet), repeat);
}

RunResult Programs::ingress_bytes(const Bytes& bytes, int repeat) {
  return run(bpf_program__fd(objects_->progs.lb_ingress), bytes, 0, repeat);
}

RunResult Programs::ingress_gso(const Bytes& bytes, std::uint32_t segment) {
  return run(bpf_program__fd(objects_->progs.lb_ingress), bytes, 0, 1, segment);
}

UniqueFd Programs::attach_ingress(unsigned interface) {
  constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);  // newer than Debian's headers
  const int program = bpf_program__fd(objects_->progs.lb_ingress);
  return UniqueFd(bpf_link_create(program, static_cast<int>(interface), kTcxIngress, nullptr));
}

RunResult Programs::egress(const Packet& packet, std::uint32_t mark) {
  return run(bpf_program__fd(objects_->progs.lb_egress), encode(packet), mark, 1);
}

void Programs::reset() {
  clear<lb_tuple>(bpf_map__fd(objects_->maps.lb_flows));
  clear<lb_tuple>(bpf_map__fd(objects_->maps.lb_legs));
  clear<std::uint64_t>(bpf_map__fd(objects_->maps.lb_first_bytes));
  clear<lb_listener_key>(bpf_map__fd(objects_->maps.lb_listeners));
  for (std::uint32_t index = 0; index < kSlots; ++index) put_slot(index, {});
  for (std::uint32_t worker = 0; worker < kRings; ++worker) (void)events(worker);
  counters_at_reset_ = read_counters();
}

void Programs::put_flow(const lb_tuple& key, const lb_flow& flow) {
  bpf_map_update_elem(bpf_map__fd(objects_->maps.lb_flows), &key, &flow, BPF_ANY);
}

void Programs::remove_flow(const lb_tuple& key) {
  bpf_map_delete_elem(bpf_map__fd(objects_->maps.lb_flows), &key);
}

std::optional<lb_flow> Programs::flow(const lb_tuple& key) {
  lb_flow flow{};
  if (bpf_map_lookup_elem(bpf_map__fd(objects_->maps.lb_flows), &key, &flow) != 0)
    return std::nullopt;
  return flow;
}

std::size_t Programs::flow_count() const {
  return count_entries(bpf_map__fd(objects_->maps.lb_flows));
}

std::size_t Programs::leg_count() const {
  return count_entries(bpf_map__fd(objects_->maps.lb_legs));
}

void Programs::put_slot(std::uint32_t index, const lb_slot& slot) {
  bpf_map_update_elem(bpf_map__fd(objects_->maps.lb_slots), &index, &slot, BPF_ANY);
}

lb_slot Programs::slot(std::uint32_t index) {
  lb_slot slot{};
  bpf_map_lookup_elem(bpf_map__fd(objects_->maps.lb_slots), &index, &slot);
  return slot;
}

void Programs::put_listener(const lb_listener_key& key, const lb_listener& listener) {
  bpf_map_update_elem(bpf_map__fd(objects_->maps.lb_listeners), &key, &listener, BPF_ANY);
}

std::optional<lb_leg> Programs::leg(const lb_tuple& key) {
  lb_leg leg{};
  if (bpf_map_lookup_elem(bpf_map__fd(objects_->maps.lb_legs), &key, &leg) != 0)
    return std::nullopt;
  return leg;
}

void Programs::put_first_bytes(std::uint64_t cluster) {
  const std::vector<lb_first_byte> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  bpf_map_update_elem(bpf_map__fd(objects_->maps.lb_first_bytes), &cluster, values.data(), BPF_ANY);
}

std::optional<lb_first_byte> Programs::first_bytes(std::uint64_t cluster) {
  std::vector<lb_first_byte> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  if (bpf_map_lookup_elem(bpf_map__fd(objects_->maps.lb_first_bytes), &cluster, values.data()) != 0)
    return std::nullopt;
  lb_first_byte sum{};
  for (const lb_first_byte& value : values) {
    for (std::size_t i = 0; i < LB_FIRST_BYTE_BUCKETS; ++i) sum.counts[i] += value.counts[i];
    sum.sum_ns += value.sum_ns;
  }
  return sum;
}

std::vector<std::uint64_t> Programs::read_counters() const {
  std::vector<std::uint64_t> totals(LB_COUNTER_MAX);
  std::vector<std::uint64_t> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  for (std::uint32_t counter = 0; counter < LB_COUNTER_MAX; ++counter) {
    bpf_map_lookup_elem(bpf_map__fd(objects_->maps.lb_counters), &counter, values.data());
    for (const std::uint64_t value : values) totals[counter] += value;
  }
  return totals;
}

std::map<std::string, std::uint64_t> Programs::counters() {
  std::map<std::string, std::uint64_t> changed;
  const auto now = read_counters();
  for (std::uint32_t i = 0; i < LB_COUNTER_MAX; ++i)
    if (now[i] != counters_at_reset_[i]) changed[kLabels[i]] = now[i] - counters_at_reset_[i];
  return changed;
}

std::vector<Event> Programs::events(std::uint32_t worker) {
  std::vector<Event> result;
  ring_buffer* ring = ring_buffer__new(rings_.at(worker), append_event, &result, nullptr);
  if (ring == nullptr) return result;
  ring_buffer__consume(ring);
  ring_buffer__free(ring);
  return result;
}

}  // namespace sluice::test
