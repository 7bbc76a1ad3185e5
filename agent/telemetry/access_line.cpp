// SPDX-License-Identifier: Apache-2.0
#include "agent/telemetry/access_line.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace sluice::telemetry {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// What stands for itself in both forms. The rest is escaped: quotes and backslashes, control characters, and every
// byte above 0x7e, whose encoding nobody knows.
constexpr bool is_plain(char c) { return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\'; }

}  // namespace

std::string_view AccessLineWriter::write(const AccessLine& line) {
  out_.clear();
  if (json_) {
    write_json(line);
  } else {
    write_text(line);
  }
  out_.push_back('\n');
  return out_;
}

void AccessLineWriter::write_text(const AccessLine& line) {
  time(line.start);
  out_.push_back(' ');
  address(line.downstream);
  out_.append(" \"");
  escaped(line.method, false);
  out_.push_back(' ');
  escaped(line.authority, false);
  out_.push_back(' ');
  escaped(line.path, false);
  out_.push_back(' ');
  escaped(line.protocol, false);
  out_.append("\" ");
  number(line.status);
  out_.push_back(' ');
  word(line.reason);
  out_.append(" in=");
  number(line.bytes_in);
  out_.append(" out=");
  number(line.bytes_out);
  out_.append(" total_ms=");
  milliseconds(line.total);
  out_.append(" upstream_ms=");
  milliseconds(line.upstream_time);
  out_.append(" lb_ms=");
  milliseconds(line.lb_time);
  out_.append(" upstream=");
  if (line.upstream) {
    address(*line.upstream);
  } else {
    out_.push_back('-');
  }
  out_.append(" cluster=");
  word(line.cluster);
  out_.append(" route=");
  word(line.route);
  out_.append(" at=");
  place(line);
  out_.append(" attempts=");
  number(line.attempts);
  out_.append(" tier=");
  word(line.tier);
  out_.append(" id=");
  word(line.request_id);
}

void AccessLineWriter::write_json(const AccessLine& line) {
  out_.append("{\"start\":\"");
  time(line.start);
  out_.push_back('"');
  const auto text = [this](const char* name, std::string_view value) {
    key(name);
    quoted(value);
  };
  const auto count = [this](const char* name, std::uint64_t value) {
    key(name);
    number(value);
  };
  const auto duration = [this](const char* name, Nanoseconds value) {
    key(name);
    milliseconds(value);
  };
  key("downstream");
  out_.push_back('"');
  address(line.downstream);
  out_.push_back('"');
  key("upstream");
  if (line.upstream) {
    out_.push_back('"');
    address(*line.upstream);
    out_.push_back('"');
  } else {
    out_.append("null");
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
  out_.push_back('"');
  place(line);
  out_.push_back('"');
  count("attempts", line.attempts);
  text("tier", line.tier);
  text("request_id", line.request_id);
  out_.push_back('}');
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
  out_.append(second_text_);
  out_.push_back(static_cast<char>('0' + rest / 100));
  out_.push_back(static_cast<char>('0' + rest / 10 % 10));
  out_.push_back(static_cast<char>('0' + rest % 10));
  out_.push_back('Z');
}

// IPv4 by hand: inet_ntop and a string of its own took a third of a line's time.
void AccessLineWriter::address(const SocketAddress& address) {
  if (!address.ip.is_v4()) {
    out_.append(to_string(address));
    return;
  }
  for (std::size_t i = 12; i < 16; ++i) {
    if (i > 12) out_.push_back('.');
    number(address.ip.bytes[i]);
  }
  out_.push_back(':');
  number(address.port);
}

void AccessLineWriter::number(std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  out_.append(digits, static_cast<std::size_t>(end - digits));
}

void AccessLineWriter::milliseconds(Nanoseconds value) {
  const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0) / 1000);
  number(micros / 1000);
  out_.push_back('.');
  out_.push_back(static_cast<char>('0' + micros / 100 % 10));
  out_.push_back(static_cast<char>('0' + micros / 10 % 10));
  out_.push_back(static_cast<char>('0' + micros % 10));
}

void AccessLineWriter::word(std::string_view value) {
  if (value.empty()) {
    out_.push_back('-');
  } else {
    escaped(value, true);
  }
}

void AccessLineWriter::quoted(std::string_view value) {
  out_.push_back('"');
  escaped(value, false);
  out_.push_back('"');
}

void AccessLineWriter::escaped(std::string_view value, bool spaces) {
  const bool cut = value.size() > kMaxValue;
  if (cut) value = value.substr(0, kMaxValue);
  std::size_t done = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (is_plain(c) && (!spaces || c != ' ')) continue;
    out_.append(value.substr(done, i - done));
    done = i + 1;
    if (c == '"' || c == '\\') {
      out_.push_back('\\');
      out_.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out_.append(json_ ? "\\u00" : "\\x");
    out_.push_back(kHex[byte >> 4]);
    out_.push_back(kHex[byte & 15]);
  }
  out_.append(value.substr(done));
  if (cut) out_.append("...");
}

void AccessLineWriter::place(const AccessLine& line) {
  if (line.file.empty()) {
    if (!json_) out_.push_back('-');
    return;
  }
  escaped(line.file, !json_);
  if (line.file_line == 0) return;
  out_.push_back(':');
  number(static_cast<std::uint64_t>(line.file_line));
}

void AccessLineWriter::key(const char* name) { out_.append(",\"").append(name).append("\":"); }

}  // namespace sluice::telemetry
