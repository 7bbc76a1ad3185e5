// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster/status_writer.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/unit/cluster/fake_client.hpp"

namespace sluice::cluster {
namespace {

constexpr char kObject[] =
    R"({"metadata":{"name":"c","generation":1,"resourceVersion":"5"},"status":{}})";
constexpr char kPath[] = "gatewayclasses.gateway.networking.k8s.io//c";

config::GatewayClassStatus gateway_class(const std::string& name = "c") {
  return {{"gateway.networking.k8s.io/v1", "GatewayClass", "", name, 1},
          {{"Accepted", true, "Accepted", ""}},
          {"Gateway"}};
}

class Writer : public ::testing::Test {
 protected:
  Writer() { clock_.advance(std::chrono::seconds(10)); }
  void want() { writer_.want({{kPath, gateway_class()}}); }

  ManualClock clock_;
  FakeClient client_;
  ApiCalls calls_{client_};
  StatusWriter writer_{clock_, calls_};
};

TEST_F(Writer, ReadsComparesAndPatchesTheStatusOnce) {
  want();
  writer_.turn();
  ASSERT_EQ(client_.asked.size(), 1u);
  EXPECT_EQ(client_.asked[0].request.path, "/apis/gateway.networking.k8s.io/v1/gatewayclasses/c");
  client_.answer(200, kObject);
  ASSERT_EQ(client_.asked.size(), 1u);
  EXPECT_EQ(client_.asked[0].request.method, "PATCH");
  EXPECT_TRUE(client_.asked[0].request.path.starts_with(
      "/apis/gateway.networking.k8s.io/v1/gatewayclasses/c/status"));
  client_.answer(200, "{}");
  EXPECT_EQ(writer_.writes(), 1u);
  want();
  writer_.turn();
  EXPECT_TRUE(client_.asked.empty()) << "the same wish again";
  writer_.touched(kPath);
  writer_.turn();
  EXPECT_EQ(client_.asked.size(), 1u) << "somebody changed the object";
}

TEST_F(Writer, AConflictIsTriedAgainWithWhatIsThereThen) {
  want();
  writer_.turn();
  client_.answer(200, kObject);
  client_.answer(409, "", "modified");
  writer_.turn();
  EXPECT_TRUE(client_.asked.empty()) << "not at once";
  clock_.advance(std::chrono::milliseconds(100));
  writer_.turn();
  ASSERT_EQ(client_.asked.size(), 1u);
  EXPECT_EQ(client_.asked[0].request.method, "GET");
}

TEST_F(Writer, PausesGrowWhileTheServerRefuses) {
  want();
  int asked = 0;
  for (int i = 0; i < 600; ++i) {
    writer_.turn();
    if (!client_.asked.empty()) {
      ++asked;
      client_.answer(500, "", "trouble");
    }
    clock_.advance(std::chrono::milliseconds(100));
  }
  EXPECT_GE(asked, 5);
  EXPECT_LE(asked, 12) << "in a minute";
}

TEST_F(Writer, FewRequestsAtATimeAndBoundedInASecond) {
  std::map<std::string, StatusWish> wishes;
  for (int i = 0; i < 1000; ++i) {
    const auto wish = gateway_class(fmt::format("c{}", i));
    wishes[StatusWriter::path_of(wish.target)] = wish;
  }
  writer_.want(wishes);
  int asked = 0;
  for (int i = 0; i < 1000; ++i) {  // one second
    writer_.turn();
    EXPECT_LE(client_.asked.size(), 8u);
    while (!client_.asked.empty()) {
      ++asked;
      client_.answer(200, kObject);
      client_.answer(404, "", "gone");
    }
    clock_.advance(std::chrono::milliseconds(1));
  }
  EXPECT_LE(asked, 205);
  EXPECT_GE(asked, 50);
}

}  // namespace
}  // namespace sluice::cluster
