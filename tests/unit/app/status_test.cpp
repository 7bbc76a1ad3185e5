// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sample.hpp"

namespace sluice::app {
namespace {

StatusInput sample_input() {
  StatusInput input;
  input.version = "1.2.3";
  input.node = "node-a";
  input.objects = 5;
  input.snapshot = test::sample_snapshot();
  input.workers = test::sample_workers();
  input.listener_errors["192.0.2.1:8080"] = "not an address of this node";
  input.listener_retry = Milliseconds(2500);
  input.listener_connections["192.0.2.1:8080"] = 12;
  input.listener_defaults = {model::DesyncMode::kStrictest, 1024};
  health::ClusterView& health = input.health.emplace_back();
  health.key = test::kV1;
  health.ejected = 1;
  health.ejections_held_back = 2;
  health.overflows[static_cast<std::size_t>(health::Overflow::kRetries)] = 5;
  health::EndpointView& ejected = health.endpoints.emplace_back();
  ejected.address = SocketAddress{IpAddress::parse("10.1.0.3").value(), 8080};
  ejected.in_flight = 3;
  ejected.connections = 4;
  ejected.ejected = true;
  ejected.cause = health::Ejection::kGatewayErrors;
  ejected.returns_in = Milliseconds(1500);
  ejected.times_ejected = 2;
  input.interfaces.push_back(
      {"wg0", 11, 1420, datapath::AttachMode::kNone, false, "no Ethernet header"});
  input.maps = {{"lb_slots", 8, 16384}};
  input.probes.push_back({"tcx", false, false, "kernel 6.1 has none"});
  input.kernel_path = true;
  input.kernel_reason = "left over";
  model::Diagnostic diagnostic;
  diagnostic.severity = model::Severity::kUnsupported;
  diagnostic.code = "unsupported";
  diagnostic.message = "unsupported: spec.http[0].mirror";
  diagnostic.origin.file = "echo.yaml";
  diagnostic.origin.line = 24;
  input.diagnostics.push_back(diagnostic);
  return input;
}

TEST(StatusView, ListenersShowTierReasonAndError) {
  const v1::StatusReply reply = status_view(sample_input());
  EXPECT_EQ(reply.generation(), 7U);
  ASSERT_EQ(reply.listeners_size(), 2);
  const v1::ListenerStatus& any = reply.listeners(0);
  EXPECT_EQ(any.name(), "0.0.0.0:80");
  EXPECT_EQ(any.tier(), "request");
  EXPECT_FALSE(any.tier_reason().empty());
  EXPECT_EQ(any.virtual_hosts(), 1U);
  EXPECT_EQ(any.routes(), 3U);
  EXPECT_EQ(any.forwarded_headers(), "add");
  EXPECT_EQ(any.gateways(0), "default/echo-gateway");
  const v1::ListenerStatus& bound = reply.listeners(1);
  EXPECT_EQ(any.connections(), 0U);
  EXPECT_EQ(bound.connections(), 12U);
  EXPECT_EQ(bound.desync_mode(), "strictest");
  EXPECT_EQ(bound.max_body_bytes(), 1024U);
  EXPECT_EQ(bound.tier(), "connection");
  EXPECT_EQ(bound.tier_code(), "steerable");
  EXPECT_EQ(bound.steer_after(), "auto");
  EXPECT_EQ(bound.forwarded_headers(), "none");
  EXPECT_EQ(bound.error(), "not an address of this node");
  EXPECT_DOUBLE_EQ(bound.retry_seconds(), 2.5);
  EXPECT_DOUBLE_EQ(any.retry_seconds(), 0);
}

TEST(StatusView, ClustersCarryTheSumOfAllWorkers) {
  const v1::StatusReply reply = status_view(sample_input());
  ASSERT_EQ(reply.clusters_size(), 3);
  const v1::ClusterStatus& v1_cluster = reply.clusters(0);
  EXPECT_EQ(v1_cluster.key(), test::kV1);
  EXPECT_EQ(v1_cluster.picks(), 80U);
  EXPECT_EQ(v1_cluster.promotions(), 10U);
  EXPECT_EQ(v1_cluster.steered_turns(), 200U);
  ASSERT_EQ(v1_cluster.endpoints_size(), 2);
  EXPECT_EQ(v1_cluster.endpoints(0).address(), "10.1.0.3:8080");
  EXPECT_TRUE(v1_cluster.endpoints(0).ready());
  EXPECT_FALSE(v1_cluster.endpoints(1).ready());
  EXPECT_EQ(reply.steered_connections(), 8U);
  EXPECT_EQ(reply.adopted_connections(), 1U);
}

TEST(StatusView, EndpointsShowTheirHealthAndLoad) {
  const v1::StatusReply reply = status_view(sample_input());
  const v1::ClusterStatus& cluster = reply.clusters(0);
  EXPECT_EQ(cluster.ejected(), 1U);
  EXPECT_EQ(cluster.ejections_held_back(), 2U);
  ASSERT_EQ(cluster.overflows_size(), 1);
  EXPECT_EQ(cluster.overflows(0).reason(), "retries");
  EXPECT_EQ(cluster.overflows(0).count(), 5U);
  const v1::EndpointStatus& ejected = cluster.endpoints(0);
  EXPECT_TRUE(ejected.ejected());
  EXPECT_EQ(ejected.ejected_reason(), "consecutive_gateway");
  EXPECT_DOUBLE_EQ(ejected.ejected_seconds(), 1.5);
  EXPECT_EQ(ejected.times_ejected(), 2U);
  EXPECT_EQ(ejected.in_flight(), 3U);
  EXPECT_EQ(ejected.connections(), 4U);
  EXPECT_FALSE(cluster.endpoints(1).ejected());
  EXPECT_EQ(reply.clusters(1).ejected(), 0U);
}

TEST(StatusView, KernelSideDiagnosticsAndConditions) {
  StatusInput input = sample_input();
  v1::StatusReply reply = status_view(input);
  EXPECT_EQ(reply.interfaces(0).mode(), "none");
  EXPECT_EQ(reply.interfaces(0).reason(), "no Ethernet header");
  EXPECT_EQ(reply.maps(0).capacity(), 16384U);
  EXPECT_FALSE(reply.probes(0).ok());
  EXPECT_EQ(reply.kernel_reason(), "") << "a reason without a failure misleads";
  EXPECT_EQ(reply.diagnostics(0).severity(), "unsupported");
  EXPECT_EQ(reply.diagnostics(0).origin().line(), 24);
  ASSERT_EQ(reply.conditions_size(), 1);
  EXPECT_EQ(reply.conditions(0).type(), "no_endpoints");
  EXPECT_EQ(reply.conditions(0).cluster(), test::kGone);
  input.kernel_path = false;
  reply = status_view(input);
  EXPECT_EQ(reply.kernel_reason(), "left over");
}

TEST(StatusView, AnErrorOfAllListenersShowsOnEach) {
  StatusInput input = sample_input();
  input.listener_errors[kAllListeners] = "the listener map is full";
  const v1::StatusReply reply = status_view(input);
  EXPECT_EQ(reply.listeners(0).error(), "the listener map is full");
  EXPECT_EQ(reply.listeners(1).error(), "not an address of this node");
}

TEST(StatusView, WorksBeforeTheFirstGeneration) {
  StatusInput input;
  const v1::StatusReply reply = status_view(input);
  EXPECT_EQ(reply.generation(), 0U);
  EXPECT_EQ(reply.listeners_size(), 0);
}

}  // namespace
}  // namespace sluice::app
