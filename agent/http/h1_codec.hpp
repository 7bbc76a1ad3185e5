// SPDX-License-Identifier: Apache-2.0
// The HTTP/1.x codec: llhttp behind a hardening layer (RFC 9112). Bytes in, events out; no sockets,
// no clock. Thread: worker. Invariants: whatever a parser accepts has exactly one reading; after
// kError it accepts nothing more.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/http/desync.hpp"
#include "agent/http/message.hpp"

namespace sluice::http {

struct H1Limits {
  std::uint32_t head_bytes = 64 * 1024;    // start line and fields together
  std::uint32_t target_bytes = 16 * 1024;  // of a request's target
  std::uint32_t fields = 256;
  std::uint32_t trailer_bytes = 16 * 1024;
  std::uint32_t chunk_line_bytes = 1024;  // chunk size and extensions
  std::uint64_t body_bytes = 0;           // of a request, without framing; 0 = no limit
};

// Legal in names, but CGI and its heirs read "_" and "-" as one.
enum class UnderscoreNames : std::uint8_t { kKeep, kDrop, kRefuse };

struct H1Options {
  H1Limits limits{};
  DesyncMode mode = DesyncMode::kDefensive;
  UnderscoreNames underscores = UnderscoreNames::kKeep;
};

// What next() saw. Each call consumes `consumed` bytes of its input and reports one event.
enum class H1Event : std::uint8_t {
  kNeedMore,  // all input consumed (body framing) or kept back (head): call again with more
  kHead,      // head() is complete
  kBody,      // `body` is a piece of the decoded body, a view into the input
  kComplete,  // the message ended; call reset() before the next one
  kError,     // error() says why and with which status to answer
};

struct H1Progress {
  H1Event event = H1Event::kNeedMore;
  std::size_t consumed = 0;
  std::string_view body;
};

struct H1Error {
  std::uint16_t status =
      400;  // 400, 413, 414, 417, 431, 501 or 505 for requests; 502 for responses
  H1Reason code = H1Reason::kNone;
  const char* reason =
      "";  // stable snake_case code = metric label, e.g. "bare_lf"; all in h1_reason.hpp
  std::string message;  // for the log
};

class H1RequestParser {
 public:
  explicit H1RequestParser(const H1Options& options = {});
  ~H1RequestParser();
  H1RequestParser(H1RequestParser&&) noexcept;
  H1RequestParser& operator=(H1RequestParser&&) noexcept;

  // In the head, kNeedMore has consumed == 0: pass the same bytes again with more behind them (the
  // caller keeps the head contiguous, at most limits.head_bytes). In the body every byte passed is
  // consumed as it is reported.
  [[nodiscard]] H1Progress next(std::string_view input);
  [[nodiscard]] const RequestHead& head() const;
  [[nodiscard]] RequestHead& head();
  // What came behind a chunked body, complete with kComplete; without what must not be a trailer.
  [[nodiscard]] const HeaderMap& trailers() const;
  // Of the head with kHead or kError; an error in the body adds to it.
  [[nodiscard]] const DesyncVerdict& verdict() const;
  [[nodiscard]] const H1Error& error() const;
  void reset();
  // Before the first byte of a request: another listener's options.
  void configure(const H1Options& options);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class H1ResponseParser {
 public:
  explicit H1ResponseParser(H1Limits limits = {});
  ~H1ResponseParser();
  H1ResponseParser(H1ResponseParser&&) noexcept;
  H1ResponseParser& operator=(H1ResponseParser&&) noexcept;

  // `request_method` decides framing (HEAD and CONNECT have none). A 1xx head is followed by
  // kComplete; the caller then calls reset() and reads on.
  void reset(std::string_view request_method);
  [[nodiscard]] H1Progress next(std::string_view input);
  // The upstream closed: ends a kUntilClose body (true) or means a truncated message (false).
  [[nodiscard]] bool finish();
  [[nodiscard]] const ResponseHead& head() const;
  [[nodiscard]] ResponseHead& head();
  [[nodiscard]] const HeaderMap& trailers() const;
  [[nodiscard]] const H1Error& error() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Serialisers append to `out`. They write what the head says (fields in order, hop-by-hop fields
// already decided by the caller through strip_hop_by_hop) plus the framing fields that `body`
// needs; never raw input bytes. Content-Length or Transfer-Encoding is written where the fields have
// it, with its name as it stands there and the value that `body` needs (at the end when there is
// none); the other one is left out, so that a head never has two framings.
//
// The target written is path and query (origin-form), or the authority for CONNECT; Host is added
// when it is missing. A request always says HTTP/1.1, so a chunked body is fine. TE: trailers is said
// again for a client that said it.
void write_request_head(const RequestHead& head, std::string& out);
// Says Connection: close without keep_alive or with kUntilClose, keep-alive to an HTTP/1.0 client
// (minor_version 0); not when the fields have a Connection (101). A response without a body to a
// GET needs kLength 0, not kNone. Never give kChunked to an HTTP/1.0 client.
void write_response_head(const ResponseHead& head, bool keep_alive, std::string& out);
void write_chunk(std::string_view data, std::string& out);  // one chunk with its size line
void write_last_chunk(std::string& out);                    // no trailers
// To a server, or to a client whose request accepts_trailers (RFC 9110 6.5.1); else leave them out.
void write_last_chunk(const HeaderMap& trailers, std::string& out);

// Drops Connection, what it names, Keep-Alive, Proxy-Connection, TE and Upgrade (RFC 9110 7.6.1).
// Content-Length and Transfer-Encoding stay, as the place where the serialisers write the framing.
// Connection cannot name these two, Host, Via or forwarding fields. True: more was dropped than what
// only says whether the connection is kept, so that the receiver of the message sees a difference.
bool strip_hop_by_hop(HeaderMap& headers);

[[nodiscard]] std::string_view reason_phrase(std::uint16_t status);

}  // namespace sluice::http
