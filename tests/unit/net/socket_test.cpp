// SPDX-License-Identifier: Apache-2.0
#include "agent/net/socket.hpp"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <cerrno>

namespace sluice::net {
namespace {

const IpAddress kLoopback = *IpAddress::parse("127.0.0.1");

void wait_for(int fd, short events) {
  pollfd entry{fd, events, 0};
  ASSERT_EQ(poll(&entry, 1, 5000), 1);
}

TEST(Socket, ListensOnAPortOfTheKernelsChoiceAndConnects) {
  const auto listener = listen_tcp(kLoopback, 0);
  ASSERT_TRUE(listener) << listener.error().message;
  const SocketAddress address = local_address(listener->get());
  EXPECT_NE(address.port, 0);
  const auto client = connect_tcp(address);
  ASSERT_TRUE(client);
  wait_for(client->get(), POLLOUT);
  EXPECT_EQ(pending_error(client->get()), 0);
  wait_for(listener->get(), POLLIN);
  const UniqueFd server(accept4(listener->get(), nullptr, nullptr, SOCK_NONBLOCK));
  ASSERT_TRUE(server);
  EXPECT_EQ(peer_address(server.get()), local_address(client->get()));
  int no_delay = 0;
  socklen_t size = sizeof(no_delay);
  getsockopt(server.get(), IPPROTO_TCP, TCP_NODELAY, &no_delay, &size);
  EXPECT_NE(no_delay, 0);
}

TEST(Socket, SeveralListenersShareAPort) {
  const auto first = listen_tcp(kLoopback, 0);
  ASSERT_TRUE(first);
  EXPECT_TRUE(listen_tcp(kLoopback, local_address(first->get()).port));
}

// As after the kill of an agent whose connections were accepted by other sockets (of sk_lookup): in TIME_WAIT here.
TEST(Socket, AClosingConnectionDoesNotKeepAPortFromBeingServedAgain) {
  UniqueFd plain(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;  // as the kernel path's sockets have it, but not SO_REUSEPORT
  ASSERT_EQ(setsockopt(plain.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
  sockaddr_storage storage{};
  const socklen_t size = SocketAddress{kLoopback, 0}.to_sockaddr(storage);
  ASSERT_EQ(bind(plain.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
  ASSERT_EQ(listen(plain.get(), 1), 0);
  const SocketAddress address = local_address(plain.get());
  auto client = connect_tcp(address);
  ASSERT_TRUE(client);
  UniqueFd server(accept4(plain.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(server);
  server.reset();  // first: TIME_WAIT is on the server's port
  wait_for(client->get(), POLLIN);
  client->reset();
  plain.reset();
  const auto again = listen_tcp(kLoopback, address.port);
  EXPECT_TRUE(again) << again.error().message;
}

TEST(Socket, WithoutAnAddressIpv4ClientsAreServed) {
  const auto listener = listen_tcp(std::nullopt, 0);
  ASSERT_TRUE(listener);
  const auto client = connect_tcp({kLoopback, local_address(listener->get()).port});
  ASSERT_TRUE(client);
  wait_for(listener->get(), POLLIN);
  const UniqueFd server(accept4(listener->get(), nullptr, nullptr, 0));
  EXPECT_EQ(local_address(server.get()).ip, kLoopback);
}

TEST(Socket, AnAddressThatIsNotOursIsAnErrorThatNamesIt) {
  const auto listener = listen_tcp(IpAddress::parse("192.0.2.1"), 81);
  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().message.find("192.0.2.1:81"), std::string::npos);
}

TEST(Socket, ResetOnCloseReachesThePeer) {
  const auto listener = listen_tcp(kLoopback, 0);
  ASSERT_TRUE(listener);
  const auto client = connect_tcp(local_address(listener->get()));
  wait_for(listener->get(), POLLIN);
  UniqueFd server(accept4(listener->get(), nullptr, nullptr, 0));
  reset_on_close(server.get());
  server.reset();
  wait_for(client->get(), POLLIN);
  char byte = 0;
  EXPECT_EQ(recv(client->get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST(Socket, ResetOnCloseCanBeUndone) {
  const auto listener = listen_tcp(kLoopback, 0);
  ASSERT_TRUE(listener);
  const auto client = connect_tcp(local_address(listener->get()));
  wait_for(listener->get(), POLLIN);
  UniqueFd server(accept4(listener->get(), nullptr, nullptr, 0));
  reset_on_close(server.get());
  reset_on_close(server.get(), false);
  server.reset();
  wait_for(client->get(), POLLIN);
  char byte = 0;
  EXPECT_EQ(recv(client->get(), &byte, 1, 0), 0);
}

}  // namespace
}  // namespace sluice::net
