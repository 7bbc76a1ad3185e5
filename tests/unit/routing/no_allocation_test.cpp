// SPDX-License-Identifier: Apache-2.0
// Matching a request allocates nothing: counted by replacing the allocator of this test program.
#include <cstdlib>
#include <new>

#include "tests/unit/routing/builders.hpp"

namespace {
thread_local std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* out = std::malloc(size)) return out;
  std::abort();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
void operator delete(void* pointer) noexcept { std::free(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { std::free(pointer); }

namespace sluice::routing {
namespace {

TEST(NoAllocation, MatchAllocatesNothingOnceWarm) {
  std::vector<model::Route> routes;
  for (int i = 0; i < 100; ++i) {
    routes.push_back(route("p", {uri(Kind::kPrefix, "/p/" + std::to_string(i) + "/")}));
  }
  model::RouteMatch match = uri(Kind::kRegex, "/[a-z]+/.*");
  match.ignore_uri_case = true;
  match.headers = {{"x-tag", {Kind::kExact, "a,b"}}, {"x-user", {Kind::kRegex, "j.*"}}};
  match.query_params = {{"v", {Kind::kExact, "1"}}};
  routes.push_back(route("hit", {match}));
  const RouteTable table = compile({virtual_host("vh", {"*.example.com"}, std::move(routes))});
  const auto head = request("A-rather-long-name.of.a.host.Example.COM:8080", "/shop/cart", "v=1",
                            {{"X-Tag", "a"}, {"x-tag", "b"}, {"x-user", "jason"}});
  ASSERT_TRUE(table.match(head));  // RE2 builds its automaton on first use
  const std::size_t before = allocations;
  for (int i = 0; i < 1000; ++i) {
    const auto decision = table.match(head);
    if (!decision) FAIL();
  }
  EXPECT_EQ(allocations - before, 0U);
}

}  // namespace
}  // namespace sluice::routing
