// SPDX-License-Identifier: Apache-2.0
// H1Session: a client connection that speaks HTTP/1. It reads requests, one at a time, and gives each to a stream, to
// which it is the downstream; drive() does all that can be done without waiting, whichever socket had news.
// Callers: Acceptor and resume_connection() (make), Stream, Context. Thread: worker.
// Invariants: at most one stream; the answer to one request is out of the buffers before the next request is read;
// a parser is held from a request's first byte to the end of its answer, so that an idle connection has none.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "agent/base/ip_address.hpp"
#include "agent/net/reactor.hpp"
#include "agent/proxy/channel.hpp"
#include "agent/proxy/connection.hpp"
#include "agent/proxy/context.hpp"
#include "agent/proxy/downstream.hpp"
#include "agent/proxy/h1_output.hpp"
#include "agent/proxy/promotable.hpp"
#include "agent/proxy/tail.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::proxy {

class H1Session final : public Connection, public Downstream, public Promotable {
 public:
  // Lives by itself: destroyed by drive() when it is over, or by close_now().
  H1Session(Context& context, UniqueFd client, const SocketAddress& peer,
            const SocketAddress& local);

  // It was carried by the kernel until now: `input` came with it, `requests` were served, and `endpoint` is where.
  // drive() must follow.
  void resume(std::string_view input, std::uint64_t requests, SteerUpstream endpoint);

  void on_ready(std::uint32_t events) override;

  // Connection; drive() is Downstream's too
  void drive() override;
  void close_now() override;
  void drain(TimePoint idle_end) override;

  // Downstream
  [[nodiscard]] const SocketAddress& peer() const override { return peer_; }
  [[nodiscard]] const SocketAddress& local() const override { return local_; }
  [[nodiscard]] const snapshot::Listener* listener() override;
  [[nodiscard]] Promotable* promotable() override { return this; }
  [[nodiscard]] http::RequestHead& head() override { return parser_->head(); }
  [[nodiscard]] MessageEvent next() override;
  [[nodiscard]] const http::H1Error& error() const override { return parser_->error(); }
  [[nodiscard]] bool gone() const override { return client_.broken() || client_.send_failed(); }
  void write_head(http::ResponseHead& head) override;
  void write_body(std::string_view data) override;
  void write_end(const http::HeaderMap* trailers) override;
  void flush() override { output_.flush(client_); }
  [[nodiscard]] bool can_write() const override { return !client_.has_output(); }
  [[nodiscard]] std::uint64_t body_bytes_written() const override { return body_written_; }
  void finish() override;
  void abort(bool reset) override;

  // Promotable
  [[nodiscard]] Channel& channel() override { return client_; }
  [[nodiscard]] std::string_view request_bytes() const override {
    return bytes_.substr(0, consumed_);
  }
  [[nodiscard]] std::uint64_t requests() const override { return requests_; }
  [[nodiscard]] bool pipelined() const override { return pipelined_; }
  [[nodiscard]] bool may_be_offered() const override {
    return steerable_ && requests_ >= next_offer_;
  }
  void offer_refused() override;
  void handed_over() override;

 private:
  enum class State : std::uint8_t { kOpen, kClosing, kLinger, kClosed };

  ~H1Session() = default;
  bool step();
  bool step_tail();
  void pass_on(std::string_view late);
  void join_tail(std::string_view bytes);
  bool read_request();
  void begin_request();
  bool step_closing();
  bool discard();
  void keep();
  void drop_request();
  [[nodiscard]] bool is_answering() const;
  [[nodiscard]] bool has_data() const;
  void touch() { since_ = context_.reactor.now(); }
  void settle();
  void destroy();
  void on_timer();
  void on_deadline();
  void arm(TimePoint deadline);
  [[nodiscard]] TimePoint deadline() const;

  Context& context_;
  Channel client_;
  H1Output output_;
  net::Timer timer_;
  SocketAddress peer_;
  SocketAddress local_;
  http::H1RequestParser* parser_ = nullptr;  // of a request that began
  Stream* stream_ = nullptr;                 // of a request whose head is complete or refused
  std::unique_ptr<Tail> tail_;               // until the next answer begins
  const snapshot::Listener* listener_ = nullptr;
  std::uint64_t listener_serial_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t next_offer_ = 0;  // number of the request
  std::uint32_t refusals_ = 0;
  std::uint64_t lingered_ = 0;             // bytes discarded
  std::uint64_t body_written_ = 0;         // of this answer
  std::string_view bytes_;                 // the read in hand
  std::size_t consumed_ = 0;               // of it
  TimePoint since_;                        // of the last progress
  TimePoint armed_;                        // when the timer fires
  TimePoint idle_end_ = TimePoint::max();  // when a drain ends it if no request comes
  State state_ = State::kOpen;
  http::BodyKind answer_body_ = http::BodyKind::kNone;  // framing towards the client
  bool reading_ = false;
  bool counted_ = false;       // among what was found in requests
  bool request_done_ = false;  // its last byte was read
  bool keep_alive_ = false;    // as the answer says
  bool steerable_ = false;     // its listener was steerable when it came: TC has seen its handshake
  bool linger_ = false;
  bool reset_ = false;
  bool pipelined_ = false;
  bool handed_over_ = false;
};

}  // namespace sluice::proxy
