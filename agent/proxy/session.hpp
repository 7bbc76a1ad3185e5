// SPDX-License-Identifier: Apache-2.0
// Session: one client connection from accept to close, or until the kernel takes it. It reads requests, one at a time,
// and gives each to a stream; drive() does all that can be done without waiting, whichever socket had news.
// Callers: Acceptor (makes), Upstream, Stream, Context. Thread: worker.
// Invariants: at most one stream; the answer to one request is out of the buffers before the next request is read;
// whoever calls drive() must touch neither the session nor its stream and upstream afterwards.
#pragma once
#include <cstdint>
#include <string>

#include "agent/base/ip_address.hpp"
#include "agent/net/reactor.hpp"
#include "agent/proxy/channel.hpp"
#include "agent/proxy/connection.hpp"
#include "agent/proxy/context.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::proxy {

class Session final : public Connection {
 public:
  // Lives by itself: destroyed by drive() when it is over, or by close_now().
  Session(Context& context, UniqueFd client, const SocketAddress& peer, const SocketAddress& local);

  void on_ready(std::uint32_t events) override;
  void drive() override;
  void close_now() override;
  void drain(TimePoint idle_end) override;

  [[nodiscard]] Channel& client() { return client_; }
  [[nodiscard]] const SocketAddress& peer() const { return peer_; }
  [[nodiscard]] const SocketAddress& local() const { return local_; }
  // The listener of the current snapshot that serves the local address; nullptr when none does.
  [[nodiscard]] const snapshot::Listener* listener();
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  // The client has sent something behind a request before that was answered.
  [[nodiscard]] bool pipelined() const { return pipelined_; }

  // Whether to offer the request to the kernel path at all.
  [[nodiscard]] bool may_be_offered() const { return steerable_ && requests_ >= next_offer_; }

  // For the stream.
  void count_request();
  void offer_refused();
  void mark_pipelined() { pipelined_ = true; }
  void touch() { since_ = context_.reactor.now(); }
  // The answer is complete (in the socket or in the buffer). `linger`: the client may still be sending what nobody
  // wants, and closing at once would destroy the answer on its way (RFC 9112 9.6).
  void finish(bool keep_alive, bool linger);
  // The answer cannot be completed: what was sent must not look complete. `reset`: even an end of file would.
  void abort(bool reset);
  void handed_over();  // the kernel has the connection; its socket is gone

 private:
  enum class State : std::uint8_t { kOpen, kClosing, kLinger, kClosed };

  ~Session() = default;
  bool step();
  bool read_request();
  bool step_closing();
  bool discard();
  void drop_stream();
  [[nodiscard]] bool is_answering() const;
  [[nodiscard]] bool has_data() const;
  void settle();
  void destroy();
  void on_timer();
  void on_deadline();
  void arm(TimePoint deadline);
  [[nodiscard]] TimePoint deadline() const;

  Context& context_;
  Channel client_;
  net::Timer timer_;
  SocketAddress peer_;
  SocketAddress local_;
  Stream* stream_ = nullptr;
  const snapshot::Listener* listener_ = nullptr;
  std::uint64_t listener_serial_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t next_offer_ = 0;  // number of the request
  std::uint32_t refusals_ = 0;
  std::uint64_t lingered_ = 0;             // bytes discarded
  TimePoint since_;                        // of the last progress
  TimePoint armed_;                        // when the timer fires
  TimePoint idle_end_ = TimePoint::max();  // when a drain ends it if no request comes
  State state_ = State::kOpen;
  bool steerable_ = false;  // its listener was steerable when it came: TC has seen its handshake
  bool linger_ = false;
  bool reset_ = false;
  bool pipelined_ = false;
  bool handed_over_ = false;
};

}  // namespace sluice::proxy
