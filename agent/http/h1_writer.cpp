// SPDX-License-Identifier: Apache-2.0
// The HTTP/1.1 serialisers of h1_codec.hpp. Thread: any. Invariants: one framing a head, whatever
// its fields say.
#include <charconv>

#include "agent/base/text.hpp"
#include "agent/http/h1_codec.hpp"

namespace sluice::http {
namespace {

void append_number(std::uint64_t value, int base, std::string& out) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value, base).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

bool is_framing(std::string_view name) {
  return (name.size() == 14 && equals_ignore_case(name, "Content-Length")) ||
         (name.size() == 17 && equals_ignore_case(name, "Transfer-Encoding"));
}

void append_field(std::string_view name, std::string_view value, std::string& out) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_fields(const HeaderMap& headers, std::string& out) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const HeaderMap::Field field = headers.at(i);
    if (!is_framing(field.name)) append_field(field.name, field.value, out);
  }
}

void append_length(std::uint64_t length, std::string& out) {
  out.append("Content-Length: ");
  append_number(length, 10, out);
  out.append("\r\n");
}

void append_target(const RequestHead& head, std::string& out) {
  if (head.method == "CONNECT") {
    out.append(head.authority);
    return;
  }
  out.append(head.path);
  // "/p?" and "/p" are two URIs (RFC 3986 6.2.3): `query` is empty in both.
  if (!head.query.empty() || head.target.ends_with('?')) out.append("?").append(head.query);
}

}  // namespace

void write_request_head(const RequestHead& head, std::string& out) {
  out.append(head.method).append(" ");
  append_target(head, out);
  out.append(" HTTP/1.1\r\n");
  if (!head.headers.has("Host")) append_field("Host", head.authority, out);
  append_fields(head.headers, out);
  if (head.body == BodyKind::kLength) {
    append_length(head.content_length, out);
  } else if (head.body == BodyKind::kChunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  }
  out.append("\r\n");
}

void write_response_head(const ResponseHead& head, bool keep_alive, std::string& out) {
  out.append("HTTP/1.1 ");
  append_number(head.status, 10, out);
  out.append(" ").append(head.reason).append("\r\n");
  append_fields(head.headers, out);
  const bool may_have_length = head.status >= 200 && head.status != 204;
  if (head.body == BodyKind::kLength) {
    if (may_have_length) append_length(head.content_length, out);
  } else if (head.body == BodyKind::kChunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (head.body == BodyKind::kNone && head.content_length > 0 && may_have_length) {
    append_length(head.content_length, out);
  }
  if (head.status >= 200 && !head.headers.has("Connection")) {
    if (!keep_alive || head.body == BodyKind::kUntilClose) {
      out.append("Connection: close\r\n");
    } else if (head.minor_version == 0) {
      out.append("Connection: keep-alive\r\n");
    }
  }
  out.append("\r\n");
}

void write_chunk(std::string_view data, std::string& out) {
  if (data.empty()) return;  // a chunk of size 0 would end the body
  append_number(data.size(), 16, out);
  out.append("\r\n").append(data).append("\r\n");
}

void write_last_chunk(std::string& out) { out.append("0\r\n\r\n"); }

}  // namespace sluice::http
