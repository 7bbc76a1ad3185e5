// SPDX-License-Identifier: Apache-2.0
#include "agent/app/flow_filter.hpp"

#include <gtest/gtest.h>

namespace sluice::app {
namespace {

proxy::Carried carried(const char* client, const char* endpoint) {
  proxy::Carried out;
  out.client = *SocketAddress::parse(client);
  out.endpoint = *SocketAddress::parse(endpoint);
  return out;
}

bool matches(const std::string& client, const std::string& endpoint, bool all = false) {
  control::v1::MoveFlowsRequest request;
  request.set_client(client);
  request.set_endpoint(endpoint);
  request.set_all(all);
  const auto filter = flow_filter(request);
  EXPECT_TRUE(filter) << filter.error().message;
  return filter && (*filter)(carried("192.0.2.7:4000", "[2001:db8::9]:80"));
}

TEST(FlowFilter, AnAddressMeansAllItsPorts) {
  EXPECT_TRUE(matches("192.0.2.7", ""));
  EXPECT_FALSE(matches("192.0.2.8", ""));
  EXPECT_TRUE(matches("", "2001:db8::9"));
  EXPECT_FALSE(matches("", "2001:db8::8"));
}

TEST(FlowFilter, AnAddressWithAPortMeansThatOne) {
  EXPECT_TRUE(matches("192.0.2.7:4000", ""));
  EXPECT_FALSE(matches("192.0.2.7:4001", ""));
  EXPECT_TRUE(matches("", "[2001:db8::9]:80"));
}

TEST(FlowFilter, BothConditionsHold) {
  EXPECT_TRUE(matches("192.0.2.7", "2001:db8::9"));
  EXPECT_FALSE(matches("192.0.2.7", "2001:db8::8"));
  EXPECT_TRUE(matches("", "", true));
}

TEST(FlowFilter, WhatMeansNothingIsRefused) {
  control::v1::MoveFlowsRequest request;
  EXPECT_FALSE(flow_filter(request)) << "everything must be asked for in so many words";
  request.set_endpoint("echo-1");
  const auto filter = flow_filter(request);
  ASSERT_FALSE(filter);
  EXPECT_EQ(filter.error().code, ErrorCode::kInvalid);
  EXPECT_NE(filter.error().message.find("echo-1"), std::string::npos);
}

}  // namespace
}  // namespace sluice::app
