// SPDX-License-Identifier: Apache-2.0
// Kept connections that endpoints close at the worst moment cost no request that was not processed.
#include <poll.h>

#include "tests/integration/proxy/proxy_fixture.hpp"

namespace sluice::proxy::testing {
namespace {

constexpr int kRequests = 10'000;

// Serves a few requests on a connection and closes it without saying so: at once, when the next request begins to
// arrive (which destroys it unread), or at some time in between.
ScriptedUpstream::Script closing_at_the_worst_moment(std::atomic<int>& served) {
  return [&served](Peer& peer) {
    const int turn = served.load();
    for (int left = 1 + turn % 3; left > 0; --left) {
      if (!peer.read_message()) return;
      ++served;
      if (!peer.send(ok("x"))) return;
    }
    pollfd waiting{peer.fd(), POLLIN, 0};
    if (turn % 4 == 1) (void)poll(&waiting, 1, 10'000);
    if (turn % 4 == 2) std::this_thread::yield();
  };
}

void expect_no_error(Peer peer, const std::string& request, const std::atomic<int>& served) {
  for (int i = 0; i < kRequests; ++i) {
    ASSERT_TRUE(peer.send(request));
    const auto answer = peer.read_message();
    ASSERT_TRUE(answer) << i;
    ASSERT_EQ(answer->status, 200) << i << " " << answer->field("X-Sluice-Reason");
  }
  EXPECT_EQ(served, kRequests);  // none was served twice
}

TEST_F(ProxyTest, NoGetFailsBecauseAnIdleConnectionCloses) {
  std::atomic<int> served{0};
  ScriptedUpstream upstream(closing_at_the_worst_moment(served));
  start(upstream);
  expect_no_error(client(), kGet, served);
  EXPECT_GT(report().upstream_reuses, 1'000U);
}

TEST_F(ProxyTest, NoPostFailsBecauseAnIdleConnectionCloses) {
  std::atomic<int> served{0};
  ScriptedUpstream upstream(closing_at_the_worst_moment(served));
  start(upstream);
  expect_no_error(client(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", served);
  EXPECT_GT(report().upstream_reuses, 1'000U);
}

}  // namespace
}  // namespace sluice::proxy::testing
