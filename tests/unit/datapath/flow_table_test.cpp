// SPDX-License-Identifier: Apache-2.0
// Flow entries go in and out in pairs.
#include "agent/datapath/flow_table.hpp"

#include "tests/unit/datapath/kernel_test.hpp"

namespace sluice::datapath {
namespace {

class FlowTableTest : public KernelTest {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (IsSkipped()) return;
    options_.max_steered = 8;  // 16 entries
    datapath_ = open();
    ASSERT_TRUE(datapath_);
  }

  static lb_tuple tuple(std::uint32_t number) {
    return make_tuple(
        {.ip = *IpAddress::parse("198.51.100.7"), .port = static_cast<std::uint16_t>(number)},
        {.ip = *IpAddress::parse("203.0.113.10"), .port = 80});
  }
  Result<void> install(std::uint32_t number) {
    return datapath_->flows().install(tuple(2 * number), leading_to(tuple(1)),
                                      tuple(2 * number + 1), leading_to(tuple(1)));
  }

  std::unique_ptr<Datapath> datapath_;
};

TEST_F(FlowTableTest, AFullTableTakesNeitherOfThePairAndRecovers) {
  for (std::uint32_t i = 0; i < 7; ++i) ASSERT_TRUE(install(i)) << i;
  // One more entry fits, but not two.
  ASSERT_TRUE(datapath_->flows().install(tuple(100), leading_to(tuple(1)), tuple(100),
                                         leading_to(tuple(1))));
  for (int tries = 0; tries < 3; ++tries) {
    const auto full = install(8);
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, ErrorCode::kExhausted);
  }
  datapath_->flows().remove(tuple(100), tuple(100));
  EXPECT_TRUE(install(8));  // so nothing of the refused ones was left
}

TEST_F(FlowTableTest, RemovalDoesNotMindWhatIsGone) {
  for (std::uint32_t i = 0; i < 8; ++i) ASSERT_TRUE(install(i));
  datapath_->flows().remove(tuple(999),
                            tuple(1));  // the first is not there, the second must go all the same
  datapath_->flows().remove(tuple(0), tuple(1));
  EXPECT_TRUE(install(20));
}

TEST_F(FlowTableTest, FamiliesAreNotMixed) {
  const lb_tuple six = make_tuple({.ip = *IpAddress::parse("2001:db8::1"), .port = 1},
                                  {.ip = *IpAddress::parse("2001:db8::2"), .port = 2});
  const auto mixed =
      datapath_->flows().install(tuple(1), leading_to(six), six, leading_to(tuple(1)));
  ASSERT_FALSE(mixed);
  EXPECT_EQ(mixed.error().code, ErrorCode::kInvalid);
}

TEST_F(FlowTableTest, AnUnknownLegIsNone) {
  EXPECT_FALSE(datapath_->flows().leg(tuple(5)));
  datapath_->flows().forget_leg(tuple(5));
}

}  // namespace
}  // namespace sluice::datapath
