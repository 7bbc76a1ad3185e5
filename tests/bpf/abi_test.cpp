// SPDX-License-Identifier: Apache-2.0
// Both compilers must lay out the shared structs alike: size and offset of every field, against the BTF that clang
// wrote for the kernel's side.
#include <bpf/btf.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "bpf/abi/event.h"
#include "bpf/abi/first_byte.h"
#include "bpf/abi/flow.h"
#include "bpf/abi/knobs.h"
#include "bpf/abi/leg.h"
#include "bpf/abi/listener.h"
#include "bpf/abi/slot.h"
#include "bpf/abi/source.h"
#include "bpf/abi/tuple.h"

namespace sluice::test {
namespace {

using Offsets = std::map<std::string, std::size_t>;

struct BtfDelete {
  void operator()(btf* types) const { btf__free(types); }
};

class Abi : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string path = std::string(SLUICE_BINARY_DIR) + "/bpf/" + GetParam() + ".bpf.o";
    types_.reset(btf__parse(path.c_str(), nullptr));
    ASSERT_NE(types_, nullptr) << path;
  }

  // Structs that an object does not use are not in its BTF.
  void expect_same(const char* name, std::size_t size, const Offsets& ours) {
    const int id = btf__find_by_name_kind(types_.get(), name, BTF_KIND_STRUCT);
    if (id < 0) return;
    ++found_;
    const btf_type* type = btf__type_by_id(types_.get(), static_cast<__u32>(id));
    EXPECT_EQ(type->size, size) << name;
    Offsets theirs;
    for (__u32 i = 0; i < btf_vlen(type); ++i) {
      const std::string member = btf__name_by_offset(types_.get(), btf_members(type)[i].name_off);
      theirs[member] = btf_member_bit_offset(type, i) / 8;
    }
    EXPECT_EQ(theirs, ours) << name;
  }

  std::unique_ptr<btf, BtfDelete> types_;
  int found_ = 0;
};

#define OFFSET(type, field) {#field, offsetof(type, field)}

TEST_P(Abi, TuplesAndFlows) {
  expect_same("lb_address", sizeof(lb_address), {OFFSET(lb_address, words)});
  expect_same("lb_tuple", sizeof(lb_tuple),
              {OFFSET(lb_tuple, source), OFFSET(lb_tuple, destination),
               OFFSET(lb_tuple, source_port), OFFSET(lb_tuple, destination_port)});
  expect_same("lb_flow", sizeof(lb_flow),
              {OFFSET(lb_flow, out), OFFSET(lb_flow, seq_delta), OFFSET(lb_flow, ack_delta),
               OFFSET(lb_flow, address_diff), OFFSET(lb_flow, slot), OFFSET(lb_flow, generation),
               OFFSET(lb_flow, ifindex), OFFSET(lb_flow, direction), OFFSET(lb_flow, forward),
               OFFSET(lb_flow, window_left), OFFSET(lb_flow, window_right)});
  expect_same("lb_leg", sizeof(lb_leg),
              {OFFSET(lb_leg, local_next), OFFSET(lb_leg, remote_next), OFFSET(lb_leg, ifindex),
               OFFSET(lb_leg, flags), OFFSET(lb_leg, mss)});
  expect_same(
      "lb_source", sizeof(lb_source),
      {OFFSET(lb_source, address), OFFSET(lb_source, ifindex), OFFSET(lb_source, is_answer)});
  EXPECT_EQ(found_, std::string(GetParam()) == "lb_tc" ? 5 : 1);
}

TEST_P(Abi, ListenersAndKnobs) {
  expect_same("lb_listener_key", sizeof(lb_listener_key),
              {OFFSET(lb_listener_key, address), OFFSET(lb_listener_key, port),
               OFFSET(lb_listener_key, protocol)});
  expect_same("lb_listener", sizeof(lb_listener),
              {OFFSET(lb_listener, flags), OFFSET(lb_listener, mss4), OFFSET(lb_listener, mss6)});
  expect_same("lb_knobs", sizeof(lb_knobs),
              {OFFSET(lb_knobs, upstream_port_first), OFFSET(lb_knobs, upstream_port_last),
               OFFSET(lb_knobs, workers)});
  EXPECT_EQ(found_, 3);
}

