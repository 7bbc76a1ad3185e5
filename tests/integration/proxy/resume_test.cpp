// SPDX-License-Identifier: Apache-2.0
// Connections that come back from the kernel. The kernel is a fake: it keeps the sockets that it is given and gives
// them back when the test says so, together with what the client would have sent.
#include <fcntl.h>
#include <sys/socket.h>

#include <mutex>

#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

// Shared by the test and the fake, which lives in the worker's thread.
struct Kernel {
  std::mutex mutex;
  std::vector<std::pair<UniqueFd, SteerUpstream>> carried;
  std::vector<Promotion> promotions;
  SteeringUser* user = nullptr;
  net::Reactor* reactor = nullptr;
  std::atomic<bool> wants{true};
  std::atomic<int> closed{0};  // endpoints' ends
};

class FakeSteering final : public Steering {
 public:
  FakeSteering(std::shared_ptr<Kernel> kernel, net::Reactor& reactor) : kernel_(std::move(kernel)) {
    kernel_->reactor = &reactor;
  }
  std::uint32_t listener_id(const std::string&) override { return 0; }
  bool wants(std::uint32_t, const model::SteerAfter&, std::uint64_t) override {
    return kernel_->wants;
  }
  void connection_finished(std::uint32_t, std::uint64_t) override {}
  Result<SteerUpstream> connect_upstream(const SocketAddress& endpoint, std::uint16_t mss,
                                         const std::optional<IpAddress>& /*client*/) override {
    auto fd = net::connect_tcp(endpoint);
    if (!fd) return tl::unexpected(fd.error());
    return SteerUpstream{std::move(*fd), 40'000, endpoint, mss};
  }
  void close_upstream(SteerUpstream upstream, bool) override {
    EXPECT_TRUE(upstream.fd.valid());
    ++kernel_->closed;
  }
  std::uint16_t upstream_mss_for(int, const SocketAddress&) override { return 0; }
  PromoteResult promote(const Promotion& promotion, UniqueFd& client,
                        SteerUpstream& upstream) override {
    const std::lock_guard lock(kernel_->mutex);
    kernel_->promotions.push_back(promotion);
    kernel_->carried.emplace_back(std::move(client), std::move(upstream));
    return {PromoteOutcome::kPromoted, Refusal::kSystem};
  }
  void set_user(SteeringUser* user) override { kernel_->user = user; }

 private:
  std::shared_ptr<Kernel> kernel_;
};

class ResumeTest : public ProxyTest {
 protected:
  void SetUp() override {
    world_.subsets = {{.endpoints = {upstream_.address()}}};
    world_.kernel_path = true;
    start([kernel = kernel_](net::Reactor& reactor) {
      return std::make_unique<FakeSteering>(kernel, reactor);
    });
    peer_ = std::make_unique<Peer>(client());
    ASSERT_TRUE(peer_->send(kGet));
    ASSERT_TRUE(carried(1));
    // The test stands in for the old endpoint: its end of the connection is what the proxy gets as `endpoint`.
    std::array<int, 2> fds{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
    old_ = std::make_unique<Peer>(UniqueFd(fds[0]));
    old_end_ = UniqueFd(fds[1]);
    ASSERT_EQ(::fcntl(old_end_.get(), F_SETFL, O_NONBLOCK), 0);
    kernel_->wants = false;
  }

  [[nodiscard]] bool carried(std::size_t promotions) {
    return eventually([&](const WorkerReport&) {
      const std::lock_guard lock(kernel_->mutex);
      return kernel_->promotions.size() == promotions;
    });
  }
  // As the kernel would: with what the client has sent since.
  void give_back(const std::string& input, std::uint64_t requests = 7) {
    auto returned = std::make_shared<Returned>();
    {
      const std::lock_guard lock(kernel_->mutex);
      returned->client = std::move(kernel_->carried.at(0).first);
    }
    returned->peer = net::local_address(peer_->fd());
    returned->local = address_;
    returned->input = input;
    returned->endpoint = {std::move(old_end_), 40'000, upstream_.address(), 0};
    returned->requests = requests;
    ASSERT_TRUE(kernel_->reactor->post(
        [kernel = kernel_, returned] { kernel->user->returned(std::move(*returned)); }));
  }
  void expect_hello() {
    const auto answer = peer_->read_message();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "hello");
  }

  ScriptedUpstream upstream_{answering([](const Message&) { return ok("hello"); })};
  std::shared_ptr<Kernel> kernel_ = std::make_shared<Kernel>();
  std::unique_ptr<Peer> peer_;
  std::unique_ptr<Peer> old_;
  UniqueFd old_end_;
};

TEST_F(ResumeTest, TheRequestThatCameWithItIsServedAndSoAreThoseBehindIt) {
  give_back(kGet);
  expect_hello();
  ASSERT_TRUE(peer_->send(kGet));
  expect_hello();
  EXPECT_TRUE(old_->at_end()) << "the old endpoint's connection ends when the next answer begins";
  EXPECT_EQ(report().connections_open, 1U);
  EXPECT_EQ(report().connections_accepted, 1U) << "it was counted when it came";
}

TEST_F(ResumeTest, ItIsHandedOverAgainWithTheRightCounts) {
  kernel_->wants = true;
  give_back(kGet);
  ASSERT_TRUE(carried(2));
  const Promotion seen = kernel_->promotions.at(1);
  EXPECT_EQ(seen.request_number, 8U) << "requests are counted on";
  EXPECT_EQ(seen.client_received, kGet.size()) << "from the return on, `input` included";
  EXPECT_EQ(seen.client_sent, 0U);
  EXPECT_TRUE(old_->at_end());
}

TEST_F(ResumeTest, HalfARequestWaitsForTheRest) {
  give_back(kGet.substr(0, 9));
  ASSERT_TRUE(peer_->send(kGet.substr(9)));
  expect_hello();
}

TEST_F(ResumeTest, ItCountsAmongTheConnectionsOfItsListener) {
  give_back("");
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 1; }));
  peer_->close();
  EXPECT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 0; }));
  EXPECT_TRUE(old_->at_end()) << "both ends go together";
}

