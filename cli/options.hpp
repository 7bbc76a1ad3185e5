// SPDX-License-Identifier: Apache-2.0
// Options: lbctl's command line as plain data. The only place that knows the argument parser.
// Thread: main.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::cli {

// What lbctl exits with: documented in docs/operations.md, relied upon by scripts.
inline constexpr int kExitOk = 0;
inline constexpr int kExitError = 1;  // the agent cannot be reached, or refuses
inline constexpr int kExitUsage = 2;  // the command line, or explain's URL, makes no sense
inline constexpr int kExitNotRouted =
    3;  // explain: the client would get an error from Sluice itself

enum class Command { kStatus, kRoutes, kFlows, kFollowFlows, kMoveFlows, kExplain };
enum class Format { kTable, kJson };

struct Options {
  Command command = Command::kStatus;
  std::string socket = "/run/sluice/agent.sock";
  Format format = Format::kTable;
  std::uint32_t limit = 0;  // flows; 0 = the agent's default
  bool follow = false;      // flows
  std::string client;       // flows move
  std::string endpoint;
  bool all = false;
  std::string method;  // explain
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
};

// The program ends here: help, version or a usage error. `text` belongs on standard output when
// exit_code is 0.
struct Ending {
  int exit_code = kExitOk;
  std::string text;
};

[[nodiscard]] std::variant<Options, Ending> parse_options(int argc, const char* const* argv,
                                                          const std::string& version);

}  // namespace sluice::cli
