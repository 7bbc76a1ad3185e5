// SPDX-License-Identifier: Apache-2.0
// Mirrors: copies of requests that go to other clusters as well. Nobody waits for their answers, which are read and
// thrown away; nothing that happens to a copy is seen by the request.
// Callers: Filters (sends), Worker (clears). Thread: worker. Invariants: at most kMaxInFlight copies, and as many for
// an endpoint as its pool for mirrors has connections, each with at most kMaxBody bytes of body, kMaxAnswer of an
// answer and kLimit of time; a copy lives until its answer is complete or it failed. A copy counts as load of its
// endpoint where balancing asks for that, and not for a limit of requests. How it was answered counts for outlier
// detection as of any request: the copies' endpoints have mostly nothing else to be known by.
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "agent/base/clock.hpp"

namespace sluice::proxy {

class Downstream;
class EndpointPool;
struct Context;

class Mirrors {
 public:
  static constexpr std::size_t kMaxInFlight = 256;
  static constexpr std::size_t kMaxBody = 64 * 1024;
  static constexpr std::size_t kMaxAnswer = 16 * 1024 * 1024;
  static constexpr Milliseconds kLimit{15'000};

  explicit Mirrors(Context& context);
  ~Mirrors();
  Mirrors(const Mirrors&) = delete;
  Mirrors& operator=(const Mirrors&) = delete;

  // A copy of the client's request to the endpoint of a pool for mirrors, with Host as it is and X-Sluice-Mirror added.
  // Counted as dropped where too many are under way.
  void send(Downstream& client, std::string_view body, EndpointPool& pool);
  void clear();  // gives up what is under way

 private:
  class Copy;
  void remove(Copy& copy);

  Context& context_;
  std::vector<std::unique_ptr<Copy>> copies_;
};

}  // namespace sluice::proxy
