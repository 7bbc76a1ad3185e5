// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/action/cors.hpp"

#include <gtest/gtest.h>

#include "tests/unit/routing/builders.hpp"

namespace sluice::routing {
namespace {

using Verdict = Cors::Verdict;

Cors compiled(const model::Cors& cors) {
  RegexPool pool;
  auto out = Cors::compile(cors, pool);
  EXPECT_TRUE(out);
  return std::move(*out);
}

model::Cors policy() {
  model::Cors cors;
  cors.allow_origins = {{Kind::kExact, "https://shop.example.com"},
                        {Kind::kPrefix, "https://dev-"},
                        {Kind::kRegex, "https://[a-z]+\\.example\\.org"}};
  cors.allow_methods = {"GET", "POST"};
  cors.allow_headers = {"X-Token"};
  cors.expose_headers = {"X-Total", "X-Page"};
  cors.max_age_seconds = 86400;
  cors.allow_credentials = true;
  return cors;
}

std::string lines(const http::HeaderMap& headers) {
  std::string out;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    out.append(headers.at(i).name).append(": ").append(headers.at(i).value).append("\n");
  }
  return out;
}

TEST(Cors, OriginsAreExactPrefixesOrExpressions) {
  const Cors cors = compiled(policy());
  EXPECT_TRUE(cors.allows("https://shop.example.com"));
  EXPECT_TRUE(cors.allows("https://dev-7.example.com"));
  EXPECT_TRUE(cors.allows("https://a.example.org"));
  EXPECT_FALSE(cors.allows("https://shop.example.com.evil.test"));
  EXPECT_FALSE(cors.allows("http://shop.example.com"));
  EXPECT_FALSE(cors.allows("https://a.example.org.evil.test"));
  EXPECT_FALSE(cors.allows("null"));
  EXPECT_FALSE(cors.allows(""));
}

TEST(Cors, AnAsteriskAllowsEveryOrigin) {
  model::Cors any;
  any.allow_origins = {{Kind::kExact, "*"}};
  EXPECT_TRUE(compiled(any).allows("https://anything.test"));
  EXPECT_FALSE(compiled(model::Cors{}).allows("https://anything.test"));
}

http::RequestHead preflight(const char* origin) {
  auto head = request("api.example.com", "/", "",
                      {{"Origin", origin}, {"Access-Control-Request-Method", "POST"}});
  head.method = "OPTIONS";
  return head;
}

TEST(Cors, APreflightFromAnAllowedOriginIsAnswered) {
  const Cors cors = compiled(policy());
  EXPECT_EQ(cors.judge(preflight("https://shop.example.com")), Verdict::kPreflight);
  http::HeaderMap headers;
  cors.add_preflight_fields("https://shop.example.com", preflight("https://shop.example.com"),
                            headers);
  EXPECT_EQ(lines(headers),
            "Access-Control-Allow-Origin: https://shop.example.com\n"
            "Access-Control-Allow-Credentials: true\n"
            "Access-Control-Allow-Methods: GET, POST\n"
            "Access-Control-Allow-Headers: X-Token\n"
            "Access-Control-Expose-Headers: X-Total, X-Page\n"
            "Access-Control-Max-Age: 86400\n"
            "Vary: Origin\n");
}

TEST(Cors, WhatThePolicyLeavesOutIsNotSaid) {
  model::Cors any;
  any.allow_origins = {{Kind::kExact, "*"}};
  http::HeaderMap headers;
  compiled(any).add_preflight_fields("https://a.test", preflight("https://a.test"), headers);
  EXPECT_EQ(lines(headers), "Access-Control-Allow-Origin: https://a.test\nVary: Origin\n");
}

// Fetch 3.3.3: with credentials a "*" is no wildcard.
TEST(Cors, WithCredentialsAnyMethodAndHeaderIsTheOneAskedFor) {
  model::Cors any;
  any.allow_origins = {{Kind::kPresent, ""}};
  any.allow_methods = {"*"};
  any.allow_headers = {"*"};
  auto head = preflight("https://a.test");
  head.headers.add("Access-Control-Request-Headers", "x-one, x-two");
  http::HeaderMap plain;
  compiled(any).add_preflight_fields("https://a.test", head, plain);
  EXPECT_EQ(plain.get("Access-Control-Allow-Methods"), "*");
  any.allow_credentials = true;
  http::HeaderMap headers;
  compiled(any).add_preflight_fields("https://a.test", head, headers);
  EXPECT_EQ(headers.get("Access-Control-Allow-Methods"), "POST");
  EXPECT_EQ(headers.get("Access-Control-Allow-Headers"), "x-one, x-two");
}

// Istio: unmatchedPreflights.
TEST(Cors, APreflightFromAnotherOriginIsForwardedOrRefused) {
  model::Cors cors = policy();
  EXPECT_EQ(compiled(cors).judge(preflight("https://evil.test")), Verdict::kForward);
  cors.unmatched_preflights = model::Cors::Unmatched::kIgnore;
  EXPECT_EQ(compiled(cors).judge(preflight("https://evil.test")), Verdict::kRefusedPreflight);
}

TEST(Cors, OptionsAloneIsNoPreflight) {
  const Cors cors = compiled(policy());
  auto head = request("api.example.com", "/", "", {{"Origin", "https://shop.example.com"}});
  head.method = "OPTIONS";
  EXPECT_EQ(cors.judge(head), Verdict::kForward);
  auto get = preflight("https://shop.example.com");
  get.method = "GET";
  EXPECT_EQ(cors.judge(get), Verdict::kForward);
}

TEST(Cors, AnAnswerSaysWhatAnAllowedOriginMaySee) {
  const Cors cors = compiled(policy());
  http::HeaderMap headers;
  headers.add("Access-Control-Allow-Origin", "*");
  headers.add("Vary", "Accept");
  cors.add_answer_fields("https://shop.example.com", headers);
  EXPECT_EQ(lines(headers),
            "Access-Control-Allow-Origin: https://shop.example.com\n"
            "Vary: Accept\n"
            "Access-Control-Allow-Credentials: true\n"
            "Access-Control-Expose-Headers: X-Total, X-Page\n"
            "Vary: Origin\n");
}

TEST(Cors, AnAnswerToAnotherOriginOnlyVaries) {
  const Cors cors = compiled(policy());
  for (const char* origin : {"https://evil.test", ""}) {
    http::HeaderMap headers;
    cors.add_answer_fields(origin, headers);
    EXPECT_EQ(lines(headers), "Vary: Origin\n");
    cors.add_answer_fields(origin, headers);
    EXPECT_EQ(lines(headers), "Vary: Origin\n") << "once";
  }
}

}  // namespace
}  // namespace sluice::routing
