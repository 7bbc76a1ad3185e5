// SPDX-License-Identifier: Apache-2.0
// H1Output: collects the pieces of a message for one send: heads, chunk lines and small pieces are copied together, one
// large piece behind them is not.
// Callers: H1Session, H1Exchange. Thread: worker. Invariants: the text is memory that a worker shares, so nobody else
// collects between the first write and the flush; a large piece must stay valid until then.
#pragma once
#include <string>
#include <string_view>

#include "agent/http/h1_codec.hpp"
#include "agent/proxy/channel.hpp"

namespace sluice::proxy {

class H1Output {
 public:
  explicit H1Output(std::string& text) : text_(text) {}

  // Where heads are written to.
  [[nodiscard]] std::string& text();
  // A piece of a body that is framed in that way.
  void body(http::BodyKind kind, std::string_view data);
  void end(http::BodyKind kind, const http::HeaderMap* trailers);
  void flush(Channel& channel);
  void discard();

 private:
  std::string& text_;
  std::string_view tail_;
  bool collecting_ = false;
};

}  // namespace sluice::proxy
