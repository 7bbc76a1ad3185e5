// SPDX-License-Identifier: Apache-2.0
// The agent, in the order of agent/steer: taking a connection back, serving it, promoting it again.
#include <algorithm>

#include "tests/model/slot_step.hpp"

namespace sluice::model_check {
namespace {

class AgentSteps : public SlotStep {
 public:
  using SlotStep::SlotStep;

  void all() {
    switch (from_.agent) {
      case Agent::kCarried:
        return carried();
      case Agent::kRead:
      case Agent::kGiveUp:
      case Agent::kRestore:
      case Agent::kInject:
      case Agent::kLive:
      case Agent::kPass:
        if (from_.agent < Agent::kLive) crash();
        return take_back();
      case Agent::kDelete:
      case Agent::kDeleteOther:
      case Agent::kUsed:
      case Agent::kRemove:
      case Agent::kUndo:
      case Agent::kUndoDelete:
      case Agent::kUndoDeleteOther:
        return let_go();
      case Agent::kAdopt:
        return adopt();
      case Agent::kDone:
        return;
      default:
        return serve();
    }
  }

 private:
  void carried() {
    if (from_.state == LB_SLOT_ENDED) {
      return go("sees that it was replaced", [](World& world) { world.agent = Agent::kUsed; });
    }
    if (from_.reset != 0) {
      go("removes what has ended", [](World& world) { world.agent = Agent::kRemove; });
    }
    if (from_.state == LB_SLOT_NORMAL) {
      go("arms it", [](World& world) { world.state = LB_SLOT_ARMED; });
    }
    if (from_.state == LB_SLOT_ARMED) {
      go("keeps it after all", [](World& world) { world.state = LB_SLOT_NORMAL; });
      go("stops it while it is idle", [&](World& world) {
        if (rules_.agent_reads_after) world.state = LB_SLOT_HELD;
        world.agent = Agent::kRead;
        world.idle = 1;
      });
    }
    if (from_.turn != 0) {
      go("hears of a request", [](World& world) {
        const bool current =
            world.state == LB_SLOT_HELD && world.ack[LB_TO_CLIENT] == world.turn - 1;
        world.read_end[LB_TO_POD] = byte(world.turn - 1);
        world.read_ack[LB_TO_POD] = world.turn_ack;
        if (current) world.agent = Agent::kRestore;
        if (!current) world.turn = 0;
        world.idle = 0;
      });
    }
  }

  void crash() {
    go("dies, and the next one comes", [](World& world) {
      world.agent = Agent::kAdopt;
      world.socket = Socket::kNone;
      world.part = world.has_asked = world.has_answered = 0;
    });
  }

  // Coming up takes far longer than a packet in lb_tc.
  void adopt() {
    const auto is_stopping = [](const CpuState& cpu) {
      return cpu.at >= Cpu::kStop && cpu.at <= Cpu::kUndo;
    };
    if (rules_.grace && std::ranges::any_of(from_.cpu, is_stopping)) return;
    go("lets what was stopped go on", [](World& world) {
      if (world.state == LB_SLOT_HELD) world.state = LB_SLOT_NORMAL;
      world.agent = Agent::kCarried;
    });
  }

  void take_back() {
    switch (from_.agent) {
      case Agent::kRead:
        return read_tracking();
      case Agent::kGiveUp:
        return go("lets it go on", [](World& world) {
          if (world.state == LB_SLOT_HELD) world.state = LB_SLOT_ARMED;
          world.agent = Agent::kCarried;
        });
      case Agent::kRestore:
        go("cannot restore the sockets", [](World& world) {
          world.state = LB_SLOT_NORMAL;
          world.turn = world.copied = 0;
          world.agent = Agent::kCarried;
        });
        return tell("restores both sockets", [&](World& world) { return restore(world); });
      case Agent::kInject:
        return go("adds what was copied", [](World& world) {
          if (world.idle == 0 && world.turn == world.has_asked + 1) world.has_asked = world.turn;
          if (world.copied == world.has_asked + 1) world.has_asked = world.copied;
          world.turn = world.copied = 0;
          world.agent = Agent::kLive;
        });
      case Agent::kLive:
        return go("ends repair mode", [](World& world) {
          world.socket = Socket::kLive;
          world.agent = Agent::kPass;
        });
      default:
        return tell("lets the stack have it", [](World& world) -> const char* {
          const bool held = world.state == LB_SLOT_HELD;
          world.state = LB_SLOT_PASS;
          world.agent = Agent::kDelete;
          return held ? nullptr : "somebody else changed the state of a stopped connection";
        });
    }
  }

