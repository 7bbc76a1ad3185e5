// SPDX-License-Identifier: Apache-2.0
#include "agent/telemetry/access_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace sluice::telemetry {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// What stands for itself in both forms; the blank does not in words. The rest is escaped: quotes and backslashes,
// control characters, and every byte above 0x7e, whose encoding nobody knows.
constexpr std::array<bool, 256> plain(bool blank) {
  std::array<bool, 256> out{};
  for (std::size_t c = blank ? 0x20 : 0x21; c <= 0x7e; ++c) out[c] = c != '"' && c != '\\';
  return out;
}
constexpr auto kPlain = plain(true);
constexpr auto kPlainWord = plain(false);

constexpr std::size_t kLongestEscape = 6;  // \u00ff
// Names, numbers, times and addresses of a line: some 400 bytes in JSON, with addresses of IPv6.
constexpr std::size_t kFixed = 1024;

}  // namespace

std::string_view AccessLineWriter::write(const AccessLine& line) {
  // Room for the longest line that this can become, so that nothing below has to ask.
  std::size_t most = kFixed;
  for (const std::string_view value :
       {line.method, line.authority, line.path, line.protocol, line.reason, line.route, line.file,
        line.cluster, line.request_id, line.tier}) {
    most += std::min(value.size(), kMaxValue) * kLongestEscape;
  }
  if (memory_.size() < most) memory_.resize(most);
  at_ = memory_.data();
  if (json_) {
    write_json(line);
  } else {
    write_text(line);
  }
  put('\n');
  return {memory_.data(), static_cast<std::size_t>(at_ - memory_.data())};
}

void AccessLineWriter::write_text(const AccessLine& line) {
  time(line.start);
  put(' ');
  address(line.downstream);
  put(" \"");
  escaped(line.method, false);
  put(' ');
  escaped(line.authority, false);
  put(' ');
  escaped(line.path, false);
  put(' ');
  escaped(line.protocol, false);
  put("\" ");
  number(line.status);
  put(' ');
  word(line.reason);
  put(" in=");
  number(line.bytes_in);
  put(" out=");
  number(line.bytes_out);
  put(" total_ms=");
  milliseconds(line.total);
  put(" upstream_ms=");
  milliseconds(line.upstream_time);
  put(" lb_ms=");
  milliseconds(line.lb_time);
  put(" upstream=");
  if (line.upstream) {
    address(*line.upstream);
  } else {
    put('-');
  }
  put(" cluster=");
  word(line.cluster);
  put(" route=");
  word(line.route);
  put(" at=");
  place(line);
  put(" attempts=");
  number(line.attempts);
  put(" tier=");
  word(line.tier);
  put(" id=");
  word(line.request_id);
  put(" peer=");
  address(line.peer);
  put(" requests=");
  number(line.requests);
}

void AccessLineWriter::write_json(const AccessLine& line) {
  put("{\"start\":\"");
  time(line.start);
  put('"');
  const auto text = [this](std::string_view name, std::string_view value) {
    key(name);
    quoted(value);
  };
  const auto count = [this](std::string_view name, std::uint64_t value) {
    key(name);
    number(value);
  };
  const auto duration = [this](std::string_view name, Nanoseconds value) {
    key(name);
    milliseconds(value);
  };
  key("downstream");
  put('"');
  address(line.downstream);
  put('"');
  key("upstream");
  if (line.upstream) {
    put('"');
    address(*line.upstream);
    put('"');
  } else {
    put("null");
  }
  text("method", line.method);
  text("authority", line.authority);
  text("path", line.path);
  text("protocol", line.protocol);
  count("status", line.status);
  text("reason", line.reason);
  count("bytes_in", line.bytes_in);
  count("bytes_out", line.bytes_out);
  duration("total_ms", line.total);
  duration("upstream_ms", line.upstream_time);
  duration("lb_ms", line.lb_time);
  text("cluster", line.cluster);
  text("route", line.route);
  key("at");
  put('"');
  place(line);
  put('"');
  count("attempts", line.attempts);
  text("tier", line.tier);
  text("request_id", line.request_id);
  key("peer");
  put('"');
  address(line.peer);
  put('"');
  count("requests", line.requests);
  put('}');
}

// RFC 3339 with milliseconds, UTC.
void AccessLineWriter::time(std::chrono::system_clock::time_point at) {
  const auto since = at.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  if (seconds.count() != second_) {
    second_ = seconds.count();
    const std::time_t when = static_cast<std::time_t>(second_);
    std::tm parts{};
    gmtime_r(&when, &parts);
    char text[40];
    second_text_.assign(text, std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.", &parts));
  }
  const auto rest = std::chrono::duration_cast<Milliseconds>(since - seconds).count();
  put(second_text_);
  put(static_cast<char>('0' + rest / 100));
  put(static_cast<char>('0' + rest / 10 % 10));
  put(static_cast<char>('0' + rest % 10));
  put('Z');
}

// IPv4 by hand: inet_ntop and a string of its own took a third of a line's time.
void AccessLineWriter::address(const SocketAddress& address) {
  if (!address.ip.is_v4()) {
    put(to_string(address));
    return;
  }
  for (std::size_t i = 12; i < 16; ++i) {
    if (i > 12) put('.');
    number(address.ip.bytes[i]);
  }
  put(':');
  number(address.port);
}

void AccessLineWriter::number(std::uint64_t value) {
  constexpr std::ptrdiff_t kDigits = 20;
  at_ = std::to_chars(at_, at_ + kDigits, value).ptr;
}

void AccessLineWriter::milliseconds(Nanoseconds value) {
  const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0) / 1000);
  number(micros / 1000);
  put('.');
  put(static_cast<char>('0' + micros / 100 % 10));
  put(static_cast<char>('0' + micros / 10 % 10));
  put(static_cast<char>('0' + micros % 10));
}

void AccessLineWriter::word(std::string_view value) {
  if (value.empty()) {
    put('-');
  } else {
    escaped(value, true);
  }
}

void AccessLineWriter::quoted(std::string_view value) {
  put('"');
  escaped(value, false);
  put('"');
}

void AccessLineWriter::escaped(std::string_view value, bool spaces) {
  const bool cut = value.size() > kMaxValue;
  if (cut) value = value.substr(0, kMaxValue);
  const auto& stands = spaces ? kPlainWord : kPlain;
  const std::string_view lead = json_ ? "\\u00" : "\\x";
  char* at = at_;  // of our own: a byte that is written might change the object's
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (stands[byte]) [[likely]] {
      *at++ = c;
    } else if (c == '"' || c == '\\') {
      *at++ = '\\';
      *at++ = c;
    } else {
      at = std::ranges::copy(lead, at).out;
      *at++ = kHex[byte >> 4];
      *at++ = kHex[byte & 15];
    }
  }
  at_ = at;
  if (cut) put("...");
}

void AccessLineWriter::place(const AccessLine& line) {
  if (line.file.empty()) {
    if (!json_) put('-');
    return;
  }
  escaped(line.file, !json_);
  if (line.file_line == 0) return;
  put(':');
  number(static_cast<std::uint64_t>(line.file_line));
}

void AccessLineWriter::key(std::string_view name) {
  put(",\"");
  put(name);
  put("\":");
}

}  // namespace sluice::telemetry
