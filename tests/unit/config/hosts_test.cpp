// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/hosts.hpp"

#include <gmock/gmock.h>

namespace sluice::config {
namespace {

using ::testing::ElementsAre;

TEST(Hosts, ShortNamesBelongToTheRulesNamespace) {
  EXPECT_EQ(qualify("echo", "prod", "cluster.local"), "echo.prod.svc.cluster.local");
  EXPECT_EQ(qualify("echo.example.com", "prod", "cluster.local"), "echo.example.com");
  EXPECT_EQ(qualify("*", "prod", "cluster.local"), "*");
  EXPECT_EQ(qualify("::1", "prod", "cluster.local"), "::1");
}

TEST(Hosts, PartlyQualifiedNamesAreTriedAsWrittenFirst) {
  EXPECT_THAT(host_candidates("echo", "prod", "cluster.local"),
              ElementsAre("echo.prod.svc.cluster.local", "echo"));
  EXPECT_THAT(host_candidates("echo.dev", "prod", "cluster.local"),
              ElementsAre("echo.dev", "echo.dev.svc.cluster.local"));
  EXPECT_THAT(host_candidates("echo.dev.svc", "prod", "cluster.local"),
              ElementsAre("echo.dev.svc", "echo.dev.svc.cluster.local"));
  EXPECT_THAT(host_candidates("a.b.example.com", "prod", "cluster.local"),
              ElementsAre("a.b.example.com"));
}

TEST(Hosts, WildcardsCoverWholeLabelsBelowThem) {
  EXPECT_TRUE(covers("*", "a.b"));
  EXPECT_TRUE(covers("*.example.com", "a.b.example.com"));
  EXPECT_TRUE(covers("*.example.com", "*.b.example.com"));
  EXPECT_TRUE(covers("*.example.com", "*.example.com"));
  EXPECT_FALSE(covers("*.example.com", "example.com"));
  EXPECT_FALSE(covers("*.example.com", "badexample.com"));
  EXPECT_FALSE(covers("*.example.com", "*"));
  EXPECT_FALSE(covers("a.example.com", "*.example.com"));
}

TEST(Hosts, IntersectionIsTheNarrowerName) {
  EXPECT_EQ(intersect("*", "a.com"), "a.com");
  EXPECT_EQ(intersect("*.b.com", "*.com"), "*.b.com");
  EXPECT_EQ(intersect("a.com", "b.com"), std::nullopt);
}

TEST(Hosts, RefusesWhatIsNoName) {
  for (const char* good : {"*", "*.a", "a", "a-b.c_d.example", "10.0.0.1", "::1"}) {
    EXPECT_TRUE(valid_host(good)) << good;
  }
  for (const char* bad :
       {"", "*a.com", "a.*", ".a", "a.", "-a", "a-", "a b", "http://a", "a/b", "a:80", "A"}) {
    EXPECT_FALSE(valid_host(bad)) << bad;
  }
  EXPECT_FALSE(valid_host(std::string(64, 'a')));
}

}  // namespace
}  // namespace sluice::config
