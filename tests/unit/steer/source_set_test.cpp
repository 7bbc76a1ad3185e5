// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/source_set.hpp"

#include <gtest/gtest.h>

#include "agent/steer/slot_state.hpp"
#include "tests/unit/steer/fake_flow_table.hpp"

namespace sluice::steer {
namespace {

using proxy::Shown;

class SourceSetTest : public ::testing::Test {
 protected:
  SourceSet make() { return {clock_, flows_, share_, ports_}; }
  [[nodiscard]] datapath::SourcePair pair(std::uint16_t port) const {
    return {datapath::make_tuple({route_.source, port}, pod_),
            datapath::make_tuple(pod_, {client_, port})};
  }

  ManualClock clock_;
  FakeFlowTable flows_;
  SlotShare share_;
  PortPool ports_{15000, 15999};
  // Of no network: the kernel knows no socket of theirs.
  SocketAddress pod_ = *SocketAddress::parse("192.0.2.9:80");
  IpAddress client_ = *IpAddress::parse("198.51.100.7");
  datapath::Route route_{3, *IpAddress::parse("192.0.2.1"), true};
};

TEST_F(SourceSetTest, EntriesStayUntilThePortHasRested) {
  SourceSet set = make();
  EXPECT_EQ(set.add(client_, pod_, 15001, route_), Shown::kClient);
  ASSERT_EQ(flows_.added.size(), 1U);
  EXPECT_EQ(datapath::destination_of(flows_.added[0].answer).ip, client_);
  set.retire(pod_, 15001, clock_.now() + std::chrono::seconds(60));
  clock_.advance(std::chrono::seconds(59));
  set.tick();
  EXPECT_TRUE(flows_.removed.empty());
  clock_.advance(std::chrono::seconds(1));
  set.tick();
  EXPECT_EQ(flows_.removed.size(), 1U);
  EXPECT_EQ(set.size(), 0U);
}

TEST_F(SourceSetTest, APortThatIsUsedAgainKeepsItsNewEntries) {
  SourceSet set = make();
  ASSERT_EQ(set.add(client_, pod_, 15001, route_), Shown::kClient);
  set.retire(pod_, 15001, clock_.now() + std::chrono::seconds(2));
  EXPECT_TRUE(set.claim(pod_, 15001));
  EXPECT_EQ(flows_.removed.size(), 1U);
  ASSERT_EQ(set.add(client_, pod_, 15001, route_), Shown::kClient);
  clock_.advance(std::chrono::seconds(3));
  set.tick();
  EXPECT_EQ(flows_.removed.size(), 1U);
  EXPECT_EQ(set.size(), 1U);
}

TEST_F(SourceSetTest, AFullTableIsNotAskedAgainAtOnce) {
  SourceSet set = make();
  flows_.add_result = fail(ErrorCode::kExhausted, "full");
  EXPECT_EQ(set.add(client_, pod_, 15001, route_), Shown::kFull);
  datapath::Route route;
  EXPECT_EQ(set.judge(client_, pod_, route), Shown::kFull);
  clock_.advance(std::chrono::seconds(2));
  EXPECT_NE(set.judge(client_, pod_, route), Shown::kFull);
}

TEST_F(SourceSetTest, AddressesThatMeanNothingToAPodAreNotShown) {
  SourceSet set = make();
  datapath::Route route;
  for (const char* text : {"127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "169.254.1.1"})
    EXPECT_EQ(set.judge(*IpAddress::parse(text), pod_, route), Shown::kSpecial) << text;
  const SocketAddress pod6 = *SocketAddress::parse("[2001:db8::9]:80");
  for (const char* text : {"::1", "fe80::1", "ff02::1"})
    EXPECT_EQ(set.judge(*IpAddress::parse(text), pod6, route), Shown::kSpecial) << text;
  EXPECT_EQ(set.judge(pod_.ip, pod_, route), Shown::kSelf);
  EXPECT_EQ(set.judge(client_, pod6, route), Shown::kFamily);
  EXPECT_EQ(set.judge(client_, pod_, route), Shown::kRemote) << "no interface of a pod leads there";
}

TEST_F(SourceSetTest, OfAnEarlierAgentOnlySteeredConnectionsKeepTheirEntries) {
  share_.sources = {pair(15001), pair(15002)};
  share_.adopted = {1};
  flows_.slots()[1].pod = pair(15002).answer;
  SourceSet set = make();
  EXPECT_FALSE(set.claim(pod_, 15001)) << "that agent may still run";
  EXPECT_TRUE(flows_.removed.empty());
  set.tick();  // the kernel knows no such socket
  ASSERT_EQ(flows_.removed.size(), 1U);
  EXPECT_EQ(datapath::destination_of(flows_.removed[0].answer).port, 15001);
  EXPECT_TRUE(set.claim(pod_, 15001));
  set.retire(pod_, 15002, clock_.now());
  set.tick();
  EXPECT_EQ(flows_.removed.size(), 2U);
}

TEST_F(SourceSetTest, AnotherAgentsEntriesAreLeftAlone) {
  SourceSet set = make();
  ASSERT_EQ(set.add(client_, pod_, 15001, route_), Shown::kClient);
  set.let_go();
  set.retire(pod_, 15001, clock_.now());
  set.tick();
  EXPECT_TRUE(flows_.removed.empty());
}

}  // namespace
}  // namespace sluice::steer