  void read_tracking() {
    go("reads the tracking", [&](World& world) {
      switch (world.part++) {
        case 0:
          world.read_end[LB_TO_POD] = world.end[LB_TO_POD];
          return;
        case 1:
          world.read_ack[LB_TO_POD] = world.ack[LB_TO_POD];
          return;
        case 2:
          world.read_end[LB_TO_CLIENT] = world.end[LB_TO_CLIENT];
          return;
        case 3:
          world.read_ack[LB_TO_CLIENT] = world.ack[LB_TO_CLIENT];
          return;
        case 4:
          world.read_last = world.last;
          return;
        case 5:
          world.read_reset = world.reset;
          return;
        default:
          break;
      }
      world.part = 0;
      const bool quiet = world.read_end[LB_TO_POD] == world.read_ack[LB_TO_CLIENT] &&
                         world.read_end[LB_TO_CLIENT] == world.read_ack[LB_TO_POD] &&
                         world.read_last == LB_TO_CLIENT && world.read_reset == 0;
      world.agent = quiet ? Agent::kRestore : Agent::kGiveUp;
      if (rules_.agent_reads_after) return;
      const bool stopped = quiet && world.state == LB_SLOT_ARMED;
      world.agent = stopped ? Agent::kRestore : Agent::kCarried;
      if (stopped) world.state = LB_SLOT_HELD;
    });
  }

  // The sockets go on exactly where both ends are: one number too low repeats data that has arrived, one too high
  // acknowledges data that nobody has.
  const char* restore(World& world) const {
    const bool snapshot = rules_.restore_from_snapshot;
    world.has_asked = snapshot ? world.read_end[LB_TO_POD] : world.end[LB_TO_POD];
    world.has_answered = snapshot ? world.read_ack[LB_TO_POD] : world.end[LB_TO_CLIENT];
    // A TURN is not in the tracking, and its packet is with the agent.
    if (!snapshot && world.idle == 0) world.has_asked = byte(world.turn - 1);
    world.socket = Socket::kRepair;
    world.agent = Agent::kInject;
    if (world.gone != 0) return nullptr;
    if (world.has_asked != world.pod_got) return "the client's bytes do not go on where the pod is";
    if (world.has_answered != world.got) return "the pod's bytes do not go on where the client is";
    return nullptr;
  }

  void let_go() {
    switch (from_.agent) {
      case Agent::kRemove:
      case Agent::kUndo:
        return go("takes the connection out", [](World& world) {
          const bool ours = is_steered(world.state);
          if (ours) world.state = LB_SLOT_PASS;
          world.agent = ours ? Agent::kUndoDelete : Agent::kUsed;
        });
      case Agent::kDelete:
      case Agent::kUndoDelete:
        return go("deletes the client's entry", [](World& world) {
          world.entry[LB_TO_POD] = 0;
          world.agent = Agent::kDeleteOther;
        });
      case Agent::kDeleteOther:
      case Agent::kUndoDeleteOther:
        return go("deletes the pod's entry", [](World& world) {
          world.entry[LB_TO_CLIENT] = 0;
          world.agent = Agent::kUsed;
        });
      default: {
        const auto is_on_its_way = [](const CpuState& cpu) {
          return cpu.at > Cpu::kIdle && cpu.at < Cpu::kStack;
        };
        if (rules_.grace && std::ranges::any_of(from_.cpu, is_on_its_way)) return;
        return go("frees the slot", [](World& world) {
          world.state = LB_SLOT_FREE;
          world.agent = world.socket == Socket::kLive ? Agent::kServe : Agent::kDone;
        });
      }
    }
  }

  // A proxy again, and perhaps another promotion, in the order of WorkerSteering::promote().
  void serve() {
    switch (from_.agent) {
      case Agent::kServe:
        if (from_.has_asked <= from_.pod_got) return;
        go("passes a request on", [](World& world) { world.pod_got = world.has_asked; });
        if (from_.round == 0 && from_.got == from_.has_answered && from_.gone == 0)
          go("begins to promote it", [](World& world) { world.agent = Agent::kFill; });
        return;
      case Agent::kFill:
        return go("takes the slot", [](World& world) {
          world.state = LB_SLOT_USED;
          ++world.generation;
          world.round = 1;
          world.part = world.has_asked;
          world.agent = Agent::kPublish;
        });
      case Agent::kPublish:
        return go("publishes the slot", [](World& world) {
          world.end = {world.has_asked, world.has_answered};
          world.ack = {world.has_answered, world.pod_got};
          world.last = LB_TO_POD;
          world.reset = 0;
          world.state = LB_SLOT_NORMAL;
          world.agent = Agent::kInstall;
        });
      case Agent::kInstall:
        return go("installs the client's entry", [](World& world) {
          world.entry[LB_TO_POD] = world.generation;
          world.agent = Agent::kInstallOther;
        });
      case Agent::kInstallOther:
        return go("installs the pod's entry", [](World& world) {
          world.entry[LB_TO_CLIENT] = world.generation;
          world.agent = Agent::kLook;
        });
      case Agent::kLook:
        return go("looks at the client's socket once more", [](World& world) {
          const bool more = world.has_asked != world.part || world.gone != 0;
          world.part = 0;
          world.agent = more ? Agent::kUndo : Agent::kSend;
        });
      case Agent::kSend:
        return go("sends the request", [](World& world) {
          world.pod_got = world.has_asked;
          world.agent = Agent::kClose;
        });
      default:
        return go("closes both sockets", [](World& world) {
          world.socket = Socket::kNone;
          world.has_asked = world.has_answered = 0;
          world.agent = Agent::kCarried;
        });
    }
  }
};

}  // namespace

void add_agent_steps(const World& world, const Rules& rules, const Next& next) {
  AgentSteps(world, rules, next).all();
}

}  // namespace sluice::model_check
