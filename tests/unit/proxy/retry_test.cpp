// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/retry.hpp"

#include <gtest/gtest.h>

namespace sluice::proxy {
namespace {

using Policy = model::RetryPolicy;
using Failure = Retry::Failure;

http::RequestHead request(std::string_view method, std::string_view content_type = "") {
  http::RequestHead head;
  head.method = method;
  if (!content_type.empty()) head.headers.add("content-type", content_type);
  return head;
}

http::ResponseHead answer(std::uint16_t status, std::string_view name = "",
                          std::string_view value = "") {
  http::ResponseHead head;
  head.status = status;
  if (!name.empty()) head.headers.add(name, value);
  return head;
}

Policy on(std::uint32_t conditions) {
  Policy policy;
  policy.conditions = conditions;
  return policy;
}

Retry retry(const Policy& policy, const http::RequestHead& head) {
  Retry made;
  made.begin(policy, head);
  return made;
}

TEST(Retry, TheDefaultRepeatsWhatDidNotReachAnEndpointAndNothingElse) {
  const Policy policy;
  const Retry get = retry(policy, request("GET"));
  EXPECT_TRUE(get.wants(Failure::kConnect, true));
  EXPECT_FALSE(get.wants(Failure::kReset, false));
  EXPECT_FALSE(get.wants(answer(503)));
  EXPECT_FALSE(get.keeps_body());
  EXPECT_TRUE(retry(policy, request("POST")).wants(Failure::kConnect, true));
}

TEST(Retry, EachConditionNamesItsStatuses) {
  struct Row {
    std::uint32_t condition;
    std::uint16_t status;
    bool wanted;
  };
  for (const Row& row :
       {Row{Policy::k5xx, 500, true}, Row{Policy::k5xx, 503, true}, Row{Policy::k5xx, 499, false},
        Row{Policy::kGatewayError, 502, true}, Row{Policy::kGatewayError, 503, true},
        Row{Policy::kGatewayError, 504, true}, Row{Policy::kGatewayError, 500, false},
        Row{Policy::kGatewayError, 505, false}, Row{Policy::kRetriable4xx, 409, true},
        Row{Policy::kRetriable4xx, 404, false}, Row{Policy::kReset, 503, false},
        Row{Policy::kConnectFailure, 503, false}}) {
    const Policy policy = on(row.condition);
    EXPECT_EQ(retry(policy, request("GET")).wants(answer(row.status)), row.wanted)
        << row.condition << " " << row.status;
  }
}

TEST(Retry, StatusesAndHeadersOfThePolicyCount) {
  Policy policy = on(Policy::kRetriableStatusCodes | Policy::kRetriableHeaders);
  policy.statuses = {429};
  policy.headers = {"x-try-again"};
  const Retry get = retry(policy, request("GET"));
  EXPECT_TRUE(get.wants(answer(429)));
  EXPECT_FALSE(get.wants(answer(503)));
  EXPECT_TRUE(get.wants(answer(200, "X-Try-Again", "1")));
  EXPECT_FALSE(get.wants(answer(200, "X-Other", "1")));
}

TEST(Retry, ResetsAreCoveredByTheConditionsForTheStatusTheyWouldBecome) {
  for (const std::uint32_t condition : {Policy::kReset, Policy::k5xx, Policy::kGatewayError}) {
    const Policy policy = on(condition);
    EXPECT_TRUE(retry(policy, request("GET")).wants(Failure::kReset, false)) << condition;
  }
  const Policy before = on(Policy::kResetBeforeRequest);
  EXPECT_TRUE(retry(before, request("POST")).wants(Failure::kReset, true));
  EXPECT_FALSE(retry(before, request("GET")).wants(Failure::kReset, false));
}

TEST(Retry, AnUnsafeMethodIsRepeatedOnlyWhenUntouchedOrAskedFor) {
  const std::uint32_t conditions = Policy::k5xx | Policy::kReset;
  const Policy policy = on(conditions);
  for (const char* method : {"POST", "PATCH"}) {
    const Retry unsafe = retry(policy, request(method));
    EXPECT_FALSE(unsafe.wants(answer(503))) << method;
    EXPECT_FALSE(unsafe.wants(Failure::kReset, false)) << method;
    EXPECT_TRUE(unsafe.wants(Failure::kReset, true)) << method;
    EXPECT_FALSE(unsafe.keeps_body()) << method;
  }
  const Policy asked = on(conditions | Policy::kUnsafeMethods);
  const Retry post = retry(asked, request("POST"));
  EXPECT_TRUE(post.wants(answer(503)));
  EXPECT_TRUE(post.wants(Failure::kReset, false));
  EXPECT_TRUE(post.keeps_body());
}

TEST(Retry, AGrpcStatusThatIsNamedIsRepeatedForGrpcOnly) {
  const Policy policy = on(Policy::kGrpcUnavailable | Policy::kGrpcInternal);
  const Retry grpc = retry(policy, request("POST", "application/grpc+proto"));
  EXPECT_TRUE(grpc.wants(answer(200, "grpc-status", "14")));
  EXPECT_TRUE(grpc.wants(answer(200, "Grpc-Status", "13")));
  EXPECT_FALSE(grpc.wants(answer(200, "grpc-status", "4")));
  EXPECT_FALSE(grpc.wants(answer(200, "grpc-status", "0")));
  EXPECT_TRUE(grpc.keeps_body());
  EXPECT_FALSE(
      retry(policy, request("POST", "text/plain")).wants(answer(200, "grpc-status", "14")));
}

TEST(Retry, ThereAreAsManyAttemptsAsThePolicySays) {
  Policy policy = on(Policy::k5xx);
  policy.attempts = 2;
  Retry get = retry(policy, request("GET"));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(get.wants(answer(500)));
    (void)get.next_delay(0);
  }
  EXPECT_FALSE(get.wants(answer(500)));
  policy.attempts = 0;
  EXPECT_FALSE(retry(policy, request("GET")).wants(Failure::kConnect, true));
}

TEST(Retry, TheWaitDoublesUpToTenTimesAndIsSpread) {
  Policy policy = on(Policy::k5xx);
  policy.attempts = 100;
  policy.backoff = Milliseconds(25);
  Retry get = retry(policy, request("GET"));
  for (const int most : {25, 50, 100, 200, 250, 250}) {
    Retry shortest = get;
    EXPECT_EQ(shortest.next_delay(0), Milliseconds(1));
    EXPECT_EQ(get.next_delay(static_cast<std::uint64_t>(most) - 1), Milliseconds(most));
  }
}

}  // namespace
}  // namespace sluice::proxy
