// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/channel.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>

namespace sluice::proxy {
namespace {

class ChannelTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> fds{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
    channel_.attach(UniqueFd(fds[0]));
    other_ = UniqueFd(fds[1]);
  }
  void write(std::string_view text) {
    ASSERT_EQ(::send(other_.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    channel_.note(EPOLLIN);
  }
  std::string read_all() {
    std::string out;
    std::array<char, 4096> piece{};
    for (ssize_t got = 0; (got = recv(other_.get(), piece.data(), piece.size(), 0)) > 0;) {
      out.append(piece.data(), static_cast<std::size_t>(got));
    }
    return out;
  }

  ChannelMemory memory_{4096};
  std::uint64_t received_total_ = 0;
  std::uint64_t sent_total_ = 0;
  Channel channel_{memory_, &received_total_, &sent_total_};
  UniqueFd other_;
};

TEST_F(ChannelTest, WhatIsConsumedAtOnceIsNeverBuffered) {
  write("request");
  const auto bytes = channel_.input();
  EXPECT_EQ(bytes, "request");
  channel_.keep(bytes, bytes.size());
  EXPECT_EQ(memory_.buffer_bytes, 0U);
  EXPECT_EQ(channel_.received(), 7U);
}

TEST_F(ChannelTest, WhatItIsGivenCountsAsReceivedAndComesFirst) {
  channel_.give("GET / ");
  write("HTTP/1.1");
  auto bytes = channel_.input();
  EXPECT_EQ(bytes, "GET / ");
  EXPECT_EQ(channel_.received(), 6U);
  channel_.keep(bytes, 0, true);
  bytes = channel_.input();
  EXPECT_EQ(bytes, "GET / HTTP/1.1");
  channel_.keep(bytes, bytes.size());
  EXPECT_EQ(channel_.received(), 14U);
  EXPECT_EQ(received_total_, 14U);
}

TEST_F(ChannelTest, AStarvedRestIsGivenAgainOnlyWithMoreBehindIt) {
  write("GET / HT");
  auto bytes = channel_.input();
  channel_.keep(bytes, 0, true);
  EXPECT_EQ(channel_.input(), "");
  write("TP/1.1");
  bytes = channel_.input();
  EXPECT_EQ(bytes, "GET / HTTP/1.1");
  channel_.keep(bytes, 6);
  EXPECT_EQ(channel_.input(), "HTTP/1.1");  // a rest that is not starved comes without a read
}

TEST_F(ChannelTest, SendsInOrderWhenTheSocketBlocks) {
  std::string expected;
  std::string got;
  for (int i = 0; i < 200; ++i) {
    const std::string head = "head " + std::to_string(i) + " ";
    const std::string body(5000, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(channel_.send(head, body));
    expected += head + body;
    if (i % 7 == 0) {
      got += read_all();
      channel_.note(EPOLLOUT);
      channel_.flush();
    }
  }
  while (channel_.has_output()) {
    got += read_all();
    channel_.note(EPOLLOUT);
    channel_.flush();
  }
  got += read_all();
  EXPECT_TRUE(got == expected);
  EXPECT_EQ(channel_.sent(), expected.size());
  EXPECT_EQ(sent_total_, expected.size());
}

TEST_F(ChannelTest, ReadsWhatCameBeforeTheEnd) {
  write("last words");
  other_.reset();
  channel_.note(EPOLLIN | EPOLLRDHUP);
  EXPECT_TRUE(channel_.closing());
  const auto bytes = channel_.input();
  EXPECT_EQ(bytes, "last words");
  channel_.keep(bytes, bytes.size());
  EXPECT_FALSE(channel_.ended());
  EXPECT_EQ(channel_.input(), "");
  EXPECT_TRUE(channel_.ended());
}

TEST_F(ChannelTest, KeepsWhatABrokenConnectionDidNotTake) {
  other_.reset();
  EXPECT_FALSE(channel_.send("request ", "body"));
  EXPECT_TRUE(channel_.send_failed());
  EXPECT_EQ(channel_.unsent(), "request body");
  EXPECT_EQ(channel_.sent(), 0U);
}

}  // namespace
}  // namespace sluice::proxy
