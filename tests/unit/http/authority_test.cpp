// SPDX-License-Identifier: Apache-2.0
#include "agent/http/authority.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {

TEST(Authority, AcceptsNamesAddressesAndPorts) {
  for (const char* good : {"a", "A.example-1.com", "a_b.svc", "10.0.0.1", "a:1", "a:65535", "[::1]",
                           "[2001:db8::1]:80", "[::ffff:1.2.3.4]:80", "a."}) {
    EXPECT_TRUE(is_authority(good, Port::kOptional)) << good;
  }
}

TEST(Authority, RefusesWhatCouldBeReadInTwoWays) {
  for (const char* bad :
       {"",    ":80",    "a:",         "a:0",       "a:65536", "a:000080", "a:8x",
        "a b", "a/b",    "a?b",        "a@b",       "a,b",     "a%61",     "[::1",
        "::1", "[::1]x", "[::1%eth0]", "[1.2.3.4]", "[v1.x]",  "[]",       "a:80:80"}) {
    EXPECT_FALSE(is_authority(bad, Port::kOptional)) << bad;
  }
  EXPECT_FALSE(is_authority(std::string("a\0b", 3), Port::kOptional));
}

TEST(Authority, PortCanBeRequired) {
  EXPECT_TRUE(is_authority("a:443", Port::kRequired));
  EXPECT_FALSE(is_authority("a", Port::kRequired));
  EXPECT_FALSE(is_authority("[::1]", Port::kRequired));
}

}  // namespace
}  // namespace sluice::http
