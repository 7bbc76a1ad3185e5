// SPDX-License-Identifier: Apache-2.0
// H1Output: collects the pieces of a message for one send: heads, chunk lines and small pieces are copied together, one
// large piece behind them is not.
// Callers: H1Session, H1Exchange. Thread: worker. Invariants: the text is memory that a worker shares, lent to one
// output at a time; whoever collects meanwhile (a mirror's copy, an answer behind an interim one) has its own text.
// A large piece must stay valid until the flush.
#pragma once
#include <string>
#include <string_view>

#include "agent/http/h1_codec.hpp"
#include "agent/proxy/channel.hpp"

namespace sluice::proxy {

class H1Output;
struct SharedText {
  std::string text;
  const H1Output* user = nullptr;
};

class H1Output {
 public:
  explicit H1Output(SharedText& shared) : shared_(shared) {}
  ~H1Output() { discard(); }
  H1Output(const H1Output&) = delete;
  H1Output& operator=(const H1Output&) = delete;

  // Where heads are written to.
  [[nodiscard]] std::string& text();
  // A piece of a body that is framed in that way.
  void body(http::BodyKind kind, std::string_view data);
  void end(http::BodyKind kind, const http::HeaderMap* trailers);
  void flush(Channel& channel);
  void discard();

 private:
  SharedText& shared_;
  std::string own_;
  std::string* text_ = nullptr;  // of the two, while it collects
  std::string_view tail_;
};

}  // namespace sluice::proxy
