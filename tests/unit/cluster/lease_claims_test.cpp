// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster/lease_claims.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/unit/cluster/fake_client.hpp"

namespace sluice::cluster {
namespace {

using std::chrono::seconds;

std::string lease_json(const std::string& holder, int version) {
  return fmt::format(
      R"({{"metadata":{{"name":"l","resourceVersion":"{}"}},"spec":{{"holderIdentity":"{}",)"
      R"("leaseDurationSeconds":2,"leaseTransitions":3}}}})",
      version, holder);
}

class Claims : public ::testing::Test {
 protected:
  void want(bool by_force = false, Milliseconds patience = {}) {
    claims_.want("l", {.holder = "me",
                       .duration = seconds(2),
                       .renew = seconds(1),
                       .patience = patience,
                       .note = note_,
                       .by_force = by_force});
    claims_.turn();
  }
  void other_renews() { book_.note(*read_lease(lease_json("other", ++version_))); }
  // Takes the lease as it is there.
  void granted() { client_.answer(200, lease_json("me", ++version_)); }
  [[nodiscard]] bool asked() const { return !client_.asked.empty(); }
  [[nodiscard]] const config::KubeClient::Request& request() const {
    return client_.asked.front().request;
  }

  ManualClock clock_;
  FakeClient client_;
  ApiCalls calls_{client_};
  LeaseBook book_{clock_};
  LeaseClaims claims_{"ns", clock_, book_, calls_};
  std::string note_;
  int version_ = 1;
};

TEST_F(Claims, ALeaseThatIsNotThereIsMade) {
  want();
  ASSERT_TRUE(asked());
  EXPECT_EQ(request().method, "POST");
  EXPECT_EQ(request().path, "/apis/coordination.k8s.io/v1/namespaces/ns/leases");
  granted();
  EXPECT_TRUE(claims_.holds("l"));
  want();
  EXPECT_FALSE(asked()) << "renewed too early";
  clock_.advance(seconds(1));
  want();
  ASSERT_TRUE(asked());
  EXPECT_EQ(request().method, "PUT");
  EXPECT_NE(request().body.find(R"("resourceVersion":"2")"), std::string::npos);
}

TEST_F(Claims, ALeaseOfAnotherIsTakenOnlyOnceItWasNotRenewedForItsTime) {
  other_renews();
  for (int i = 0; i < 5; ++i) {
    clock_.advance(Milliseconds(1'900));
    want();
    EXPECT_FALSE(asked());
    other_renews();
  }
  clock_.advance(Milliseconds(2'000));
  want();
  ASSERT_TRUE(asked());
  EXPECT_NE(request().body.find(R"("leaseTransitions":4)"), std::string::npos);
}

TEST_F(Claims, AListThatBringsTheSameAgainIsNoRenewal) {
  other_renews();
  clock_.advance(Milliseconds(1'500));
  book_.note(*read_lease(lease_json("other", version_)));
  clock_.advance(Milliseconds(500));
  want();
  EXPECT_TRUE(asked());
}

TEST_F(Claims, NothingRunsOutWhileTheServerIsAwayNorRightAfterIt) {
  other_renews();
  book_.follow(false);
  clock_.advance(seconds(60));
  want();
  EXPECT_FALSE(asked());
  book_.follow(true);
  clock_.advance(Milliseconds(1'900));
  want();
  EXPECT_FALSE(asked());
  clock_.advance(Milliseconds(100));
  want();
  EXPECT_TRUE(asked());
}

TEST_F(Claims, TheSecondChoiceWaitsForTheFirst) {
  want(false, Milliseconds(400));
  clock_.advance(Milliseconds(399));
  want(false, Milliseconds(400));
  EXPECT_FALSE(asked());
  clock_.advance(Milliseconds(1));
  want(false, Milliseconds(400));
  EXPECT_TRUE(asked());
}

TEST_F(Claims, WhoLosesARaceDoesNotBelieveThatItWon) {
  want();
  client_.answer(409, "", "exists");
  EXPECT_FALSE(claims_.holds("l"));
  EXPECT_EQ(calls_.conflicts(), 1u);
  EXPECT_TRUE(calls_.failures().empty());
  other_renews();
  clock_.advance(seconds(1));
  want();
  EXPECT_FALSE(asked());
}

TEST_F(Claims, ANewNoteIsWrittenSoonButNotMoreThanOnceASecond) {
  want();
  granted();
  note_ = "more";
  clock_.advance(Milliseconds(900));
  want();
  EXPECT_FALSE(asked());
  clock_.advance(Milliseconds(100));
  want();
  ASSERT_TRUE(asked());
  EXPECT_NE(request().body.find(R"("sluice.dev/acknowledged":"more")"), std::string::npos);
}

TEST_F(Claims, ByForceALeaseIsTakenFromWhoHasIt) {
  other_renews();
  want(true);
  EXPECT_TRUE(asked());
}

TEST_F(Claims, ALeaseThatIsHeldIsGivenBackUnlessAnotherGoesOnWithIt) {
  want();
  granted();
  claims_.drop("l");
  ASSERT_TRUE(asked());
  EXPECT_EQ(request().method, "DELETE");
  client_.answer(200, "{}");
  book_.removed({}, "ns", "l");
  want();
  granted();
  claims_.drop("l", true);
  EXPECT_FALSE(asked());
}

TEST_F(Claims, AMissingPermissionIsNamed) {
  want();
  client_.answer(403, "", "leases is forbidden");
  ASSERT_EQ(calls_.troubles().size(), 1u);
  const std::string trouble = calls_.troubles().begin()->second;
  EXPECT_NE(trouble.find("verb create"), std::string::npos) << trouble;
  EXPECT_NE(trouble.find("leases.coordination.k8s.io"), std::string::npos) << trouble;
  EXPECT_EQ(calls_.failures().begin()->second, 1u);
}

TEST(LeaseText, ANodesClockIsWrittenButNeverRead) {
  const auto lease =
      read_lease(R"({"metadata":{"name":"x","resourceVersion":"1"},"spec":{"holderIdentity":"a",)"
                 R"("leaseDurationSeconds":999999999,"renewTime":"1970-01-01T00:00:00Z"}})");
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->duration, std::chrono::hours(1)) << "a lease must not last for ever";
  EXPECT_FALSE(read_lease("[]"));
  EXPECT_FALSE(read_lease("{"));
  EXPECT_EQ(micro_time(std::chrono::system_clock::time_point(std::chrono::microseconds(5))),
            "1970-01-01T00:00:00.000005Z");
}

}  // namespace
}  // namespace sluice::cluster
