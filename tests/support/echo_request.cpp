// SPDX-License-Identifier: Apache-2.0
#include "tests/support/echo_request.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "tests/support/flags.hpp"

namespace sluice::support {
namespace {

constexpr std::uint64_t kSizeLimit = 1ULL << 32;
constexpr std::uint32_t kFieldLimit = 2000;

template <typename Visit>
void each_parameter(std::string_view query, Visit visit) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    visit(pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size())));
  }
}

bool set_control(std::string_view key, std::string_view value, EchoControls& out) {
  if (key == "size") {
    out.pattern = true;
    return parse_number(value, out.size) && out.size <= kSizeLimit;
  }
  if (key == "seed") return parse_number(value, out.seed);
  if (key == "delay") return parse_number(value, out.delay_ms);
  if (key == "stream") return parse_number(value, out.pieces);
  if (key == "interval") return parse_number(value, out.interval_ms);
  if (key == "status") {
    return parse_number(value, out.status) && out.status >= 200 && out.status <= 599;
  }
  if (key == "headers") {
    return parse_number(value, out.extra_fields) && out.extra_fields <= kFieldLimit;
  }
  if (key == "chunked") out.chunked = value == "1";
  if (key == "trailers") out.trailers = value == "1";
  if (key == "early") out.early = value == "1";
  if (key == "tag") out.tag = value;
  if (key == "close" && value == "early") out.misbehave = Misbehave::kCloseInBody;
  if (key == "reset" && value == "1") out.misbehave = Misbehave::kResetAtOnce;
  if (key == "reset" && value == "body") out.misbehave = Misbehave::kResetInBody;
  return true;
}

// JSON is UTF-8, header bytes are not: bytes above 0x7e are written as the code points of Latin-1
// (RFC 9110 5.5).
void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (const char raw : text) {
    const auto byte = static_cast<unsigned char>(raw);
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += raw;
    } else if (byte < 0x20 || byte > 0x7e) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", byte);
      out += escape.data();
    } else {
      out += raw;
    }
  }
  out += '"';
}

void append_member(std::string& out, std::string_view key, std::string_view value) {
  out += out.size() == 1 ? "\n  " : ",\n  ";
  append_json(out, key);
  out += ": ";
  append_json(out, value);
}

class PairList {
 public:
  PairList(std::string& out, std::string_view key) : out_(out) {
    out_ += ",\n  ";
    append_json(out_, key);
    out_ += ": [";
  }
  void add(std::string_view key, std::string_view value) {
    out_ += first_ ? "[" : ", [";
    first_ = false;
    append_json(out_, key);
    out_ += ", ";
    append_json(out_, value);
    out_ += ']';
  }
  void finish() { out_ += ']'; }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace

bool parse_controls(std::string_view query, EchoControls& out) {
  bool valid = true;
  each_parameter(query, [&](std::string_view key, std::string_view value) {
    valid = set_control(key, value, out) && valid;
  });
  return valid;
}

std::string describe_request(const WireHead& head, std::string_view hostname,
                             std::string_view version, std::string_view peer) {
  const std::string_view target = head.second;
  const auto mark = std::min(target.find('?'), target.size());
  std::string out = "{";
  append_member(out, "hostname", hostname);
  append_member(out, "version", version);
  append_member(out, "method", head.first);
  append_member(out, "path", target.substr(0, mark));
  append_member(out, "protocol", head.third);
  append_member(out, "peer", peer);
  PairList query(out, "query");
  each_parameter(target.substr(std::min(mark + 1, target.size())),
                 [&](std::string_view key, std::string_view value) { query.add(key, value); });
  query.finish();
  PairList fields(out, "headers");
  for (const auto& [key, value] : head.fields) fields.add(key, value);
  fields.finish();
  return out;
}

}  // namespace sluice::support
