// SPDX-License-Identifier: Apache-2.0
// Every interleaving of the agent and packets on two CPUs, over one slot: what must never happen does not, and from
// everywhere there is a way to FREE. Each rule of the protocol, left out, is missed.
#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "tests/model/slot_model.hpp"

namespace sluice::model_check {
namespace {

class Search {
 public:
  explicit Search(Rules rules) : rules_(rules) { run(); }

  [[nodiscard]] std::size_t worlds() const { return worlds_.size(); }
  [[nodiscard]] const std::string& fault() const { return fault_; }
  // The steps to the fault, or to a world without a way to FREE.
  [[nodiscard]] std::string story(std::size_t world) const {
    std::string text;
    for (; world != 0; world = from_[world]) text = std::string("  ") + how_[world] + "\n" + text;
    return text;
  }
  // A world from which no run reaches FREE.
  [[nodiscard]] std::optional<std::size_t> stuck() const {
    std::vector<bool> free(worlds_.size());
    for (std::size_t i = 0; i < worlds_.size(); ++i) free[i] = worlds_[i].state == LB_SLOT_FREE;
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t i = edges_.size(); i-- > 0;) {
        const auto& [from, to] = edges_[i];
        if (free[to] && !free[from]) free[from] = changed = true;
      }
    }
    for (std::size_t i = 0; i < free.size(); ++i)
      if (!free[i]) return i;
    return std::nullopt;
  }

 private:
  void run() {
    add(World{}, 0, "begins");
    for (std::size_t at = 0; at < worlds_.size() && fault_.empty(); ++at) {
      const World world = worlds_[at];
      for_each_next(world, rules_, [&](const World& next, const char* what, const char* fault) {
        if (fault != nullptr && fault_.empty())
          fault_ = std::string(fault) + ":\n" + story(at) + "  " + what + "\n";
        edges_.emplace_back(at, add(next, at, what));
      });
    }
  }
  // The two CPUs are alike.
  std::size_t add(World world, std::size_t from, const char* how) {
    if (std::memcmp(&world.cpu[0], &world.cpu[1], sizeof world.cpu[0]) > 0)
      std::swap(world.cpu[0], world.cpu[1]);
    worlds_.push_back(world);
    const auto [found, is_new] = known_.insert(static_cast<std::uint32_t>(worlds_.size() - 1));
    if (is_new) {
      from_.push_back(static_cast<std::uint32_t>(from));
      how_.push_back(how);
    } else {
      worlds_.pop_back();
    }
    return *found;
  }

  struct Hash {
    const std::vector<World>* worlds;
    std::size_t operator()(std::uint32_t index) const {
      std::uint64_t hash = 0xcbf29ce484222325U;
      const auto* const bytes = reinterpret_cast<const unsigned char*>(&(*worlds)[index]);
      for (std::size_t i = 0; i < sizeof(World); ++i) hash = (hash ^ bytes[i]) * 0x100000001b3U;
      return hash ^ hash >> 29;
    }
  };
  struct Same {
    const std::vector<World>* worlds;
    bool operator()(std::uint32_t a, std::uint32_t b) const {
      return std::memcmp(&(*worlds)[a], &(*worlds)[b], sizeof(World)) == 0;
    }
  };

  Rules rules_;
  std::vector<World> worlds_;
  std::unordered_set<std::uint32_t, Hash, Same> known_{1, Hash{&worlds_},
                                                       Same{&worlds_}};  // indexes
  std::vector<std::uint32_t> from_;
  std::vector<const char*> how_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges_;
  std::string fault_;
};

TEST(SlotModel, NothingIsLostAndEverythingEnds) {
  const Search search({});
  EXPECT_EQ(search.fault(), "");
  RecordProperty("worlds", static_cast<int>(search.worlds()));
  std::printf("[ model    ] %zu worlds\n", search.worlds());
  const auto stuck = search.stuck();
  EXPECT_FALSE(stuck) << "no way to FREE from:\n" << search.story(*stuck);
}

struct LeftOut {
  const char* rule;
  bool Rules::* which;
};

class SlotModelWithout : public ::testing::TestWithParam<LeftOut> {};

TEST_P(SlotModelWithout, TheSearchFindsWhatGoesWrong) {
  Rules rules;
  rules.*GetParam().which = false;
  const Search search(rules);
  EXPECT_NE(search.fault(), "");
  std::printf("[ model    ] without %s: %s", GetParam().rule, search.fault().c_str());
}

INSTANTIATE_TEST_SUITE_P(
    Rule, SlotModelWithout,
    ::testing::Values(LeftOut{"Barrier", &Rules::barrier}, LeftOut{"Reread", &Rules::reread},
                      LeftOut{"Recheck", &Rules::recheck}, LeftOut{"Rising", &Rules::rising},
                      LeftOut{"AgentReadsAfter", &Rules::agent_reads_after},
                      LeftOut{"RestoreFromSnapshot", &Rules::restore_from_snapshot},
                      LeftOut{"Grace", &Rules::grace}),
    [](const auto& left_out) { return left_out.param.rule; });

}  // namespace
}  // namespace sluice::model_check
