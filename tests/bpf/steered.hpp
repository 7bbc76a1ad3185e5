// SPDX-License-Identifier: Apache-2.0
// SteeredTest: one steered connection in the maps, and packets of its two ends in numbers relative to the promotion:
// 0 is the first byte of the promoted request (client side) or of its response (pod side). Run for both families.
#pragma once
#include <gtest/gtest.h>

#include <functional>

#include "tests/bpf/programs.hpp"

namespace sluice::test {

using Counts = std::map<std::string, std::uint64_t>;

inline constexpr std::uint32_t kSlot = 3;
inline constexpr std::uint32_t kGeneration = 41;
inline constexpr std::uint32_t kOwner = 1;
inline constexpr std::uint32_t kRequest = 100;  // bytes of the promoted request
// Unless a test wants others. The first wraps within the first request.
inline constexpr std::uint32_t kClientStart = 0xfffffff0;
inline constexpr std::uint32_t kVipStart = 5000;
inline constexpr std::uint32_t kNodeStart = 0x80000000;
inline constexpr std::uint32_t kPodStart = 777777;

// Where the numbers of each leg start.
struct Starts {
  std::uint32_t client = kClientStart;
  std::uint32_t vip = kVipStart;
  std::uint32_t node = kNodeStart;
  std::uint32_t pod = kPodStart;
};

class SteeredTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override;

  // Relative numbers in, a packet of that end out.
  [[nodiscard]] Packet from_client(Packet packet) const;
  [[nodiscard]] Packet from_pod(Packet packet) const;
  // From the agent's own sockets.
  [[nodiscard]] Packet from_agent_to_pod(Packet packet) const;
  [[nodiscard]] Packet from_agent_to_client(Packet packet) const;

  RunResult client_sends(Packet packet) {
    return programs_->ingress(from_client(std::move(packet)));
  }
  RunResult pod_sends(Packet packet) { return programs_->ingress(from_pod(std::move(packet))); }

  // The packet as the other end would get it, numbers relative again. Checks addresses, ports and checksums.
  [[nodiscard]] Packet at_pod(const RunResult& result) const;
  [[nodiscard]] Packet at_client(const RunResult& result) const;

  // Default connection: request sent and not yet acknowledged, window scales 7 (client) and 8 (pod).
  void install();
  void change_slot(const std::function<void(lb_slot&)>& change);
  [[nodiscard]] lb_slot slot() const { return programs_->slot(kSlot); }
  [[nodiscard]] Counts counts() const { return programs_->counters(); }
  [[nodiscard]] std::uint64_t count(const std::string& label) const { return counts()[label]; }
  [[nodiscard]] std::vector<Event> events() const { return programs_->events(kOwner); }

  // The pod answers and everything is acknowledged: a request boundary.
  void finish_turn();

  Programs* programs_ = nullptr;
  Starts starts_;  // install() after a change
  SocketAddress client_, vip_, node_, pod_;
  lb_tuple client_key_{}, pod_key_{};
  lb_flow to_pod_{}, to_client_{};
};

#define LB_BOTH_FAMILIES(suite)                                           \
  INSTANTIATE_TEST_SUITE_P(Family, suite, ::testing::Values(true, false), \
                           [](const auto& family) { return family.param ? "IPv4" : "IPv6"; })

}  // namespace sluice::test
