// SPDX-License-Identifier: Apache-2.0
// Downstream: one request as the client's side sees it: the head that came, the body to pull, the answer to write.
// Implemented once for each protocol; a connection with several requests has several of these.
// Callers: Stream. Thread: worker. Invariants: what is written is collected and goes out with flush(), so that a head
// and the body that came with it are one system call; body is written only while can_write(), so that what waits for a
// slow client is at most one read.
#pragma once
#include "agent/base/ip_address.hpp"
#include "agent/http/h1_codec.hpp"
#include "agent/http/message.hpp"
#include "agent/proxy/message_event.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::proxy {

class Promotable;

class Downstream {
 public:
  [[nodiscard]] virtual const SocketAddress& peer() const = 0;
  [[nodiscard]] virtual const SocketAddress& local() const = 0;
  // The listener of the current snapshot that serves local(); nullptr when none does.
  [[nodiscard]] virtual const snapshot::Listener* listener() = 0;
  // nullptr: the kernel can never have this connection.
  [[nodiscard]] virtual Promotable* promotable() = 0;

  // The request. Filters and routing edit the head in place.
  [[nodiscard]] virtual http::RequestHead& head() = 0;
  // The next piece of the body. A first call may read from the connection, those that follow do not until kMore: pull
  // until something else than kData comes, then pass on what was written. Writing to an exchange in between is fine.
  [[nodiscard]] virtual MessageEvent next() = 0;
  [[nodiscard]] virtual const http::H1Error& error() const = 0;
  // The client went away: nobody will see an answer.
  [[nodiscard]] virtual bool gone() const = 0;

  // The answer: 1xx heads, the final head, body, end. `head.body` says what is known of the length; how the protocol
  // frames it, and whether the connection is kept, is not the stream's concern.
  virtual void write_head(http::ResponseHead& head) = 0;
  virtual void write_body(std::string_view data) = 0;
  virtual void write_end(const http::HeaderMap* trailers) = 0;
  virtual void flush() = 0;
  [[nodiscard]] virtual bool can_write() const = 0;  // nothing waits for the client
  [[nodiscard]] virtual std::uint64_t body_bytes_written() const = 0;

  // The end, one of: the answer is complete (in the socket or in the buffer),
  virtual void finish() = 0;
  // or it cannot be completed, and what was sent must not look complete. `reset`: at once, dropping what waits.
  virtual void abort(bool reset) = 0;

  // Its stream has news from elsewhere (an exchange, a timer): lets it do all that needs no waiting. May destroy the
  // downstream and the stream; the caller must touch neither afterwards.
  virtual void drive() = 0;

 protected:
  ~Downstream() = default;
};

}  // namespace sluice::proxy
