// SPDX-License-Identifier: Apache-2.0
// Stream: one request and its answer: filters, route, pick, promotion or relay in both directions. It knows no
// protocol: the client's side is a Downstream, the endpoint's an Exchange. Objects are used again for later requests.
// Callers: H1Session. Thread: worker. Invariants: owns its exchange; in each direction pulls only while the other side
// can be written to, so that a stream holds at most one read of bytes per direction, and 64 KiB of a request that may
// be repeated; sends no request byte twice unless the endpoint cannot have acted on the first ones (RFC 9110 9.2.2) or
// the route's retry policy says so.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/proxy/access_record.hpp"
#include "agent/proxy/buffer.hpp"
#include "agent/proxy/context.hpp"
#include "agent/proxy/downstream.hpp"
#include "agent/proxy/exchange.hpp"
#include "agent/proxy/filters.hpp"
#include "agent/proxy/hash_key.hpp"
#include "agent/proxy/request_load.hpp"
#include "agent/proxy/retry.hpp"

namespace sluice::proxy {

class Stream final : private ExchangeUser, private ConnectionWaiter {
 public:
  explicit Stream(Context& context);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void begin(Downstream& downstream);
  // Then one of: the head is complete, and the body that came with it may be pulled;
  void start();
  void refuse();       // the head is not valid: Downstream::error()
  void refuse_late();  // it did not arrive in time
  bool step();         // one round of what needs no waiting; false: nothing to do
  void end();          // gives up the exchange if it still has one

  [[nodiscard]] bool done() const { return phase_ == Phase::kDone; }
  // Registers what it waits for. False when the reactor refuses.
  [[nodiscard]] bool settle();
  [[nodiscard]] TimePoint deadline() const;
  void on_timeout();

 private:
  enum class Phase : std::uint8_t { kStart, kDelay, kWait, kBackoff, kPromote, kRelay, kDone };

  void on_exchange() override { downstream_->drive(); }
  void on_turn() override { downstream_->drive(); }

  // stream_request.cpp
  bool collect();
  void dispatch();
  bool route();
  bool filter(FilterResult result);
  bool pick();
  void rewrite_head();
  bool pump_request();
  void bad_request();

  // stream_upstream.cpp
  enum class Attached : std::uint8_t { kYes, kWaits, kOverflow, kNoEndpoint, kFailed };
  Attached attach();
  Attached attach_to(std::uint32_t endpoint);
  std::unique_ptr<Upstream> take_kept(bool steerable);
  // Whose address endpoints are to see; nullopt: the node's.
  [[nodiscard]] std::optional<IpAddress> client_to_show() const;
  // Connections come from the agent's own range of ports.
  [[nodiscard]] bool own_ports() const;
  [[nodiscard]] bool attach_or_end();
  void leave_queue();
  void adopt(std::unique_ptr<Upstream> upstream);
  void send_request();
  bool upstream_ended();
  void repeat();
  void connect_failed();
  [[nodiscard]] bool may_repeat() const;

  // stream_retry.cpp
  struct Failure {
    Retry::Failure kind;
    bool untouched;  // the endpoint has got nothing of the request
    std::uint16_t status;
    Ending ending;
    std::string_view reason;
  };
  void attempt_failed(const Failure& failure);
  bool retry_answer(const http::ResponseHead& head);
  void drop_answer();
  void try_again(Milliseconds delay);
  void hold_body();
  void hold_more(std::string_view data);
  [[nodiscard]] TimePoint connect_deadline() const;
  [[nodiscard]] TimePoint try_deadline() const;
  [[nodiscard]] TimePoint route_deadline() const;
  void on_route_timeout();
  bool on_attempt_timeout(TimePoint now);

  // stream_response.cpp
  bool relay();
  bool pump_response();
  enum class Relayed : std::uint8_t { kYes, kInvalid, kAgain };
  Relayed relay_head();
  void invalid_answer();
  void finish_response();

  // stream_steer.cpp
  bool offer(Promotable& client);
  [[nodiscard]] std::optional<Refusal> unsuited(Promotable& client);
  void refused(Promotable& client, Refusal refusal);
  bool attach_for_promotion(Promotable& client, std::uint16_t mss);
  bool promote(Promotable& client, std::string_view raw);
  bool step_promote();

  // stream_ending.cpp
  void reply(std::uint16_t status, Ending ending, std::string_view reason);
  void answer(LocalAnswer& local);
  void give_up(Ending ending, bool reset);
  void fail(std::uint16_t status, Ending ending, std::string_view reason);
  void on_idle_timeout();

  // stream_record.cpp
  void begin_record();
  void write_record();
  [[nodiscard]] TimePoint precise_now() const { return context_.reactor.clock().now(); }

  void touch() { progress_at_ = context_.reactor.now(); }

  Context& context_;
  Downstream* downstream_ = nullptr;
  Generation* generation_ = nullptr;
  const snapshot::Listener* listener_ = nullptr;
  std::optional<routing::Decision> decision_;
  Target* target_ = nullptr;
  EndpointPool* pool_ = nullptr;
  RequestLoad load_;
  Retry retry_;
  Affinity affinity_;
  ExchangePtr exchange_;
  Filters filters_;
  FilterRequest filter_request_;
  std::string_view body_;  // what came with the head, in kept_ or where it was read to
  Buffer kept_;            // of a request that may have to be sent again on another connection
  std::string raw_;        // the request as it came, while the upstream to promote it on connects
  const http::HeaderMap* request_trailers_ = nullptr;
  TimePoint began_;  // the head was complete; unset: the kernel has the request
  TimePoint progress_at_;
  TimePoint attached_at_;
  TimePoint complete_at_;  // the request was wholly read
  TimePoint delayed_until_;
  std::uint32_t attempts_ = 0;
  Phase phase_ = Phase::kStart;
  bool request_done_ = false;    // its last byte was read
  bool whole_ = true;            // body_ is all that came of the body so far
  bool rewritten_ = false;       // the endpoint is sent something else than the client sent
  bool response_began_ = false;  // a final head was sent to the client

  // With an access sink only.
  struct ClientSent {
    std::string method, path, authority;
  };
  std::optional<AccessRecord> record_;
  ClientSent client_sent_;
  TimePoint began_at_;
  TimePoint sent_at_;
  TimePoint answered_at_;
};

}  // namespace sluice::proxy
