// SPDX-License-Identifier: Apache-2.0
// Filters: what a listener and a route do to one request and its answer, called by the stream at fixed points. One
// object a stream, used again for later requests.
// Callers: Stream. Thread: worker. Invariants: nothing here blocks; a delay is returned, not waited for.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/clock.hpp"
#include "agent/http/message.hpp"
#include "agent/proxy/worker_report.hpp"
#include "agent/routing/route_table.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::proxy {

class Downstream;
struct Context;

// The request that filters act on. Pointers stay valid until Filters::end().
struct FilterRequest {
  Context* context = nullptr;
  Downstream* downstream = nullptr;  // head() is edited in place
  const snapshot::Listener* listener = nullptr;
  const routing::Decision* route = nullptr;  // nullptr before the request is routed
};

// An answer that a filter gives instead of an endpoint. Date, and the length of the body, are added.
struct LocalAnswer {
  std::uint16_t status = 200;
  http::HeaderMap headers;
  std::string body;
  std::string_view reason;       // for the access log; static
  std::optional<Ending> ending;  // when it is to be counted as one

  void clear();  // keeps capacity
};

struct FilterResult {
  enum class Kind : std::uint8_t { kContinue, kAnswer, kDelay };
  Kind kind = Kind::kContinue;  // kAnswer: answer() is what to say
  Milliseconds delay{0};        // kDelay: the same point is called again when it is over
};

class Filters {
 public:
  // The head is complete; before it is routed.
  FilterResult on_head(const FilterRequest& request);
  // The route is known; before an endpoint is picked.
  FilterResult on_request(const FilterRequest& request);
  // The subset is picked; before the head is sent, once for each subset.
  void on_destination(const FilterRequest& request, const snapshot::Share& share);
  // A piece of the request's body, while wants_body().
  [[nodiscard]] bool wants_body() const { return false; }
  void on_request_body(std::string_view data, bool last);
  // The final head is about to be sent to the client; `local`: it is an answer of our own. `request.route` may be null.
  void on_response_head(const FilterRequest& request, http::ResponseHead& head, bool local);
  void end();  // the request is over, however it went

  [[nodiscard]] LocalAnswer& answer() { return answer_; }

 private:
  LocalAnswer answer_;
};

}  // namespace sluice::proxy
