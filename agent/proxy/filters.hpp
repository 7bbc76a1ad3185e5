// SPDX-License-Identifier: Apache-2.0
// Filters: what a listener and a route do to one request and its answer, called by the stream at fixed points. One
// object a stream, used again for later requests.
// The order: Max-Forwards, the form of the path, forwarded headers (before routing, so that no route is chosen by what
// a client claims); then of the route CORS, fault, redirect or direct response, rewrite; then headers of route and
// destination, Via, mirrors.
// Callers: Stream. Thread: worker. Invariants: nothing here blocks; a delay is returned, not waited for; what a
// steerable listener gets is not touched, because the kernel would not do the same to the requests that follow.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/clock.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/http/message.hpp"
#include "agent/proxy/worker_report.hpp"
#include "agent/routing/action/actions.hpp"
#include "agent/routing/route_table.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::proxy {

class Downstream;
class Generation;
struct Context;

// The request that filters act on. Pointers stay valid until Filters::end().
struct FilterRequest {
  Context* context = nullptr;
  Downstream* downstream = nullptr;  // head() is edited in place
  const snapshot::Listener* listener = nullptr;
  Generation* generation = nullptr;
  const routing::Decision* route = nullptr;  // nullptr before the request is routed
  const SocketAddress* endpoint = nullptr;   // of the last attempt; nullptr before there was one
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
  // The subset is picked; before the head is sent. Only the first call for a request changes its head.
  void on_destination(const FilterRequest& request, const snapshot::Share& share);
  // A piece of the request's body, while wants_body().
  [[nodiscard]] bool wants_body() const { return mirrored_ != nullptr; }
  void on_request_body(std::string_view data, bool last);
  // The final head is about to be sent to the client; `local`: it is an answer of our own. `request.route` may be null.
  void on_response_head(const FilterRequest& request, http::ResponseHead& head, bool local);
  void end();  // the request is over, however it went

  // Who asked: the peer, or whom trusted proxies name. From on_head() to end(); unspecified otherwise.
  [[nodiscard]] const SocketAddress& client() const { return client_; }
  [[nodiscard]] LocalAnswer& answer() { return answer_; }

 private:
  FilterResult reply(std::uint16_t status, Ending ending, std::string_view reason);

  // filters.cpp
  [[nodiscard]] bool spend_forward(const FilterRequest& request);
  void tell_about_client(const FilterRequest& request, bool trusted);

  // filters_mirror.cpp
  void choose_mirrors(const FilterRequest& request);
  void send_mirrors();

  // filters_route.cpp
  FilterResult begin_route(const FilterRequest& request);
  FilterResult abort(const model::Fault::Abort& abort);
  FilterResult redirect(const FilterRequest& request, const routing::Redirect& to);
  FilterResult direct_response(const model::DirectResponse& response);
  FilterResult preflight(const http::RequestHead& head, const routing::Cors* allowed);
  [[nodiscard]] routing::EditContext edit_context(const FilterRequest& request) const;

  LocalAnswer answer_;
  SocketAddress client_;
  std::string origin_;                                 // Origin as the client sent it, for CORS
  std::string scratch_;                                // one edited text at a time
  const routing::HeaderEdits* destination_ = nullptr;  // of the subset that was picked
  std::string_view cluster_;
  // Copies to send once the body is here: of the route's mirrors the bits, and whose request it is.
  std::uint64_t mirrors_ = 0;
  const FilterRequest* mirrored_ = nullptr;
  std::string mirror_body_;
  bool delayed_ = false;    // the route's delay was decided on
  bool preflight_ = false;  // the answer is all there is to say
  bool edited_ = false;     // the head is what the endpoint is to get
};

}  // namespace sluice::proxy
