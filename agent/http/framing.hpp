// SPDX-License-Identifier: Apache-2.0
// Framing: collects, while a head is read, the fields that decide where the message ends and what
// becomes of the connection (RFC 9112 6.3, 9.3), and refuses every combination with two readings.
// Called by the parsers. Thread: worker. Invariants: at most one Content-Length, or else one
// Transfer-Encoding that is exactly "chunked".
#pragma once
#include <cstdint>
#include <string_view>

#include "agent/http/desync.hpp"
#include "agent/http/h1_reason.hpp"
#include "agent/http/message.hpp"
#include "agent/http/syntax.hpp"

namespace sluice::http {

class Framing {
 public:
  // Every field of the head, in order. `index` is its place in the head's HeaderMap. After
  // kDuplicateContentLength or kLookalikeFieldName one may go on without the field.
  [[nodiscard]] H1Reason on_field(const FieldLine& field, std::size_t index);

  // At the end of the head: check what only the whole can tell, and fill in the derived members.
  // `judge` decides about what the RFCs let pass.
  [[nodiscard]] H1Reason finish(RequestHead& head, DesyncJudge& judge) const;
  [[nodiscard]] H1Reason finish(ResponseHead& head, bool to_head, bool to_connect) const;

  // The last field may be continued by a folded line: it decides nothing.
  [[nodiscard]] bool foldable() const { return foldable_; }
  [[nodiscard]] bool chunked() const { return has_encoding_; }
  [[nodiscard]] std::uint64_t length() const { return content_length_; }

  void reset() { *this = {}; }

 private:
  [[nodiscard]] H1Reason on_content_length(const FieldLine& field);
  [[nodiscard]] H1Reason on_transfer_encoding(const FieldLine& field);
  [[nodiscard]] H1Reason on_host(const FieldLine& field, std::size_t index);
  [[nodiscard]] H1Reason on_expect(const FieldLine& field);
  [[nodiscard]] H1Reason on_connection(std::string_view value);
  [[nodiscard]] H1Reason on_te(std::string_view value);
  [[nodiscard]] H1Reason check_combination(std::uint8_t minor_version) const;
  [[nodiscard]] H1Reason check_host(RequestHead& head, DesyncJudge& judge) const;
  [[nodiscard]] H1Reason check_oddities(const RequestHead& head, DesyncJudge& judge) const;
  [[nodiscard]] bool keep_alive(std::uint8_t minor_version) const;

  std::uint64_t content_length_ = 0;
  std::size_t host_index_ = 0;
  bool has_length_ = false;
  bool has_encoding_ = false;
  bool has_host_ = false;
  bool duplicate_host_ = false;
  bool valid_host_ = false;
  bool close_ = false;
  bool persistent_ = false;
  bool connection_upgrade_ = false;
  bool has_upgrade_ = false;
  bool continue_ = false;
  bool other_expectation_ = false;
  bool names_protected_ = false;
  bool trailers_ = false;
  bool foldable_ = false;
};

}  // namespace sluice::http
