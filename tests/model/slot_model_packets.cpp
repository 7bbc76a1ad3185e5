// SPDX-License-Identifier: Apache-2.0
// Packets on two CPUs, as bpf/lib/steer.h, track.h, reclaim.h and end.h treat them.
#include <algorithm>

#include "tests/model/slot_step.hpp"

namespace sluice::model_check {
namespace {

class PacketSteps : public SlotStep {
 public:
  using SlotStep::SlotStep;

  void all() {
    for (int cpu = 0; cpu < kCpus; ++cpu) step(cpu);
  }

 private:
  // A packet arrives and finds its flow, or none.
  void arrive(int cpu, const Packet& packet) {
    go("a packet arrives", [&](World& world) {
      CpuState& now = world.cpu[cpu];
      now.packet = packet;
      now.generation = world.entry[packet.direction];
      now.at = now.generation == 0 ? Cpu::kStack : Cpu::kGeneration;
      if (packet.direction == LB_TO_POD) world.asked = std::max(world.asked, packet.data);
      if (packet.direction == LB_TO_CLIENT) world.answered = std::max(world.answered, packet.data);
      if (packet.reset != 0) world.gone = 1;
    });
  }

  // What an end could send: the next message, any message again, a bare acknowledgment; and its last message again, as
  // it was before the other side answered.
  void arrivals(int cpu) {
    if (from_.gone != 0) {
      arrive(cpu, {.direction = LB_TO_POD, .syn = 1});
      // Its RST may have been dropped while the connection was stopped: it answers the pod's repetitions with another.
      arrive(cpu, {.direction = LB_TO_POD, .reset = 1});
    } else {
      const bool may_ask = from_.asked < kMessages && from_.got == from_.asked;
      // A promotion takes microseconds from the moment that its request has come: nobody repeats that one meanwhile.
      const bool promoting = from_.agent >= Agent::kFill && from_.agent <= Agent::kClose;
      const int most = from_.asked + (may_ask ? 1 : 0) - (promoting ? 1 : 0);
      for (int data = 0; data <= most; ++data)
        arrive(cpu, {.direction = LB_TO_POD, .data = byte(data), .ack = from_.got});
      if (from_.got == from_.asked)
        arrive(cpu, {.direction = LB_TO_POD, .data = from_.asked, .ack = byte(from_.asked - 1)});
      arrive(cpu, {.direction = LB_TO_POD, .ack = from_.got, .reset = 1});
    }
    const int most = from_.answered + (from_.pod_got > from_.answered ? 1 : 0);
    for (int data = 0; data <= most; ++data)
      arrive(cpu, {.direction = LB_TO_CLIENT, .data = byte(data), .ack = from_.pod_got});
    if (from_.pod_got > from_.answered && from_.answered != 0)
      arrive(cpu, {.direction = LB_TO_CLIENT, .data = from_.answered, .ack = from_.answered});
  }

  void step(int index) {
    const CpuState& cpu = from_.cpu[index];
    const std::uint8_t direction = cpu.packet.direction;
    const auto move = [&](const char* what, Cpu to) {
      go(what, [&](World& world) {
        world.cpu[index].at = to;
        world.cpu[index].part = 0;
      });
    };
    switch (cpu.at) {
      case Cpu::kIdle:
        return arrivals(index);
      case Cpu::kGeneration:
        if (cpu.generation == from_.generation) return move("reads the generation", Cpu::kState);
        return go("finds a stale flow", [&](World& world) {
          world.entry[direction] = 0;
          world.cpu[index].at = Cpu::kStack;
        });
      case Cpu::kState:
        return read_state(index);
      case Cpu::kBoundary:
        return look_at_boundary(index, Cpu::kStop, begin_of_tracking());
      case Cpu::kStop:
        if (from_.state != LB_SLOT_ARMED) return move("is not armed any more", begin_of_tracking());
        return go("stops the connection", [&](World& world) {
          world.state = LB_SLOT_HELD;
          world.cpu[index].at = rules_.recheck ? Cpu::kRecheck : Cpu::kEvent;
        });
      case Cpu::kRecheck:
        return look_at_boundary(index, Cpu::kEvent, Cpu::kUndo);
      case Cpu::kEvent:
        if (rules_.ring_full) move("finds the ring full", Cpu::kUndo);
        return go("hands the request over", [&](World& world) {
          world.turn = cpu.packet.data;
          world.turn_ack = cpu.packet.ack;
          world.cpu[index] = {};
        });
      case Cpu::kUndo:
        return go("lets the connection go on", [&](World& world) {
          if (world.state == LB_SLOT_HELD) world.state = LB_SLOT_ARMED;
          world.cpu[index].at = begin_of_tracking();
          world.cpu[index].part = 0;
        });
      default:
        return track(index);
    }
  }

