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

void append_field(std::string_view name, std::string_view value, std::string& out) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_framing(BodyKind framing, std::string_view name, std::uint64_t length,
                    std::string& out) {
  out.append(name).append(": ");
  if (framing == BodyKind::kLength) {
    append_number(length, 10, out);
  } else {
    out.append("chunked");
  }
  out.append("\r\n");
}

// kNone for every other field.
BodyKind framing_of(std::string_view name) {
  if (name.size() == 14 && equals_ignore_case(name, "Content-Length")) return BodyKind::kLength;
  if (name.size() == 17 && equals_ignore_case(name, "Transfer-Encoding")) {
    return BodyKind::kChunked;
  }
  return BodyKind::kNone;
}

// `framing` is kLength, kChunked or kNone. Its field keeps its sender's place and spelling, because
// the receiver sees them when the connection is steered; without one it goes to the end.
void append_fields(const HeaderMap& headers, BodyKind framing, std::uint64_t length,
                   std::string& out) {
  bool framed = framing == BodyKind::kNone;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const HeaderMap::Field field = headers.at(i);
    const BodyKind kind = framing_of(field.name);
    if (kind == BodyKind::kNone) {
      append_field(field.name, field.value, out);
    } else if (kind == framing && !framed) {
      append_framing(framing, field.name, length, out);
      framed = true;
    }
  }
  if (framed) return;
  append_framing(framing, framing == BodyKind::kLength ? "Content-Length" : "Transfer-Encoding",
                 length, out);
}

BodyKind response_framing(const ResponseHead& head) {
  if (head.body == BodyKind::kChunked) return BodyKind::kChunked;
  if (head.body == BodyKind::kUntilClose || head.status < 200 || head.status == 204) {
    return BodyKind::kNone;
  }
  if (head.body == BodyKind::kLength) return BodyKind::kLength;
  // HEAD and 304: what the body would have had (RFC 9110 8.6, RFC 9112 6.1).
  if (head.content_length > 0 || head.headers.has("Content-Length")) return BodyKind::kLength;
  const bool chunked = head.minor_version >= 1 && head.headers.has("Transfer-Encoding");
  return chunked ? BodyKind::kChunked : BodyKind::kNone;
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
  append_fields(head.headers, head.body, head.content_length, out);
  // RFC 9110 10.1.4: TE is said to one hop, and so named by Connection.
  if (head.accepts_trailers && !head.headers.has("TE")) {
    append_field("TE", "trailers", out);
    if (!head.headers.has("Connection")) append_field("Connection", "TE", out);
  }
  out.append("\r\n");
}

void write_response_head(const ResponseHead& head, bool keep_alive, std::string& out) {
  out.append("HTTP/1.1 ");
  append_number(head.status, 10, out);
  out.append(" ").append(head.reason).append("\r\n");
  append_fields(head.headers, response_framing(head), head.content_length, out);
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

void write_last_chunk(const HeaderMap& trailers, std::string& out) {
  out.append("0\r\n");
  for (std::size_t i = 0; i < trailers.size(); ++i) {
    append_field(trailers.at(i).name, trailers.at(i).value, out);
  }
  out.append("\r\n");
}

}  // namespace sluice::http