TEST_F(ResumeTest, TheRestOfAnAnswerThatPausedIsPassedOn) {
  give_back("");
  ASSERT_TRUE(old_->send("rest of a body"));
  EXPECT_EQ(peer_->read_exactly(14), "rest of a body");
  ASSERT_TRUE(peer_->send(kGet));
  expect_hello();
}

TEST_F(ResumeTest, TheEndOfAnAnswerThatWasPassedOnEndsTheClientsConnection) {
  give_back("");
  ASSERT_TRUE(old_->send("rest"));
  EXPECT_EQ(peer_->read_exactly(4), "rest");
  old_->close();
  EXPECT_TRUE(peer_->at_end());
  EXPECT_TRUE(peer_->ended_cleanly());
}

TEST_F(ResumeTest, AnOldEndpointThatClosesAnIdleConnectionIsNotTheClientsConcern) {
  give_back("");
  old_->close();
  ASSERT_TRUE(eventually([this](const WorkerReport&) { return kernel_->closed == 1; }));
  ASSERT_TRUE(peer_->send(kGet));
  expect_hello();
}

TEST_F(ResumeTest, ALateAnswerNeverReachesWhoeverAskedForAnother) {
  give_back(kGet.substr(0, 9));  // the next request is under way
  ASSERT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 1; }));
  ASSERT_TRUE(old_->send(ok("somebody else's")));
  EXPECT_TRUE(peer_->at_end());
  EXPECT_FALSE(peer_->ended_cleanly()) << "with an RST";
  EXPECT_EQ(count(Ending::kLateAnswer), 1U);
}

TEST_F(ResumeTest, AnOldEndpointThatClosesDuringARequestSaysNothingWrong) {
  give_back(kGet.substr(0, 9));
  old_->close();
  ASSERT_TRUE(eventually([this](const WorkerReport&) { return kernel_->closed == 1; }));
  ASSERT_TRUE(peer_->send(kGet.substr(9)));
  expect_hello();
}

TEST_F(ResumeTest, WhatBeginsLikeNoRequestGoesToTheOldEndpoint) {
  give_back("the rest of an upload\r\n");
  EXPECT_EQ(old_->read_exactly(23), "the rest of an upload\r\n");
  ASSERT_TRUE(peer_->send("and more"));
  EXPECT_EQ(old_->read_exactly(8), "and more");
  ASSERT_TRUE(old_->send("answered"));
  EXPECT_EQ(peer_->read_exactly(8), "answered");
  EXPECT_EQ(report().returned_opaque, 1U);
  EXPECT_EQ(report().connections_open, 1U);
  peer_->half_close();
  EXPECT_TRUE(old_->at_end());
  ASSERT_TRUE(old_->send("bye"));
  old_->close();
  EXPECT_EQ(peer_->read_exactly(3), "bye");
  EXPECT_TRUE(peer_->at_end());
  EXPECT_TRUE(peer_->ended_cleanly());
  EXPECT_TRUE(eventually([](const WorkerReport& r) { return r.connections_open == 0; }));
}

TEST_F(ResumeTest, WhatIsNoRequestIsToldAlsoWhenItComesLater) {
  give_back("");
  ASSERT_TRUE(peer_->send("{\"the rest\": 1}"));
  EXPECT_EQ(old_->read_exactly(15), "{\"the rest\": 1}");
}

TEST_F(ResumeTest, ADrainEndsAConnectionThatIsJoinedToItsOldEndpoint) {
  give_back("no request\r\n");
  EXPECT_EQ(old_->read_exactly(12), "no request\r\n");
  worker_->stop(Milliseconds(50));
  EXPECT_TRUE(peer_->at_end());
  EXPECT_FALSE(peer_->ended_cleanly());
  EXPECT_EQ(kernel_->closed, 1);
}

}  // namespace
}  // namespace sluice::proxy::testing
