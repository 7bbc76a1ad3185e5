// SPDX-License-Identifier: Apache-2.0
// Datapath on interfaces that come and go, in a network namespace of the test's own.
#include "tests/unit/datapath/kernel_test.hpp"

namespace sluice::datapath {
namespace {

class AttachTest : public KernelTest {};

TEST_F(AttachTest, AttachesByTcxToWhatIsThereAndToWhatComes) {
  ASSERT_TRUE(Sandbox::run("ip link add first type veth peer name other"));
  auto datapath = open();
  ASSERT_TRUE(datapath);
  EXPECT_EQ(status_of(*datapath, "first").mode, AttachMode::kTcx);
  EXPECT_EQ(status_of(*datapath, "lo").mode, AttachMode::kNone);
  EXPECT_NE(status_of(*datapath, "lo").reason, "");

  ASSERT_TRUE(Sandbox::run("ip link add second type veth peer name other2"));
  follow(*datapath);
  EXPECT_EQ(status_of(*datapath, "second").mode, AttachMode::kTcx);
  ASSERT_TRUE(Sandbox::run("ip link del second"));
  follow(*datapath);
  EXPECT_FALSE(listed(*datapath, "second"));
}

TEST_F(AttachTest, SeesThatAPeerIsInAnotherNamespace) {
  ASSERT_TRUE(Sandbox::run("ip link add pod type veth peer name inside"));
  auto datapath = open();
  ASSERT_TRUE(datapath);
  EXPECT_FALSE(status_of(*datapath, "pod").peer_redirect);
  ASSERT_TRUE(Sandbox::run("ip link set inside netns " + sandbox_->other_namespace()));
  follow(*datapath);
  EXPECT_TRUE(status_of(*datapath, "pod").peer_redirect);
  EXPECT_EQ(status_of(*datapath, "pod").mode, AttachMode::kTcx);
}

// A node that is a container has a veth as its uplink; what is behind that is a bridge, not a pod.
TEST_F(AttachTest, NeverEntersThePeerOfAnInterfaceThatLeadsOn) {
  const auto with_peer_elsewhere = [this](const std::string& name) {
    ASSERT_TRUE(Sandbox::run("ip link add " + name + " type veth peer name " + name +
                             "p && ip link set " + name + "p netns " + sandbox_->other_namespace() +
                             " && ip link set " + name + " up"));
  };
  for (const char* name : {"pod", "net", "gate", "later", "multi"}) with_peer_elsewhere(name);
  ASSERT_TRUE(Sandbox::run("ip route add 10.9.0.2 dev pod && ip -6 route add fd09::2 dev pod"));
  ASSERT_TRUE(Sandbox::run("ip route add 10.9.1.0/24 dev net"));
  ASSERT_TRUE(Sandbox::run("ip -6 route add fd09::5 via fe80::1 dev gate"));
  ASSERT_TRUE(Sandbox::run(
      "ip route add 10.9.3.1 dev multi && ip route add 10.9.2.9 nexthop via 10.9.3.1 dev multi "
      "nexthop via 10.9.0.2 dev lo onlink"));
  auto datapath = open();
  ASSERT_TRUE(datapath);
  EXPECT_TRUE(status_of(*datapath, "pod").peer_redirect);
  EXPECT_FALSE(status_of(*datapath, "net").peer_redirect);
  EXPECT_FALSE(status_of(*datapath, "gate").peer_redirect);
  EXPECT_FALSE(status_of(*datapath, "multi").peer_redirect);
  EXPECT_TRUE(status_of(*datapath, "later").peer_redirect);
  ASSERT_TRUE(Sandbox::run("ip route add default dev later"));
  follow(*datapath);
  EXPECT_FALSE(status_of(*datapath, "later").peer_redirect);
}

TEST_F(AttachTest, LeavesIgnoredInterfacesAlone) {
  ASSERT_TRUE(Sandbox::run("ip link add cali1 type veth peer name eth7"));
  options_.ignore_interfaces = {"cali*"};
  auto datapath = open();
  ASSERT_TRUE(datapath);
  EXPECT_EQ(status_of(*datapath, "cali1").mode, AttachMode::kNone);
  EXPECT_EQ(status_of(*datapath, "cali1").reason, "ignored by configuration");
  EXPECT_EQ(status_of(*datapath, "eth7").mode, AttachMode::kTcx);
}

TEST_F(AttachTest, UsesClsactOnRequestAndReplacesItsOwnFilterOnly) {
  ASSERT_TRUE(Sandbox::run("ip link add east type veth peer name west"));
  options_.prefer_tcx = false;
  auto datapath = open();
  ASSERT_TRUE(datapath);
  EXPECT_EQ(status_of(*datapath, "east").mode, AttachMode::kClsact);
  ASSERT_TRUE(Sandbox::run("tc filter show dev east ingress | grep -q lb_ingress"));
  ASSERT_TRUE(Sandbox::run("tc filter show dev east egress | grep -q lb_egress"));
  datapath.reset();
  datapath = open();  // a restart: still exactly one
  ASSERT_TRUE(datapath);
  ASSERT_TRUE(Sandbox::run("test $(tc filter show dev east ingress | grep -c lb_ingress) = 1"));
  datapath->detach_all();
  ASSERT_TRUE(Sandbox::run("! tc filter show dev east ingress | grep -q lb_ingress"));
}

TEST_F(AttachTest, ReplacesClsactByTcxAfterAnUpgrade) {
  ASSERT_TRUE(Sandbox::run("ip link add east type veth peer name west"));
  options_.prefer_tcx = false;
  open().reset();
  options_.prefer_tcx = true;
  auto datapath = open();
  ASSERT_TRUE(datapath);
  EXPECT_EQ(status_of(*datapath, "east").mode, AttachMode::kTcx);
  EXPECT_TRUE(Sandbox::run("! tc filter show dev east ingress | grep -q lb_ingress"));
}

TEST_F(AttachTest, DoesNotTakeAnotherToolsFilterAway) {
  ASSERT_TRUE(
      Sandbox::run("ip link add east type veth peer name west && tc qdisc add dev east clsact && "
                   "tc filter add dev east ingress prio 20942 handle 0x51ce protocol all "
                   "bpf bytecode '1,6 0 0 0' flowid 1:1"));
  options_.prefer_tcx = false;
  auto datapath = open();
  ASSERT_TRUE(datapath);
  EXPECT_TRUE(Sandbox::run("tc filter show dev east ingress | grep -q bytecode"));
  EXPECT_EQ(status_of(*datapath, "east").mode, AttachMode::kNone);
  EXPECT_NE(status_of(*datapath, "east").reason.find("taken by"), std::string::npos)
      << status_of(*datapath, "east").reason;
  datapath->detach_all();
  EXPECT_TRUE(Sandbox::run("tc filter show dev east ingress | grep -q bytecode"));
}

}  // namespace
}  // namespace sluice::datapath
