// SPDX-License-Identifier: Apache-2.0
// Consistent hashing through the whole proxy: a key stays with its endpoint, and with its subset while weights change.
#include <algorithm>
#include <map>
#include <set>

#include "tests/integration/proxy/policy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

using Source = model::HashKey::Source;

model::HashKey key_of(Source source, std::string name = {}) {
  model::HashKey key;
  key.source = source;
  key.name = std::move(name);
  return key;
}

model::LoadBalancer hashed_by(model::HashKey key) {
  model::LoadBalancer out;
  out.kind = model::LoadBalancer::Kind::kConsistentHash;
  out.hash.emplace().key = std::move(key);
  return out;
}

class AffinityTest : public PolicyTest {
 protected:
  // Each of 40 keys asks three times; `request` puts the key into a request.
  void expect_affinity(const std::function<std::string(const std::string& key)>& request) {
    std::set<std::string> used;
    for (int key = 0; key < 40; ++key) {
      const std::string text = request("user" + std::to_string(key));
      const std::string first = who(text);
      ASSERT_NE(first, "");
      EXPECT_EQ(who(text), first);
      EXPECT_EQ(who(text), first);
      used.insert(first);
    }
    EXPECT_EQ(used.size(), upstreams_.size());
  }
  void start_hashed(model::HashKey key, std::size_t endpoints = 4) {
    start_endpoints(endpoints);
    subset().policy.load_balancer = hashed_by(std::move(key));
    start();
  }
};

TEST_F(AffinityTest, ByHeader) {
  start_hashed(key_of(Source::kHeader, "x-user"));
  expect_affinity([](const auto& key) { return get("/", "X-User: " + key + "\r\n"); });
}

TEST_F(AffinityTest, ByQueryParameter) {
  start_hashed(key_of(Source::kQueryParameter, "user"));
  expect_affinity([](const auto& key) { return get("/?x=1&user=" + key); });
}

TEST_F(AffinityTest, ByCookie) {
  start_hashed(key_of(Source::kCookie, "session"));
  expect_affinity([](const auto& key) { return get("/", "Cookie: session=" + key + "\r\n"); });
}

TEST_F(AffinityTest, ByMaglevTable) {
  start_endpoints(4);
  subset().policy.load_balancer = hashed_by(key_of(Source::kHeader, "x-user"));
  subset().policy.load_balancer.hash->table = model::ConsistentHash::Table::kMaglev;
  subset().policy.load_balancer.hash->table_size = 1021;
  start();
  expect_affinity([](const auto& key) { return get("/", "X-User: " + key + "\r\n"); });
}

TEST_F(AffinityTest, BySourceAddressOverConnections) {
  start_hashed(key_of(Source::kSourceIp));
  const std::string first = who();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(who(), first);
}

TEST_F(AffinityTest, WithoutTheKeyRequestsAreSpread) {
  start_hashed(key_of(Source::kHeader, "x-user"), 3);
  std::set<std::string> used;
  for (int i = 0; i < 60; ++i) used.insert(who());
  EXPECT_EQ(used.size(), 3U);
}

TEST_F(AffinityTest, AMissingCookieIsSetAndLeadsBack) {
  auto key = key_of(Source::kCookie, "session");
  key.ttl = Milliseconds(60'000);
  key.path = "/";
  key.attributes = {{"SameSite", "Lax"}};
  start_hashed(key);
  std::set<std::string> used;
  for (int client = 0; client < 30; ++client) {
    const auto first = ask(kGet);
    ASSERT_TRUE(first);
    const std::string set = first->field("Set-Cookie");
    const std::string cookie = set.substr(0, set.find(';'));
    EXPECT_TRUE(cookie.starts_with("session=")) << set;
    EXPECT_NE(set.find("Max-Age=60"), std::string::npos);
    EXPECT_NE(set.find("SameSite=Lax"), std::string::npos);
    const auto second = ask(get("/", "Cookie: " + cookie + "\r\n"));
    ASSERT_TRUE(second);
    EXPECT_EQ(second->body, first->body);
    EXPECT_EQ(second->field("Set-Cookie"), "");
    used.insert(first->body);
  }
  EXPECT_GT(used.size(), 2U);
}

TEST_F(AffinityTest, OnlyKeysOfAnEndpointThatLeavesMove) {
  start_hashed(key_of(Source::kHeader, "x-user"));
  std::map<std::string, std::string> before;
  for (int user = 0; user < 60; ++user) {
    const std::string request = get("/", "X-User: " + std::to_string(user) + "\r\n");
    before[request] = who(request);
  }
  subset().endpoints.erase(subset().endpoints.begin() + 2);
  publish(2);
  for (const auto& [request, endpoint] : before) {
    if (endpoint == "2") {
      EXPECT_NE(who(request), "2");
    } else {
      EXPECT_EQ(who(request), endpoint);
    }
  }
}

TEST_F(AffinityTest, RaisingACanaryMovesUsersOneWayOnly) {
  start_endpoints(2);
  const auto policy = hashed_by(key_of(Source::kHeader, "x-user"));
  world_.subsets = {{.name = "stable", .weight = 90, .endpoints = {upstreams_[0].address()}},
                    {.name = "canary", .weight = 10, .endpoints = {upstreams_[1].address()}}};
  for (auto& subset : world_.subsets) subset.policy.load_balancer = policy;
  start();
  const auto users = [&] {
    std::vector<bool> on_canary;
    for (int user = 0; user < 300; ++user) {
      on_canary.push_back(who(get("/", "X-User: " + std::to_string(user) + "\r\n")) == "1");
    }
    return on_canary;
  };
  const auto share = [](const std::vector<bool>& of) {
    return static_cast<int>(std::ranges::count(of, true));
  };
  const auto at_10 = users();
  world_.subsets[0].weight = 75;
  world_.subsets[1].weight = 25;
  publish(2);
  const auto at_25 = users();
  world_.subsets[0].weight = 90;
  world_.subsets[1].weight = 10;
  publish(3);
  EXPECT_NEAR(share(at_10), 30, 20);
  EXPECT_NEAR(share(at_25), 75, 30);
  for (std::size_t user = 0; user < at_10.size(); ++user) {
    EXPECT_FALSE(at_10[user] && !at_25[user]) << "user " << user << " left the canary";
  }
  EXPECT_EQ(users(), at_10);
}

}  // namespace
}  // namespace sluice::proxy::testing
