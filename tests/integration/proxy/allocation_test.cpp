// SPDX-License-Identifier: Apache-2.0
// A request in steady state allocates nothing. A program of its own, because it counts every operator new; between the
// two readings the test's own threads touch only the stack.
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <new>

#include "tests/integration/proxy/proxy_fixture.hpp"

namespace {
std::atomic<std::uint64_t> allocations{0};

void* counted(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  return memory;
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace sluice::proxy::testing {
namespace {

constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Version: v1\r\nContent-Length: "
    "5\r\n\r\nhello";
constexpr std::string_view kRequest =
    "POST /path?query HTTP/1.1\r\nHost: echo.test\r\nUser-Agent: test\r\nAccept: */*\r\n"
    "Connection: keep-alive\r\nContent-Length: 4\r\n\r\nbody";

// Requests arrive whole and one at a time: any bytes are one request.
void answer_plainly(Peer& peer) {
  std::array<char, 4096> piece;
  while (recv(peer.fd(), piece.data(), piece.size(), 0) > 0) {
    if (send(peer.fd(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) < 0) return;
  }
}

bool exchange(int fd) {
  std::array<char, 4096> piece;
  if (send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) < 0) return false;
  const ssize_t got = recv(fd, piece.data(), piece.size(), 0);
  return std::string_view(piece.data(), got > 0 ? static_cast<std::size_t>(got) : 0) == kAnswer;
}

class AllocationTest : public ProxyTest {
 protected:
  void run();
};

TEST_F(AllocationTest, ARequestInSteadyStateAllocatesNothing) { run(); }

TEST_F(AllocationTest, NeitherDoForwardedHeadersRewritesAndHeaderRules) {
  world_.forwarded = model::ForwardedHeaders::kAdd;
  world_.edit_route = [](model::Route& route) {
    route.rewrite = model::Rewrite{
        .path = model::PathRewrite{model::PathRewrite::Kind::kPrefix, "/another/and/longer/"}};
    auto rules = std::make_shared<model::HeaderRules>();
    rules->request.set.push_back({"x-env", {{model::ValuePiece::Kind::kLiteral, "prod", ""}}});
    rules->request.remove.emplace_back("user-agent");
    rules->response.remove.emplace_back("x-none");
    route.headers = rules;
  };
  run();
}

void AllocationTest::run() {
  ScriptedUpstream upstream(answer_plainly);
  start(upstream);
  {
    Peer peer = client();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(exchange(peer.fd()));
    const std::uint64_t before = allocations;
    int answered = 0;
    for (int i = 0; i < 1000; ++i) answered += exchange(peer.fd()) ? 1 : 0;
    const std::uint64_t after = allocations;
    EXPECT_EQ(answered, 1000);
    EXPECT_EQ(after - before, 0U);
  }
  worker_->stop(Milliseconds(0));  // before the upstream, which waits for its connections to end
}

}  // namespace
}  // namespace sluice::proxy::testing
