// SPDX-License-Identifier: Apache-2.0
// AccessLine: what the access log says about one request (or one connection), and how: one line of text or one JSON
// object. Called by the access log's sinks, once a request. Thread: one an AccessLineWriter.
// Invariants: a line has exactly one LF, at its end, whatever bytes a client sent; text is printable ASCII and each
// quoted value ends where its quote does; JSON is valid. A value longer than kMaxValue is cut and ends in "...".
#pragma once
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/clock.hpp"
#include "agent/base/ip_address.hpp"

namespace sluice::telemetry {

struct AccessLine {
  std::chrono::system_clock::time_point start;
  SocketAddress
      downstream;      // the client: who connected, or whom a trusted proxy names, with port 0 then
  SocketAddress peer;  // who connected
  std::optional<SocketAddress> upstream;
  std::string_view method;
  std::string_view authority;
  std::string_view path;      // with its query
  std::string_view protocol;  // "HTTP/1.1"
  std::uint16_t status = 0;   // 0 = none was sent
  std::string_view reason;    // why Sluice itself answered or ended it; empty otherwise
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  Nanoseconds total{0};
  Nanoseconds upstream_time{0};
  Nanoseconds lb_time{0};
  std::string_view route;    // "default/echo#0"; empty = none
  std::string_view file;     // where the route stands
  int file_line = 0;         // 0 = unknown
  std::string_view cluster;  // host, subset and port; empty = none
  std::uint32_t attempts = 0;
  std::string_view request_id;
  std::string_view
      tier;  // "request", or "connection" when the kernel took the connection with this request
  // That the line accounts for: 0 when the kernel took the connection with it, all that the kernel carried when that
  // is over.
  std::uint64_t requests = 0;
};

class AccessLineWriter {
 public:
  static constexpr std::size_t kMaxValue = 4096;

  explicit AccessLineWriter(bool json) : json_(json) {}

  // The line with its LF; valid until the next call. No allocation once warm.
  [[nodiscard]] std::string_view write(const AccessLine& line);

 private:
  void write_text(const AccessLine& line);
  void write_json(const AccessLine& line);
  void put(char c) { *at_++ = c; }
  void put(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void time(std::chrono::system_clock::time_point at);
  void address(const SocketAddress& address);
  void number(std::uint64_t value);
  void milliseconds(Nanoseconds value);
  void word(std::string_view value);    // escaped, spaces too; "-" for nothing
  void quoted(std::string_view value);  // escaped, in the form's way
  void escaped(std::string_view value, bool spaces);
  void place(const AccessLine& line);
  void key(std::string_view name);  // JSON: ,"name":

  std::string memory_;        // as long as the longest line so far might have become
  char* at_ = nullptr;        // where the next byte goes
  std::int64_t second_ = -1;  // that second_text_ is of
  std::string second_text_;
  bool json_;
};

}  // namespace sluice::telemetry