  // Without the barrier the second look at the state may come before the writes are visible.
  [[nodiscard]] Cpu begin_of_tracking() const {
    return rules_.barrier ? Cpu::kReadEnd : Cpu::kStateAgain;
  }
  [[nodiscard]] Cpu end_of_tracking() const {
    return rules_.barrier ? Cpu::kStateAgain : Cpu::kForward;
  }

  void read_state(int index) {
    const CpuState& cpu = from_.cpu[index];
    go("reads the state", [&](World& world) {
      CpuState& now = world.cpu[index];
      if (!is_translated(world.state)) return stop_or_pass(world, now);
      if (cpu.packet.syn != 0) {
        now.seen = world.state;
        now.at = Cpu::kReplace;
        if (world.reset == 0) now = {};  // the endpoint challenges it: nothing changes here
      } else if (world.state == LB_SLOT_ARMED && cpu.packet.direction == LB_TO_POD &&
                 cpu.packet.data != 0) {
        now.at = Cpu::kBoundary;
      } else {
        now.at = begin_of_tracking();
      }
    });
  }

  static void stop_or_pass(World& world, CpuState& cpu) {
    if (world.state != LB_SLOT_HELD) {
      cpu.at = Cpu::kStack;
      return;
    }
    if (cpu.packet.direction == LB_TO_POD && cpu.packet.data != 0) world.copied = cpu.packet.data;
    cpu = {};
  }

  // reclaim_allowed() and reclaim_boundary(), a field a step.
  void look_at_boundary(int index, Cpu yes, Cpu no) {
    const CpuState& cpu = from_.cpu[index];
    const std::uint8_t before = byte(cpu.packet.data - 1);
    const std::array<bool, 5> holds{
        from_.reset == 0, from_.end[LB_TO_POD] == before, from_.last == LB_TO_CLIENT,
        from_.end[LB_TO_CLIENT] == cpu.packet.ack, from_.ack[LB_TO_CLIENT] == before};
    go("looks whether this is a boundary", [&](World& world) {
      CpuState& now = world.cpu[index];
      const bool more = holds[cpu.part] && cpu.part + 1U < holds.size();
      if (!more) now.at = holds[cpu.part] ? yes : no;
      now.part = more ? byte(cpu.part + 1) : std::uint8_t{0};
    });
  }

  // track.h and end.h: each number is read, compared and written.
  void track(int index) {
    const CpuState& cpu = from_.cpu[index];
    const std::uint8_t side = cpu.packet.direction;
    switch (cpu.at) {
      case Cpu::kReadEnd:
        return go("reads the end", [&](World& world) {
          const bool fresh = cpu.packet.data > world.end[side];
          if (rules_.rising && fresh) world.end[side] = cpu.packet.data;
          const Cpu write = rules_.rising ? Cpu::kWriteLast : Cpu::kWriteEnd;
          world.cpu[index].at = fresh ? write : Cpu::kReadAck;
        });
      case Cpu::kWriteEnd:
        return go("writes the end", [&](World& world) {
          world.end[side] = cpu.packet.data;
          world.cpu[index].at = Cpu::kWriteLast;
        });
      case Cpu::kWriteLast:
        return go("writes who spoke last", [&](World& world) {
          world.last = side;
          world.cpu[index].at = Cpu::kReadAck;
        });
      case Cpu::kReadAck:
        return go("reads the acknowledgment", [&](World& world) {
          const bool higher = cpu.packet.ack > world.ack[side];
          if (rules_.rising && higher) world.ack[side] = cpu.packet.ack;
          world.cpu[index].at = higher && !rules_.rising ? Cpu::kWriteAck : Cpu::kReset;
          skip_reset(world.cpu[index]);
        });
      case Cpu::kWriteAck:
        return go("writes the acknowledgment", [&](World& world) {
          world.ack[side] = cpu.packet.ack;
          world.cpu[index].at = Cpu::kReset;
          skip_reset(world.cpu[index]);
        });
      case Cpu::kReset:
        return go("notes an end", [&](World& world) {
          world.reset = 1;
          world.cpu[index].at = end_of_tracking();
        });
      default:
        return leave(index);
    }
  }

