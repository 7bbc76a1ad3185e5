// SPDX-License-Identifier: Apache-2.0
#include "tests/support/load_options.hpp"

#include <cstdio>
#include <cstdlib>
#include <limits>

#include "tests/support/flags.hpp"

namespace sluice::support {
namespace {

constexpr const char* kPurpose =
    R"(sends many HTTP/1.1 requests at once to echo-servers behind a load balancer and checks each answer.

Exit code 0 only when every request was answered as it should be. Checked: status, version, that the answer belongs to
this request, body bytes and hash, and the server's hash of what was uploaded.
--mix random draws per request: 50 % GET, 20 % POST with Content-Length, 15 % POST in chunks, 10 % HEAD, 5 % status 204;
bodies 0 to --max-body, log-uniform.)";

void add_traffic_flags(Flags& flags, LoadOptions& out) {
  flags.add("--target", "ADDR:PORT", "where to connect; repeatable, connections take turns",
            [&out](std::string_view text) {
              const auto address = SocketAddress::parse(text);
              if (address) out.targets.push_back(*address);
              return address.has_value();
            });
  flags.add_number("--connections", "N", "at once (1)", out.connections);
  flags.add_number("--requests", "N", "in total (1000)", out.requests);
  flags.add_switch("--even", "each connection sends requests / connections of them, and then rests",
                   out.even);
  flags.add("--duration", "SECONDS", "run by time instead of by count", [&out](auto text) {
    out.requests = std::numeric_limits<std::uint64_t>::max();
    return parse_number(text, out.duration_s) && out.duration_s > 0;
  });
  flags.add("--mix", "small|random", "GET of --path only, or everything (small)",
            [&out](std::string_view text) {
              out.mixed = text == "random";
              return text == "random" || text == "small";
            });
  flags.add_number("--max-body", "BYTES", "largest body of --mix random (8388608)", out.max_body);
  flags.add_number("--expect", "PERCENT", "of the uploads wait for 100 Continue (0)",
                   out.expect_percent);
  flags.add_text("--host", "NAME", "Host field (echo.example)", out.host);
  flags.add_text("--path", "PATH", "of --mix small (/)", out.path);
  flags.add("--header", "'NAME: VALUE'", "further field, repeatable",
            [&out](std::string_view text) {
              out.headers.emplace_back(text);
              return text.find(':') != std::string_view::npos;
            });
}

void add_connection_flags(Flags& flags, LoadOptions& out) {
  flags.add_range("--requests-per-connection", "then closes; 0: never (0)", out.per_connection_min,
                  out.per_connection_max);
  flags.add("--connect-per-request", "", "the same as --requests-per-connection 1",
            [&out](std::string_view) {
              out.per_connection_min = out.per_connection_max = 1;
              return true;
            });
  flags.add_switch("--announce-close", "the last request of a connection says Connection: close",
                   out.announce_close);
  flags.add_range("--segment", "bytes a write, log-uniform (all that fits)", out.segment_min,
                  out.segment_max);
  flags.add_range("--think-ms", "pause between requests of a connection (0)", out.think_min_ms,
                  out.think_max_ms);
  flags.add_number("--mss", "BYTES", "TCP_MAXSEG of the sockets", out.mss);
  flags.add_number("--receive-buffer", "BYTES", "SO_RCVBUF: small values close the window",
                   out.receive_buffer);
  flags.add_number("--stall", "SECONDS", "without a byte is an error (15)", out.stall_s);
  flags.add_number("--seed", "N", "of all random choices (1)", out.seed);
  flags.add_switch("--allow-idle-close", "a server may close an idle connection",
                   out.allow_idle_close);
  flags.add_switch("--json", "print the summary as JSON", out.json);
  flags.add_switch("--progress", "a line a second on standard error", out.progress);
}

}  // namespace

LoadOptions parse_load_options(int argc, char** argv) {
  LoadOptions out;
  Flags flags("load-client", kPurpose);
  add_traffic_flags(flags, out);
  add_connection_flags(flags, out);
  flags.parse(argc, argv);
  const char* wrong = nullptr;
  if (out.targets.empty()) wrong = "--target is missing";
  if (out.connections == 0 || out.connections > 20000) wrong = "--connections: 1 to 20000";
  if (out.stall_s == 0) wrong = "--stall must be at least 1";
  if (out.segment_max != 0 && out.segment_min == 0) wrong = "--segment must be at least 1";
  if (wrong != nullptr) {
    std::fprintf(stderr, "load-client: %s (see --help)\n", wrong);
    std::exit(2);
  }
  return out;
}

}  // namespace sluice::support
