// SPDX-License-Identifier: Apache-2.0
// ProxyTest: a worker with real sockets on loopback, in front of scripted upstreams. Thread: the test's.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "agent/net/socket.hpp"
#include "agent/proxy/worker.hpp"
#include "tests/integration/proxy/peer.hpp"
#include "tests/integration/proxy/testing_world.hpp"

namespace sluice::proxy::testing {

class ProxyTest : public ::testing::Test {
 protected:
  // Starts a worker in front of `world_`, whose port it chooses.
  void start(Worker::SteeringFactory steering = nullptr) {
    auto socket = make_listening_socket(IpAddress::parse("127.0.0.1"), 0);
    ASSERT_TRUE(socket) << socket.error().message;
    address_ = net::local_address(socket->get());
    world_.port = address_.port;
    auto worker = Worker::create(options_, clock_, std::move(steering));
    ASSERT_TRUE(worker) << worker.error().message;
    worker_ = std::move(*worker);
    worker_->start();
    worker_->publish(make_snapshot(world_));
    worker_->add_listening_socket(std::move(*socket));
  }
  void start(const ScriptedUpstream& upstream) {
    world_.subsets = {{.endpoints = {upstream.address()}}};
    start();
  }
  void TearDown() override {
    if (worker_) worker_->stop(Milliseconds(0));
  }

  [[nodiscard]] Peer client(int receive_buffer = 0) {
    return Peer::connect(address_, receive_buffer);
  }
  [[nodiscard]] WorkerReport report() {
    auto copy = worker_->report(Milliseconds(10'000));
    EXPECT_TRUE(copy);
    return copy ? *copy : WorkerReport();
  }
  [[nodiscard]] std::uint64_t count(Ending ending) {
    return report().endings[static_cast<std::size_t>(ending)];
  }
  // Asks again until the condition holds; for what the worker does after the client has its answer.
  template <typename Condition>
  [[nodiscard]] bool eventually(Condition condition) {
    const TimePoint end = clock_.now() + std::chrono::seconds(60);
    while (clock_.now() < end) {
      if (condition(report())) return true;
      std::this_thread::yield();
    }
    return false;
  }
  // One request on a connection of its own.
  [[nodiscard]] std::optional<Message> ask(const std::string& request, bool bodiless = false) {
    Peer peer = client();
    if (!peer.send(request)) return std::nullopt;
    return peer.read_message(bodiless);
  }

  const SteadyClock clock_;
  WorkerOptions options_;
  WorldOptions world_;
  SocketAddress address_;
  std::unique_ptr<Worker> worker_;
};

inline const std::string kGet = "GET / HTTP/1.1\r\nHost: echo.test\r\n\r\n";

}  // namespace sluice::proxy::testing