  void skip_reset(CpuState& cpu) const {
    if (cpu.at == Cpu::kReset && cpu.packet.reset == 0) cpu.at = end_of_tracking();
  }

  void leave(int index) {
    const CpuState& cpu = from_.cpu[index];
    switch (cpu.at) {
      case Cpu::kStateAgain:
        return go("reads the state again", [&](World& world) {
          CpuState& now = world.cpu[index];
          if (rules_.reread && !is_translated(world.state)) return stop_or_pass(world, now);
          now.at = rules_.barrier ? Cpu::kForward : Cpu::kReadEnd;
        });
      case Cpu::kForward:
        return tell("forwards it", [&](World& world) { return forward(world, index); });
      case Cpu::kReplace:
        return go("replaces the connection", [&](World& world) {
          CpuState& now = world.cpu[index];
          now.at = Cpu::kDeleteOther;
          if (world.state != cpu.seen) {
            now = {};
          } else {
            world.state = LB_SLOT_ENDED;
          }
        });
      case Cpu::kDeleteOther:
        return go("deletes the pod's entry", [&](World& world) {
          world.entry[LB_TO_CLIENT] = 0;
          world.cpu[index].at = Cpu::kDeleteOwn;
        });
      case Cpu::kDeleteOwn:
        return go("deletes the client's entry", [&](World& world) {
          world.entry[LB_TO_POD] = 0;
          world.cpu[index].at = Cpu::kStack;
        });
      default:
        return tell("gives it to the stack", [&](World& world) { return stack(world, index); });
    }
  }

  static const char* forward(World& world, int index) {
    const Packet packet = world.cpu[index].packet;
    world.cpu[index] = {};
    std::uint8_t& has = packet.direction == LB_TO_POD ? world.pod_got : world.got;
    if (packet.data != has + 1 || world.gone != 0) return nullptr;
    has = packet.data;
    const bool agents = world.agent >= Agent::kInject && world.agent <= Agent::kFill;
    return agents ? "forwarded new data of a connection that the agent has" : nullptr;
  }

  static const char* stack(World& world, int index) {
    const Packet packet = world.cpu[index].packet;
    world.cpu[index] = {};
    if (packet.syn != 0 || world.gone != 0) return nullptr;  // for whoever comes next
    std::uint8_t& has = packet.direction == LB_TO_POD ? world.has_asked : world.has_answered;
    switch (world.socket) {
      case Socket::kLive:
        if (packet.data == has + 1) has = packet.data;
        if (packet.direction == LB_TO_CLIENT) world.got = std::max(world.got, has);
        return nullptr;
      case Socket::kRepair:
        return packet.data == has + 1 ? "new data reached a socket that is being restored"
                                      : nullptr;
      case Socket::kNone:
        // own.h swallows the stack's RST on a steered tuple; the sender repeats its packet.
        if (world.entry[packet.direction] == world.generation && is_steered(world.state))
          return nullptr;
        return "the stack resets a living connection";
    }
    return nullptr;
  }
};

}  // namespace

void add_packet_steps(const World& world, const Rules& rules, const Next& next) {
  PacketSteps(world, rules, next).all();
}

void for_each_next(const World& world, const Rules& rules, const Next& next) {
  add_packet_steps(world, rules, next);
  add_agent_steps(world, rules, next);
}

}  // namespace sluice::model_check
