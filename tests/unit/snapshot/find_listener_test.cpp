// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/snapshot/worlds.hpp"

namespace sluice::snapshot {
namespace {

std::string found(const SnapshotPtr& snapshot, const std::string& local) {
  const Listener* listener = snapshot->find_listener(SocketAddress::parse(local).value());
  return listener ? listener->config.name : "none";
}

TEST(FindListener, ExactBindBeforeAny) {
  model::World world;
  const auto add = [&](const std::string& name, const char* bind, std::uint16_t port) {
    model::Listener listener;
    listener.name = name;
    listener.port = port;
    if (bind) listener.bind = IpAddress::parse(bind);
    world.listeners.push_back(listener);
  };
  add("six", "2001:db8::1", 80);
  add("other", nullptr, 8080);
  add("four", "192.0.2.1", 80);
  add("any", nullptr, 80);
  add("unspecified", "0.0.0.0", 90);
  const auto snapshot = make(world);
  EXPECT_EQ(found(snapshot, "192.0.2.1:80"), "four");
  EXPECT_EQ(found(snapshot, "[2001:db8::1]:80"), "six");
  EXPECT_EQ(found(snapshot, "192.0.2.2:80"), "any");
  EXPECT_EQ(found(snapshot, "192.0.2.1:8080"), "other");
  EXPECT_EQ(found(snapshot, "192.0.2.1:90"), "unspecified");
  EXPECT_EQ(found(snapshot, "192.0.2.1:81"), "none");
  for (std::size_t i = 1; i < snapshot->listeners.size(); ++i) {
    EXPECT_LE(snapshot->listeners[i - 1]->config.port, snapshot->listeners[i]->config.port);
  }
}

TEST(FindListener, PortsForDatagramsAreOtherPorts) {
  model::World world;
  for (const char* protocol : {"UDP", "TCP"}) {
    model::Listener& listener = world.listeners.emplace_back();
    listener.name = protocol;
    listener.port = 53;
    listener.protocol = protocol;
  }
  const auto snapshot = make(world);
  const SocketAddress local = SocketAddress::parse("192.0.2.1:53").value();
  EXPECT_EQ(snapshot->find_listener(local)->config.name, "TCP");
  EXPECT_EQ(snapshot->find_listener(local, Transport::kUdp)->config.name, "UDP");
}

}  // namespace
}  // namespace sluice::snapshot
