// SPDX-License-Identifier: Apache-2.0
// SlotModel: the life of one slot as a state machine small enough to be searched completely: the agent's steps and
// packets on two CPUs, each split where bpf/lib and agent/steer read or write shared memory. States are those of
// bpf/abi/slot.h. Sequence numbers count whole messages: the client sends request k only when it has answer k - 1.
// Pure. Thread: any.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <type_traits>

#include "bpf/abi/slot.h"

namespace sluice::model_check {

// What a run may leave out, to see that the search finds what then goes wrong.
struct Rules {
  bool barrier = true;  // lb_tc: tracking is visible before the state is read again
  bool reread = true;   // lb_tc: the state is read again before the packet leaves
  bool recheck = true;  // lb_tc: the boundary is looked at again after HELD was set
  bool rising = true;   // lb_tc: a number in the tracking is raised in one step, never lowered
  bool agent_reads_after = true;  // agent: the tracking that counts is read after HELD was set
  bool restore_from_snapshot =
      true;               // agent: sockets are made of these numbers, not of ones read later
  bool grace = true;      // agent: a slot rests until no packet can be on its way with it
  bool ring_full = true;  // an event may be lost (not a rule: the world)
};

constexpr std::uint8_t kMessages = 2;  // requests that the client has, each with its answer
constexpr int kCpus = 2;

enum class Cpu : std::uint8_t {
  kIdle,
  kGeneration,
  kState,
  kBoundary,
  kStop,
  kRecheck,
  kEvent,
  kUndo,
  kReadEnd,
  kWriteEnd,
  kWriteLast,
  kReadAck,
  kWriteAck,
  kReset,
  kStateAgain,
  kForward,
  kReplace,
  kDeleteOwn,
  kDeleteOther,
  kStack
};

enum class Agent : std::uint8_t {
  kCarried,
  kRead,
  kGiveUp,
  kRestore,
  kInject,
  kLive,
  kPass,
  kDelete,
  kDeleteOther,
  kUsed,
  kServe,
  kFill,
  kPublish,
  kInstall,
  kInstallOther,
  kLook,
  kSend,
  kClose,
  kUndo,
  kUndoDelete,
  kUndoDeleteOther,
  kRemove,
  kAdopt,
  kDone
};

enum class Socket : std::uint8_t { kNone, kRepair, kLive };

struct Packet {
  std::uint8_t direction = 0;  // enum lb_direction
  std::uint8_t data = 0;       // number of the message in it, 0: none
  std::uint8_t ack = 0;        // messages of the other side that its sender has
  std::uint8_t reset = 0;
  std::uint8_t syn = 0;
};

struct CpuState {
  Cpu at = Cpu::kIdle;
  Packet packet;
  std::uint8_t generation = 0;
  std::uint8_t seen = 0;  // the state as it was read
  std::uint8_t part = 0;  // of a check that reads several fields
};

// Bytes only: hashed and compared as such.
struct World {
  // The ends.
  std::uint8_t asked = 1, pod_got = 1, answered = 0, got = 0;
  std::uint8_t gone = 0;  // the client has reset the connection
  // lb_slot.
  std::uint8_t state = LB_SLOT_NORMAL, generation = 1;
  std::array<std::uint8_t, 2> end{1, 0}, ack{0, 1};
  std::uint8_t last = LB_TO_POD, reset = 0;
  // lb_flows, by direction: the generation of the slot, 0: no entry.
  std::array<std::uint8_t, 2> entry{1, 1};
  // The ring: one turn, and what else was copied.
  std::uint8_t turn = 0, turn_ack = 0, copied = 0;
  // The agent.
  Agent agent = Agent::kCarried;
  std::uint8_t part = 0, round = 0, idle = 0;
  std::array<std::uint8_t, 2> read_end{}, read_ack{};
  std::uint8_t read_last = 0, read_reset = 0;
  Socket socket = Socket::kNone;
  std::uint8_t has_asked = 0;     // requests that its socket has of the client
  std::uint8_t has_answered = 0;  // answers that its socket has of the pod
  std::array<CpuState, kCpus> cpu;
};
// No padding: a world is compared by its bytes.
static_assert(std::has_unique_object_representations_v<World>);

// Everything that can happen next. `fault` is nullptr, or what must never happen and just has.
using Next = std::function<void(const World& world, const char* what, const char* fault)>;
void for_each_next(const World& world, const Rules& rules, const Next& next);

}  // namespace sluice::model_check