TEST_P(Abi, Slots) {
  expect_same("lb_track", sizeof(lb_track),
              {OFFSET(lb_track, end), OFFSET(lb_track, ack), OFFSET(lb_track, window),
               OFFSET(lb_track, fin_end), OFFSET(lb_track, packets), OFFSET(lb_track, bytes)});
  expect_same("lb_slot", sizeof(lb_slot),
              {OFFSET(lb_slot, state),
               OFFSET(lb_slot, owner),
               OFFSET(lb_slot, generation),
               OFFSET(lb_slot, last_seen),
               OFFSET(lb_slot, track),
               OFFSET(lb_slot, last_direction),
               OFFSET(lb_slot, turns),
               OFFSET(lb_slot, fin),
               OFFSET(lb_slot, fin_acked),
               OFFSET(lb_slot, reset),
               OFFSET(lb_slot, interim),
               OFFSET(lb_slot, tunnel),
               OFFSET(lb_slot, hold),
               OFFSET(lb_slot, hold_ack),
               OFFSET(lb_slot, request_window),
               OFFSET(lb_slot, seq_delta),
               OFFSET(lb_slot, ack_delta),
               OFFSET(lb_slot, client),
               OFFSET(lb_slot, pod),
               OFFSET(lb_slot, client_mss),
               OFFSET(lb_slot, pod_mss),
               OFFSET(lb_slot, client_wscale_send),
               OFFSET(lb_slot, client_wscale_receive),
               OFFSET(lb_slot, pod_wscale_send),
               OFFSET(lb_slot, pod_wscale_receive),
               OFFSET(lb_slot, client_has_wscale),
               OFFSET(lb_slot, pod_has_wscale),
               OFFSET(lb_slot, client_has_sack),
               OFFSET(lb_slot, pod_has_sack),
               OFFSET(lb_slot, pushed),
               OFFSET(lb_slot, pipelined),
               OFFSET(lb_slot, force),
               OFFSET(lb_slot, reserved),
               OFFSET(lb_slot, installed_ns),
               OFFSET(lb_slot, cluster),
               OFFSET(lb_slot, client_ifindex),
               OFFSET(lb_slot, pod_ifindex),
               OFFSET(lb_slot, ended_reason),
               OFFSET(lb_slot, first_byte),
               OFFSET(lb_slot, turn_ns),
               OFFSET(lb_slot, retransmissions),
               OFFSET(lb_slot, spare)});
  EXPECT_EQ(found_, std::string(GetParam()) == "lb_tc" ? 2 : 0);
  EXPECT_EQ(sizeof(lb_slot) % 8, 0U);  // the stride of a mapped array is rounded up to 8
}

TEST_P(Abi, Events) {
  expect_same("lb_event", sizeof(lb_event),
              {OFFSET(lb_event, type), OFFSET(lb_event, slot), OFFSET(lb_event, generation),
               OFFSET(lb_event, seq), OFFSET(lb_event, ack), OFFSET(lb_event, window),
               OFFSET(lb_event, length), OFFSET(lb_event, reserved), OFFSET(lb_event, time_ns)});
  EXPECT_EQ(found_, std::string(GetParam()) == "lb_tc" ? 1 : 0);
}

TEST_P(Abi, FirstBytes) {
  expect_same("lb_first_byte", sizeof(lb_first_byte),
              {OFFSET(lb_first_byte, counts), OFFSET(lb_first_byte, sum_ns)});
  EXPECT_EQ(found_, std::string(GetParam()) == "lb_tc" ? 1 : 0);
}

INSTANTIATE_TEST_SUITE_P(Object, Abi, ::testing::Values("lb_tc", "lb_sk_lookup"),
                         [](const auto& object) { return object.param; });

}  // namespace
}  // namespace sluice::test
