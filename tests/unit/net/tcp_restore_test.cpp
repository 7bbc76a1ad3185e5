// SPDX-License-Identifier: Apache-2.0
// A server's end of a real connection vanishes without a packet and is made again from numbers; the client goes on.
#include "agent/net/tcp_restore.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "agent/net/socket.hpp"
#include "agent/net/tcp_repair.hpp"
#include "tests/bpf/sandbox.hpp"

namespace sluice::net {
namespace {

class TcpRestoreTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!test::can_use_kernel()) GTEST_SKIP() << "needs root to restore sockets";
    sandbox_ = std::make_unique<test::Sandbox>();
    ASSERT_TRUE(test::Sandbox::run("sysctl -qw net.ipv4.tcp_timestamps=0"));
    auto listener = listen_tcp(IpAddress::parse(GetParam()), 0);
    ASSERT_TRUE(listener) << listener.error().message;
    listener_ = std::move(*listener);
  }
  void connect() {
    auto client = connect_tcp(local_address(listener_.get()));
    ASSERT_TRUE(client);
    client_ = std::move(*client);
    ASSERT_TRUE(readable(listener_.get()));
    server_ = UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    ASSERT_TRUE(server_);
  }

  static bool readable(int fd) {
    pollfd entry{fd, POLLIN, 0};
    return ::poll(&entry, 1, 10'000) == 1;
  }
  static void say(int fd, std::string_view text) {
    ASSERT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  static std::string heard(int fd, std::size_t size) {
    std::string out;
    while (out.size() < size && readable(fd)) {
      std::string piece(size - out.size(), '\0');
      const ssize_t got = ::recv(fd, piece.data(), piece.size(), 0);
      if (got <= 0) break;
      out.append(piece, 0, static_cast<std::size_t>(got));
    }
    return out;
  }
  static std::uint32_t next_of(int fd, int queue) {
    std::uint32_t next = 0;
    socklen_t size = sizeof next;
    EXPECT_EQ(::setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof queue), 0);
    EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &next, &size), 0);
    return next;
  }
  // What the kernel path knows of a connection, here asked of the socket itself, which is gone afterwards.
  TcpImage vanish() {
    const auto state = tcp_state(server_.get());
    EXPECT_TRUE(state && freeze_and_acknowledged(server_.get()));
    TcpImage image;
    image.local = local_address(server_.get());
    image.remote = peer_address(server_.get());
    image.next_send = next_of(server_.get(), TCP_SEND_QUEUE);
    image.next_receive = image.acknowledged = next_of(server_.get(), TCP_RECV_QUEUE);
    image.window_send = state->window_send;
    image.window_receive = 60'000;
    image.mss = static_cast<std::uint16_t>(std::min<std::uint32_t>(state->mss_send, 1'460));
    image.wscale_send = state->has_wscale ? state->wscale_send : std::uint8_t{0};
    image.wscale_receive = state->has_wscale ? state->wscale_receive : std::uint8_t{0};
    image.has_sack = state->has_sack;
    silent_close(std::move(server_));
    return image;
  }

  std::unique_ptr<test::Sandbox> sandbox_;
  UniqueFd listener_, client_, server_;
};

TEST_P(TcpRestoreTest, BothSidesGoOnAsIfNothingHadHappened) {
  connect();
  say(client_.get(), "first");
  EXPECT_EQ(heard(server_.get(), 5), "first");
  say(server_.get(), "answer");
  EXPECT_EQ(heard(client_.get(), 6), "answer");
  auto restored = restore_tcp(vanish());
  ASSERT_TRUE(restored) << restored.error().message;
  ASSERT_TRUE(go_live(restored->get()));
  say(client_.get(), "second");
  EXPECT_EQ(heard(restored->get(), 6), "second");
  const std::string large(300'000, 'x');
  say(restored->get(), large.substr(0, 50'000));
  EXPECT_EQ(heard(client_.get(), 50'000).size(), 50'000U);
  restored->reset();
  EXPECT_TRUE(readable(client_.get()));
  EXPECT_EQ(heard(client_.get(), 1), "") << "a FIN ends it as any other";
}

TEST_P(TcpRestoreTest, BytesThatWereTakenOffTheWireAreReadFirst) {
  connect();
  TcpImage image = vanish();
  auto restored = restore_tcp(image);
  ASSERT_TRUE(restored) << restored.error().message;
  // As if the client had sent them while its packets reached nobody; it will believe that they arrived.
  EXPECT_TRUE(append_received(restored->get(), "taken "));
  EXPECT_TRUE(append_received(restored->get(), std::string(100'000, 'y')));
  ASSERT_TRUE(go_live(restored->get()));
  EXPECT_EQ(heard(restored->get(), 6), "taken ");
  EXPECT_EQ(heard(restored->get(), 100'000), std::string(100'000, 'y'));
}

TEST_P(TcpRestoreTest, WithoutWindowScalingTheWholeWindowIsAnnounced) {
  ASSERT_TRUE(test::Sandbox::run("sysctl -qw net.ipv4.tcp_window_scaling=0"));
  connect();
  const TcpImage image = vanish();
  ASSERT_EQ(image.wscale_receive, 0);
  // The socket would have asked for scaling by itself.
  ASSERT_TRUE(test::Sandbox::run("sysctl -qw net.ipv4.tcp_window_scaling=1"));
  auto restored = restore_tcp(image);
  ASSERT_TRUE(restored) << restored.error().message;
  ASSERT_TRUE(go_live(restored->get()));
  say(restored->get(), "x");  // carries the window
  EXPECT_EQ(heard(client_.get(), 1), "x");
  const auto client = tcp_state(client_.get());
  ASSERT_TRUE(client);
  EXPECT_GT(client->window_send, 20'000U) << "a scaled field would look like some hundred bytes";
}

TEST_P(TcpRestoreTest, AnotherListenerMayBeBoundBesideIt) {
  connect();
  const SocketAddress address = local_address(server_.get());
  const auto restored = restore_tcp(vanish());
  ASSERT_TRUE(restored);
  ASSERT_TRUE(go_live(restored->get()));
  listener_.reset();
  EXPECT_TRUE(listen_tcp(address.ip, address.port));
}

TEST_P(TcpRestoreTest, AddressesThatAreTakenAreAnError) {
  connect();
  const TcpImage image = vanish();
  const auto first = restore_tcp(image);
  ASSERT_TRUE(first);
  const auto second = restore_tcp(image);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(to_string(image.remote)), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Families, TcpRestoreTest, testing::Values("127.0.0.1", "::1"),
                         [](const auto& of) {
                           return std::string(of.param) == "::1" ? "v6" : "v4";
                         });

}  // namespace
}  // namespace sluice::net
