// SPDX-License-Identifier: Apache-2.0
// What outlives an agent, and what the next one makes of it.
#include <bpf/bpf.h>

#include <atomic>
#include <filesystem>

#include "agent/datapath/flow_table.hpp"
#include "bpf/abi/limits.h"
#include "tests/unit/datapath/kernel_test.hpp"

namespace sluice::datapath {
namespace {

class PinTest : public KernelTest {
 protected:
  std::string directory() {
    return sandbox_->pin_directory() + "/v" + std::to_string(LB_ABI_VERSION);
  }
  std::string pinned(const std::string& name) { return directory() + "/" + name; }
};

lb_tuple tuple(std::uint16_t port) {
  return make_tuple({.ip = *IpAddress::parse("198.51.100.7"), .port = port},
                    {.ip = *IpAddress::parse("203.0.113.10"), .port = 80});
}

TEST_F(PinTest, SlotsAndFlowsSurviveTheAgent) {
  auto first = open();
  ASSERT_TRUE(first);
  first->flows().slots()[5].generation = 77;
  first->flows().slots()[5].state = LB_SLOT_NORMAL;
  ASSERT_TRUE(
      first->flows().install(tuple(1), leading_to(tuple(2)), tuple(3), leading_to(tuple(4))));
  first.reset();
  auto second = open();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->flows().slots()[5].generation, 77U);
  EXPECT_EQ(second->map_fill()[0].used, 1U);
  EXPECT_GE(second->flows().ring_fd(0), 0);
}

TEST_F(PinTest, TwoAgentsDoNotShareADirectory) {
  auto first = open();
  ASSERT_TRUE(first);
  const auto second = Datapath::open(options_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(second.error().message.find("another agent"), std::string::npos)
      << second.error().message;
  first.reset();
  EXPECT_TRUE(open());
}

TEST_F(PinTest, ADirectoryThatIsNotABpffsIsRefusedWithTheCommandThatHelps) {
  options_.pin_directory = "/tmp";
  const auto opened = Datapath::open(options_);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("mount -t bpf"), std::string::npos)
      << opened.error().message;
}

TEST_F(PinTest, AnotherSizeIsTakenOnlyWhenNothingIsSteered) {
  open().reset();
  options_.max_steered = 128;
  auto grown = open();
  ASSERT_TRUE(grown);
  EXPECT_EQ(grown->flows().slots().size(), 128U);
  std::atomic_ref(grown->flows().slots()[100].state).store(LB_SLOT_NORMAL);
  grown.reset();
  options_.max_steered = 64;
  auto kept = open();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->flows().slots().size(), 128U);
}

TEST_F(PinTest, MapsOfAnotherLayoutAreKeptAside) {
  open().reset();
  std::filesystem::remove(pinned("lb_slots"));
  const int foreign = bpf_map_create(BPF_MAP_TYPE_ARRAY, "foreign", 4, 100, 64, nullptr);
  ASSERT_GE(foreign, 0);
  ASSERT_EQ(bpf_obj_pin(foreign, pinned("lb_slots").c_str()), 0);
  ::close(foreign);
  auto datapath = open();
  ASSERT_TRUE(datapath);
  EXPECT_EQ(datapath->flows().slots().size(), 64U);
  EXPECT_TRUE(std::filesystem::exists(pinned("lb_slots_aside_1")));
  EXPECT_TRUE(std::filesystem::exists(pinned("lb_flows_aside_1")));  // they belong together
}

TEST_F(PinTest, ARestartReplacesTheProgramsWithoutAGap) {
  ASSERT_TRUE(Sandbox::run("ip link add east type veth peer name west"));
  open().reset();
  const auto index_file = pinned("link_");
  std::size_t links = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory()))
    links += entry.path().string().starts_with(index_file) ? 1U : 0U;
  EXPECT_EQ(links, 4U);  // two interfaces, two directions
  auto datapath = open();
  ASSERT_TRUE(datapath);
  EXPECT_EQ(status_of(*datapath, "east").mode, AttachMode::kTcx);
}

TEST_F(PinTest, PinsOfInterfacesThatAreGoneAreRemoved) {
  ASSERT_TRUE(Sandbox::run("ip link add east type veth peer name west"));
  open().reset();
  ASSERT_TRUE(Sandbox::run("ip link del east"));
  auto datapath = open();
  ASSERT_TRUE(datapath);
  for (const auto& entry : std::filesystem::directory_iterator(directory()))
    EXPECT_FALSE(entry.path().filename().string().starts_with("link_")) << entry.path();
}

TEST_F(PinTest, FewerWorkersLeaveTheOldRingsReadable) {
  options_.workers = 3;
  open().reset();
  options_.workers = 1;
  auto datapath = open();
  ASSERT_TRUE(datapath);
  EXPECT_GE(datapath->flows().ring_fd(2), 0);
  EXPECT_EQ(datapath->flows().ring_fd(3), -1);
}

TEST_F(PinTest, DetachAllLeavesNothing) {
  ASSERT_TRUE(Sandbox::run("ip link add east type veth peer name west"));
  auto datapath = open();
  ASSERT_TRUE(datapath);
  datapath->detach_all();
  EXPECT_FALSE(std::filesystem::exists(directory()));
}

TEST_F(PinTest, ImpossibleOptionsAreRefused) {
  for (auto change :
       {+[](DatapathOptions& o) { o.workers = 0; }, +[](DatapathOptions& o) { o.workers = 65; },
        +[](DatapathOptions& o) { o.max_steered = 0; },
        +[](DatapathOptions& o) { o.max_steered = 1 << 20; },
        +[](DatapathOptions& o) { o.upstream_port_first = 40000; }}) {
    DatapathOptions options = options_;
    change(options);
    const auto opened = Datapath::open(options);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace sluice::datapath
