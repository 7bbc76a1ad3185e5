// SPDX-License-Identifier: Apache-2.0
// Connections to a listener's port reach a worker's socket, whatever that one is bound to.
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <map>

#include "agent/base/unique_fd.hpp"
#include "bpf/abi/counters.h"
#include "tests/unit/datapath/kernel_test.hpp"

namespace sluice::datapath {
namespace {

// Dual stack, on a port that the kernel picks.
UniqueFd listening_socket() {
  UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int off = 0;
  EXPECT_EQ(::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off), 0);
  EXPECT_EQ(::listen(fd.get(), 64), 0);
  return fd;
}

// 0 or errno.
int try_connect(const char* address, std::uint16_t port) {
  const SocketAddress target{.ip = *IpAddress::parse(address), .port = port};
  sockaddr_storage storage{};
  const socklen_t size = target.to_sockaddr(storage);
  const UniqueFd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) == 0 ? 0 : errno;
}

int accept_all(const UniqueFd& listener) {
  int count = 0;
  while (true) {
    const UniqueFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK));
    pollfd ready{.fd = listener.get(), .events = POLLIN, .revents = 0};
    if (accepted) ++count;
    if (::poll(&ready, 1, 0) <= 0) return count;
  }
}

class ListenerTest : public KernelTest {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (IsSkipped()) return;
    options_.workers = 2;
    datapath_ = open();
    ASSERT_TRUE(datapath_);
    ASSERT_TRUE(datapath_->sync_listeners({{.port = 80}}));
  }
  std::uint64_t counted(lb_counter counter) { return datapath_->counters()[counter]; }

  std::unique_ptr<Datapath> datapath_;
};

TEST_F(ListenerTest, SpreadsConnectionsOfBothFamiliesOverTheWorkers) {
  const UniqueFd first = listening_socket();
  const UniqueFd second = listening_socket();
  ASSERT_TRUE(datapath_->set_worker_socket(0, first.get()));
  ASSERT_TRUE(datapath_->set_worker_socket(1, second.get()));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(try_connect("127.0.0.1", 80), 0);
    EXPECT_EQ(try_connect("::1", 80), 0);
  }
  const int here = accept_all(first);
  const int there = accept_all(second);
  EXPECT_EQ(here + there, 40);
  EXPECT_GT(here, 4);
  EXPECT_GT(there, 4);
  EXPECT_EQ(counted(LB_COUNT_LOOKUP_ASSIGNED), 40U);
}

TEST_F(ListenerTest, AWorkerWithoutASocketIsPassedOver) {
  const UniqueFd only = listening_socket();
  ASSERT_TRUE(datapath_->set_worker_socket(1, only.get()));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(try_connect("127.0.0.1", 80), 0);
  EXPECT_EQ(accept_all(only), 10);
}

TEST_F(ListenerTest, EachFamilyMayHaveASocketOfItsOwn) {
  const UniqueFd six = listening_socket();
  const UniqueFd four(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::listen(four.get(), 64), 0);
  ASSERT_TRUE(datapath_->set_worker_socket(0, six.get()));
  ASSERT_TRUE(datapath_->set_worker_socket(0, four.get()));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(try_connect("127.0.0.1", 80), 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(try_connect("::1", 80), 0);
  EXPECT_EQ(accept_all(four), 5);
  EXPECT_EQ(accept_all(six), 3);
}

TEST_F(ListenerTest, WithoutAnySocketTheStackRefuses) {
  EXPECT_EQ(try_connect("127.0.0.1", 80), ECONNREFUSED);
  EXPECT_EQ(counted(LB_COUNT_LOOKUP_NO_SOCKET), 1U);
}

TEST_F(ListenerTest, ListenersComeAndGoWithoutTouchingTheSocket) {
  const UniqueFd socket = listening_socket();
  ASSERT_TRUE(datapath_->set_worker_socket(0, socket.get()));
  EXPECT_EQ(try_connect("127.0.0.1", 81), ECONNREFUSED);
  ASSERT_TRUE(datapath_->sync_listeners({{.port = 81}, {.port = 82}}));
  EXPECT_EQ(try_connect("127.0.0.1", 81), 0);
  EXPECT_EQ(try_connect("127.0.0.1", 82), 0);
  EXPECT_EQ(try_connect("127.0.0.1", 80), ECONNREFUSED);
  ASSERT_TRUE(datapath_->sync_listeners({}));
  EXPECT_EQ(try_connect("127.0.0.1", 81), ECONNREFUSED);
}

TEST_F(ListenerTest, AnAddressOfItsOwnIsKept) {
  const UniqueFd socket = listening_socket();
  ASSERT_TRUE(datapath_->set_worker_socket(0, socket.get()));
  ASSERT_TRUE(datapath_->sync_listeners({{.bind = IpAddress::parse("127.0.0.2"), .port = 80},
                                         {.bind = IpAddress::parse("::1"), .port = 80}}));
  EXPECT_EQ(try_connect("127.0.0.2", 80), 0);
  EXPECT_EQ(try_connect("::1", 80), 0);
  EXPECT_EQ(try_connect("127.0.0.1", 80), ECONNREFUSED);
}

TEST_F(ListenerTest, OtherSocketsOfTheNodeKeepTheirConnections) {
  const UniqueFd other = listening_socket();
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  ASSERT_EQ(::getsockname(other.get(), reinterpret_cast<sockaddr*>(&storage), &size), 0);
  EXPECT_EQ(try_connect("127.0.0.1", SocketAddress::from_sockaddr(storage).port), 0);
  EXPECT_EQ(accept_all(other), 1);
  EXPECT_EQ(counted(LB_COUNT_LOOKUP_ASSIGNED), 0U);
}

TEST_F(ListenerTest, TheSocketOfAnUnknownWorkerIsRefused) {
  const UniqueFd socket = listening_socket();
  EXPECT_FALSE(datapath_->set_worker_socket(2, socket.get()));
  EXPECT_FALSE(datapath_->set_worker_socket(0, -1));
}

}  // namespace
}  // namespace sluice::datapath
