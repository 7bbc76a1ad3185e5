// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/hash_key.hpp"

#include <gtest/gtest.h>

#include "agent/balance/hash.hpp"

namespace sluice::proxy {
namespace {

using Source = model::HashKey::Source;

constexpr std::uint64_t kRandom = 0x0123456789abcdef;

model::HashKey key_of(Source source, std::string name = {},
                      std::optional<Milliseconds> ttl = std::nullopt) {
  model::HashKey key;
  key.source = source;
  key.name = std::move(name);
  key.ttl = ttl;
  return key;
}

class HashKeyTest : public testing::Test {
 protected:
  HashedKey hash(const model::HashKey& key) const { return hash_key(key, head_, peer_, kRandom); }

  http::RequestHead head_;
  SocketAddress peer_ = SocketAddress::parse("192.0.2.7:4711").value();
};

TEST_F(HashKeyTest, AHeaderIsTheKeyWhateverItsCase) {
  head_.headers.add("X-User", "ann");
  EXPECT_EQ(hash(key_of(Source::kHeader, "x-user")).hash, balance::hash64("ann"));
  EXPECT_FALSE(hash(key_of(Source::kHeader, "x-other")).hash);
}

TEST_F(HashKeyTest, HostAndAuthorityAreOne) {
  head_.authority = "shop.test";
  EXPECT_EQ(hash(key_of(Source::kHeader, "host")).hash, balance::hash64("shop.test"));
  EXPECT_EQ(hash(key_of(Source::kHeader, ":authority")).hash, balance::hash64("shop.test"));
}

TEST_F(HashKeyTest, TheClientsAddressWithoutItsPort) {
  const auto first = hash(key_of(Source::kSourceIp)).hash;
  peer_.port = 9;
  EXPECT_TRUE(first);
  EXPECT_EQ(hash(key_of(Source::kSourceIp)).hash, first);
  peer_ = SocketAddress::parse("192.0.2.8:9").value();
  EXPECT_NE(hash(key_of(Source::kSourceIp)).hash, first);
}

TEST_F(HashKeyTest, AQueryParameter) {
  head_.query = "a=1&user=ann";
  EXPECT_EQ(hash(key_of(Source::kQueryParameter, "user")).hash, balance::hash64("ann"));
  EXPECT_FALSE(hash(key_of(Source::kQueryParameter, "b")).hash);
}

TEST_F(HashKeyTest, ACookieThatIsThereIsNotSet) {
  head_.headers.add("Cookie", "a=1; session=xyz");
  const auto key = hash(key_of(Source::kCookie, "session", Milliseconds(5000)));
  EXPECT_EQ(key.hash, balance::hash64("xyz"));
  EXPECT_EQ(key.set_cookie, "");
}

TEST_F(HashKeyTest, AMissingCookieIsMadeOnlyWithATtl) {
  const auto none = hash(key_of(Source::kCookie, "session"));
  EXPECT_FALSE(none.hash);
  EXPECT_EQ(none.set_cookie, "");
  auto key = key_of(Source::kCookie, "session", Milliseconds(1500));
  key.path = "/shop";
  key.attributes = {{"SameSite", "Strict"}};
  const auto made = hash(key);
  EXPECT_EQ(made.hash, balance::hash64("0123456789abcdef"));
  EXPECT_EQ(made.set_cookie,
            "session=0123456789abcdef; Max-Age=2; Path=/shop; SameSite=Strict; HttpOnly");
  auto of_session = key_of(Source::kCookie, "session");
  of_session.ttl = Milliseconds(0);
  const auto session = hash(of_session);
  EXPECT_EQ(session.set_cookie, "session=0123456789abcdef; HttpOnly");
}

}  // namespace
}  // namespace sluice::proxy
