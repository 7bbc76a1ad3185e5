// SPDX-License-Identifier: Apache-2.0
// RequestHead, ResponseHead: a message's head as plain data, the same for every HTTP version, so
// that any downstream codec can feed any upstream codec. Thread: any.
#pragma once
#include <cstdint>
#include <string>

#include "agent/http/header_map.hpp"

namespace sluice::http {

enum class BodyKind : std::uint8_t {
  kNone,        // no body
  kLength,      // Content-Length
  kChunked,     // Transfer-Encoding: chunked
  kUntilClose,  // responses only: ends with the connection
};

struct RequestHead {
  std::string method;  // case-sensitive token
  std::string
      target;        // as received (origin-form, absolute-form, "*", or authority-form for CONNECT)
  std::string path;  // without query; "*" for the asterisk-form, "" for CONNECT
  std::string query;      // after '?', without it; may be empty
  std::string authority;  // of an absolute-form target, else Host; as received
  std::string scheme =
      "http";  // of an absolute-form target: a claim of the client, not what the listener speaks
  std::uint8_t minor_version = 1;  // HTTP/1.x
  HeaderMap headers;
  BodyKind body = BodyKind::kNone;
  std::uint64_t content_length = 0;  // with kLength
  bool keep_alive = true;            // what version and Connection say
  bool expects_continue = false;     // Expect: 100-continue and a body follows (RFC 9110 10.1.1)
  bool upgrade = false;              // an Upgrade field named by Connection, or CONNECT
  bool accepts_trailers = false;     // TE: trailers (RFC 9110 10.1.4)
  bool isolate = false;   // others may read it differently: neither connection is used again
  bool repaired = false;  // not what came on the wire: those bytes must not be handed on

  void clear();  // keeps capacity
};

struct ResponseHead {
  std::uint16_t status = 0;
  std::string reason;
  // Read: the server's. Written: the client's, which decides how keep-alive is said; the line
  // always says HTTP/1.1.
  std::uint8_t minor_version = 1;
  HeaderMap headers;
  BodyKind body = BodyKind::kNone;
  // With kLength. With kNone: what Content-Length said about the body that HEAD and 304 leave out,
  // 0 when nothing.
  std::uint64_t content_length = 0;
  bool keep_alive = true;  // false with kUntilClose

  void clear();
};

}  // namespace sluice::http
