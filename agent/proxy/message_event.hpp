// SPDX-License-Identifier: Apache-2.0
// MessageEvent: what a stream is told when it pulls a message from either side, whatever protocol that side speaks.
// Thread: worker. Invariants: a view ends with the next pull from any message of the worker, for they share the memory
// that bytes are read into.
#pragma once
#include <cstdint>
#include <string_view>

#include "agent/http/header_map.hpp"

namespace sluice::proxy {

struct MessageEvent {
  enum class Kind : std::uint8_t {
    kNone,     // nothing came: an event will tell of more
    kMore,     // the read in hand is used up: pull again, after what it gave was passed on
    kHead,     // responses: head() is complete; a 1xx is followed by another head
    kData,     // `data` is the next piece of the body
    kEnd,      // the message is complete
    kInvalid,  // error() says what is wrong; nothing follows
    kClosed,   // the other side went away in the middle of it; nothing follows
  };
  Kind kind = Kind::kNone;
  std::string_view data{};
  const http::HeaderMap* trailers = nullptr;  // with kEnd, where the message had any
};

}  // namespace sluice::proxy
