// SPDX-License-Identifier: Apache-2.0
// What followers of connections get to know, and that nothing is recorded for nobody.
#include "agent/app/flow_feed.hpp"

#include <gtest/gtest.h>

namespace sluice::app {
namespace {

using Kind = proxy::CarriedChange::Kind;

class FlowFeedTest : public ::testing::Test {
 protected:
  FlowFeedTest() { clock_.advance(std::chrono::hours(1)); }

  // As the proxy does it.
  void happens(std::uint32_t slot, Kind kind = Kind::kStarted) {
    if (!feed_.wants()) return;
    proxy::CarriedChange change;
    change.kind = kind;
    change.id.slot = slot;
    change.client = *SocketAddress::parse("192.0.2.7:40000");
    change.endpoint = *SocketAddress::parse("10.1.2.3:80");
    change.cluster = "shop|v1|80";
    if (kind != Kind::kStarted) change.reason = "closed";
    change.requests = slot;
    change.age = Milliseconds(1500);
    feed_.changed(change);
  }
  static std::vector<std::uint32_t> slots_of(const control::v1::FlowEventsReply& reply) {
    std::vector<std::uint32_t> out;
    for (const auto& event : reply.events()) out.push_back(event.slot());
    return out;
  }

  ManualClock clock_;
  FlowFeed feed_{clock_};
};

TEST_F(FlowFeedTest, AFollowerGetsEachEventOnceFromItsBeginningOn) {
  happens(1);
  auto reply = feed_.since(0);
  EXPECT_TRUE(reply.events().empty());
  EXPECT_TRUE(feed_.since(reply.last()).events().empty());
  happens(2);
  happens(3, Kind::kEnded);
  reply = feed_.since(reply.last());
  EXPECT_EQ(slots_of(reply), (std::vector<std::uint32_t>{2, 3}));
  EXPECT_EQ(reply.events(0).event(), "started");
  EXPECT_EQ(reply.events(0).client(), "192.0.2.7:40000");
  EXPECT_EQ(reply.events(1).event(), "ended");
  EXPECT_EQ(reply.events(1).reason(), "closed");
  EXPECT_EQ(reply.events(1).requests(), 3U);
  EXPECT_DOUBLE_EQ(reply.events(1).age_seconds(), 1.5);
  EXPECT_EQ(reply.lost(), 0U);
  happens(4, Kind::kTakenBack);
  EXPECT_EQ(slots_of(feed_.since(reply.last())), std::vector<std::uint32_t>{4});
}

TEST_F(FlowFeedTest, NothingIsRecordedOnceNobodyHasAskedForAWhile) {
  const auto last = feed_.since(0).last();
  clock_.advance(FlowFeed::kKeeps);
  EXPECT_FALSE(feed_.wants());
  happens(1);
  EXPECT_TRUE(feed_.since(last).events().empty());
  EXPECT_TRUE(feed_.wants());
}

TEST_F(FlowFeedTest, EventsThatWerePushedOutAreCountedAsLost) {
  const auto last = feed_.since(0).last();
  for (std::uint32_t i = 0; i < FlowFeed::kMost + 10; ++i) happens(i);
  const auto reply = feed_.since(last);
  EXPECT_EQ(reply.lost(), 10U);
  EXPECT_EQ(static_cast<std::size_t>(reply.events_size()), FlowFeed::kMost);
  EXPECT_EQ(reply.events(0).slot(), 10U);
  EXPECT_EQ(feed_.since(reply.last()).lost(), 0U);
}

}  // namespace
}  // namespace sluice::app
