// SPDX-License-Identifier: Apache-2.0
// Programs: lb_tc in the kernel without being attached anywhere, run on one packet at a time (BPF_PROG_TEST_RUN).
// Thread: the test's. Invariants: maps are emptied by reset(), so that tests do not see each other.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/unique_fd.hpp"
#include "bpf/abi/counters.h"
#include "bpf/abi/event.h"
#include "bpf/abi/first_byte.h"
#include "bpf/abi/flow.h"
#include "bpf/abi/leg.h"
#include "bpf/abi/listener.h"
#include "bpf/abi/slot.h"
#include "tests/bpf/packet.hpp"

struct lb_tc;

namespace sluice::test {

inline constexpr int kPass = -1;     // TC_ACT_UNSPEC
inline constexpr int kDrop = 2;      // TC_ACT_SHOT
inline constexpr int kRedirect = 7;  // TC_ACT_REDIRECT
inline constexpr std::uint16_t kFirstUpstreamPort = 15000;
inline constexpr std::uint16_t kLastUpstreamPort = 29999;

struct RunResult {
  int verdict = -100;  // no verdict
  std::uint32_t mark = 0;
  Bytes bytes;
  std::optional<Packet> packet;
  std::uint32_t nanoseconds = 0;  // mean of all repetitions
};

struct Event {
  lb_event header;
  std::string payload;
};

class Programs {
 public:
  // Loaded once a process; nullptr (with a message) when the kernel refuses.
  static Programs* get();

  // Any program, by file descriptor. `segment`: the packet stands for several of that size.
  RunResult run(int program, const Bytes& bytes, std::uint32_t mark, int repeat,
                std::uint32_t segment = 0);
  [[nodiscard]] int map(const char* name) const;  // -1: there is none
  RunResult ingress(const Packet& packet, int repeat = 1);
  RunResult egress(const Packet& packet, std::uint32_t mark = 0);
  RunResult ingress_bytes(const Bytes& bytes, int repeat = 1);
  // As one packet that stands for several segments of that size.
  RunResult ingress_gso(const Bytes& bytes, std::uint32_t segment);
  // On packets that really come in there, for those that are larger than a test run takes; ends with the result, which
  // is invalid without tcx (Linux 6.6).
  [[nodiscard]] UniqueFd attach_ingress(unsigned interface);

  void reset();
  void reset_counters() { counters_at_reset_ = read_counters(); }
  void put_flow(const lb_tuple& key, const lb_flow& flow);
  void remove_flow(const lb_tuple& key);
  [[nodiscard]] std::optional<lb_flow> flow(const lb_tuple& key);
  [[nodiscard]] std::size_t flow_count() const;
  [[nodiscard]] std::size_t leg_count() const;
  void put_slot(std::uint32_t index, const lb_slot& slot);
  [[nodiscard]] lb_slot slot(std::uint32_t index);
  void put_listener(const lb_listener_key& key, const lb_listener& listener);
  [[nodiscard]] std::optional<lb_leg> leg(const lb_tuple& key);
  void put_first_bytes(std::uint64_t cluster);  // an entry with nothing in it
  // Of all CPUs together; nullopt without an entry.
  [[nodiscard]] std::optional<lb_first_byte> first_bytes(std::uint64_t cluster);
  // Counters that are not what they were at reset(), by label.
  [[nodiscard]] std::map<std::string, std::uint64_t> counters();
  // All events of this worker's ring.
  [[nodiscard]] std::vector<Event> events(std::uint32_t worker);

 private:
  Programs() = default;
  bool load();
  [[nodiscard]] std::vector<std::uint64_t> read_counters() const;

  lb_tc* objects_ = nullptr;
  std::vector<int> rings_;
  std::vector<std::uint64_t> counters_at_reset_;
};

}  // namespace sluice::test
