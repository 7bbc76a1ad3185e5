// SPDX-License-Identifier: Apache-2.0
// What a run of load-client is told to do. Plain data. Thread: main.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/ip_address.hpp"

namespace sluice::support {

struct LoadOptions {
  std::vector<SocketAddress> targets;  // connection i goes to targets[i % size]
  std::uint32_t connections = 1;
  std::uint64_t requests = 1000;  // over all connections
  std::uint32_t duration_s = 0;   // 0: until `requests` are done
  bool even = false;              // every connection sends the same number of the requests
  bool mixed = false;             // false: GET path; true: the random mix
  std::uint64_t max_body = 8UL << 20;
  std::uint32_t expect_percent = 0;                              // of the requests with a body
  std::uint32_t per_connection_min = 0, per_connection_max = 0;  // 0: never closes
  std::uint32_t segment_min = 0, segment_max = 0;                // 0: as much as the socket takes
  std::uint32_t think_min_ms = 0, think_max_ms = 0;
  std::uint32_t mss = 0;
  std::uint32_t receive_buffer = 0;
  std::uint32_t stall_s = 15;
  std::uint64_t seed = 1;
  bool allow_idle_close = false;
  bool announce_close = false;  // the last request of a connection says Connection: close
  std::string host = "echo.example";
  std::string path = "/";
  std::vector<std::string> headers;  // "Name: value"
  bool json = false;
  bool progress = false;
};

// Ends the program when the command line is wrong.
[[nodiscard]] LoadOptions parse_load_options(int argc, char** argv);

}  // namespace sluice::support
