// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster/programmed.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::cluster {
namespace {

config::GatewayStatus gateway() {
  config::GatewayStatus out;
  out.target = {"gateway.networking.k8s.io/v1", "Gateway", "default", "g", 4};
  out.conditions = {{"Accepted", true, "Accepted", ""}, {"Programmed", true, "Programmed", ""}};
  config::ListenerStatus listener;
  listener.name = "http";
  listener.conditions = {{"Programmed", true, "Programmed", ""}};
  out.listeners = {listener};
  out.addresses = {{"IPAddress", "10.0.0.1"}};
  return out;
}

AddressGrant granted(const std::string& address) {
  AddressGrant out;
  out.addresses = {*IpAddress::parse(address)};
  return out;
}

const config::Condition& condition(const Decision& decision, const std::string& type) {
  return *std::ranges::find(decision.status.conditions, type, &config::Condition::type);
}

TEST(Programmed, HoldsOnceEveryAgentHasExactlyThatInForce) {
  const std::string word = acknowledgement(gateway());
  Acknowledged agents{{"node0", {word}}, {"node1", {}}};
  Decision decision = decide(gateway(), granted("10.0.0.1"), agents);
  EXPECT_FALSE(condition(decision, "Programmed").holds);
  EXPECT_EQ(condition(decision, "Programmed").reason, "Pending");
  EXPECT_EQ(condition(decision, "Programmed").message, "not yet in force on node1");
  EXPECT_FALSE(decision.status.listeners[0].conditions[0].holds);
  EXPECT_TRUE(decision.waiting);
  agents["node1"].insert(word);
  decision = decide(gateway(), granted("10.0.0.1"), agents);
  EXPECT_TRUE(condition(decision, "Programmed").holds);
  EXPECT_TRUE(decision.status.listeners[0].conditions[0].holds);
  EXPECT_FALSE(decision.waiting);
}

TEST(Programmed, AnotherGenerationOrAddressIsAnotherThing) {
  const Acknowledged agents{{"node0", {acknowledgement(gateway())}}};
  auto newer = gateway();
  newer.target.generation = 5;
  EXPECT_TRUE(decide(newer, granted("10.0.0.1"), agents).waiting);
  EXPECT_TRUE(decide(gateway(), granted("10.0.0.2"), agents).waiting);
  EXPECT_TRUE(decide(gateway(), granted("10.0.0.1"), {}).waiting) << "without any agent";
}

TEST(Programmed, SaysWhyThereIsNoAddress) {
  AddressGrant grant;
  grant.reason = "AddressNotUsable";
  grant.message = "taken";
  Decision decision = decide(gateway(), grant, {});
  EXPECT_EQ(condition(decision, "Programmed").reason, "AddressNotUsable");
  EXPECT_TRUE(condition(decision, "Accepted").holds);
  EXPECT_TRUE(decision.status.addresses.empty());
  grant.unsupported = true;
  grant.reason = "UnsupportedAddress";
  decision = decide(gateway(), grant, {});
  EXPECT_FALSE(condition(decision, "Accepted").holds);
  EXPECT_EQ(condition(decision, "Accepted").reason, "UnsupportedAddress");
  EXPECT_FALSE(condition(decision, "Programmed").holds);
}

TEST(Programmed, AGatewayThatCannotBeServedSaysSoItself) {
  auto broken = gateway();
  broken.conditions[1] = {"Programmed", false, "Invalid", "no listener"};
  const Decision decision = decide(broken, granted("10.0.0.1"), {});
  EXPECT_EQ(condition(decision, "Programmed").message, "no listener");
  EXPECT_FALSE(decision.waiting);
}

TEST(Acknowledgements, LeaveOutWhatThisAgentCannotServe) {
  config::StatusReport report;
  report.gateways = {gateway()};
  EXPECT_EQ(acknowledgements(report, {}), acknowledgement(gateway()));
  EXPECT_EQ(acknowledgements(report, {"default/g"}), "");
}

}  // namespace
}  // namespace sluice::cluster
