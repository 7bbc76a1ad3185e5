// SPDX-License-Identifier: Apache-2.0
// Exchange: one request on a connection to an endpoint and the answer to it. Implemented once for each protocol;
// several may share a connection.
// Callers: Stream. Thread: worker. Invariants: what is written is collected and goes out with flush(); body is written
// only while can_write(), so that what waits for a slow endpoint is at most one read; answers are pulled, so that a
// slow client stops the endpoint.
#pragma once
#include <memory>

#include "agent/http/h1_codec.hpp"
#include "agent/http/message.hpp"
#include "agent/proxy/message_event.hpp"

namespace sluice::proxy {

class Upstream;

// Whom an exchange tells that there is something to do.
class ExchangeUser {
 public:
  virtual void on_exchange() = 0;  // may destroy the exchange

 protected:
  ~ExchangeUser() = default;
};

class Exchange {
 public:
  virtual void use(ExchangeUser& user) = 0;

  // The request.
  virtual void write_head(const http::RequestHead& head) = 0;
  virtual void write_body(std::string_view data) = 0;
  virtual void write_end(const http::HeaderMap* trailers) = 0;
  virtual void flush() = 0;
  // Sends what had to wait. True when it made progress.
  virtual bool push() = 0;
  [[nodiscard]] virtual bool can_write() const = 0;   // nothing waits, and the endpoint still reads
  [[nodiscard]] virtual bool has_output() const = 0;  // something waits for the endpoint

  // The answer: as Downstream::next(), with kHead for each head (1xx ones too).
  [[nodiscard]] virtual MessageEvent next() = 0;
  [[nodiscard]] virtual http::ResponseHead& head() = 0;
  [[nodiscard]] virtual const http::H1Error& error() const = 0;

  // The handshake is known to be over. A kept connection always is.
  [[nodiscard]] virtual bool connected() const = 0;
  // The connection has served a request before, so that its endpoint may have closed it at any time.
  [[nodiscard]] virtual bool reused() const = 0;
  // Some byte of an answer came.
  [[nodiscard]] virtual bool response_began() const = 0;
  // The endpoint cannot have acted on the request: nothing of it was sent, or the endpoint closed without having
  // received any of it. Asked once the exchange has ended.
  [[nodiscard]] virtual bool untouched() const = 0;

  // The answer was pulled to its kEnd: the connection may serve others.
  virtual void finish() = 0;
  // The endpoint must not take what it has for a whole request, nor go on answering. For the destructor to act on.
  virtual void reset_on_close() = 0;
  // The connection, where this exchange is all there is on it (for the kernel path).
  [[nodiscard]] virtual Upstream* connection() = 0;
  // Registers what is waited for. False when the reactor refuses.
  [[nodiscard]] virtual bool watch() = 0;
  // Gives the object back to whoever made it; closes the connection unless finish() came before.
  virtual void release() = 0;

 protected:
  ~Exchange() = default;
};

struct ReleaseExchange {
  void operator()(Exchange* exchange) const { exchange->release(); }
};
using ExchangePtr = std::unique_ptr<Exchange, ReleaseExchange>;

}  // namespace sluice::proxy
