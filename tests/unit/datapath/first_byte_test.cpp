// SPDX-License-Identifier: Apache-2.0
// Which clusters the kernel times, and for how long.
#include "bpf/abi/limits.h"
#include "tests/unit/datapath/kernel_test.hpp"

namespace sluice::datapath {
namespace {

using Clusters = std::set<std::uint64_t>;

class FirstByteTest : public KernelTest {
 protected:
  static Clusters timed(const Datapath& datapath) {
    Clusters out;
    for (const auto& [cluster, counted] : datapath.first_bytes()) out.insert(cluster);
    return out;
  }
};

TEST_F(FirstByteTest, TheseAndThoseOfSteeredConnections) {
  const auto datapath = open();
  ASSERT_TRUE(datapath);
  datapath->time_clusters({1, 2, 3});
  EXPECT_EQ(timed(*datapath), (Clusters{1, 2, 3}));
  EXPECT_EQ(datapath->first_bytes().at(1).counts[0], 0U);
  datapath->flows().slots()[5].cluster = 2;
  datapath->flows().slots()[5].state = LB_SLOT_NORMAL;
  datapath->time_clusters({3, 4});
  EXPECT_EQ(timed(*datapath), (Clusters{2, 3, 4}));
  datapath->flows().slots()[5].state = LB_SLOT_FREE;
  datapath->time_clusters({3, 4});
  EXPECT_EQ(timed(*datapath), (Clusters{3, 4}));
}

TEST_F(FirstByteTest, TheNextAgentFindsThem) {
  open()->time_clusters({7});
  EXPECT_EQ(timed(*open()), (Clusters{7}));
}

TEST_F(FirstByteTest, NoMoreThanThereIsRoomFor) {
  const auto datapath = open();
  ASSERT_TRUE(datapath);
  Clusters many;
  for (std::uint64_t i = 0; i < LB_MAX_CLUSTERS + 5; ++i) many.insert(i);
  datapath->time_clusters(many);
  EXPECT_EQ(timed(*datapath).size(), static_cast<std::size_t>(LB_MAX_CLUSTERS));
  datapath->time_clusters({1});
  EXPECT_EQ(timed(*datapath), (Clusters{1}));
}

}  // namespace
}  // namespace sluice::datapath
