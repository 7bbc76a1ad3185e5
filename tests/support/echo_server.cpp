// SPDX-License-Identifier: Apache-2.0
// echo-server: the backend of tests, benchmarks and the demo. `GET /` is a small fixed answer; any
// other path, or a body, is described as JSON; query parameters make it slow, large, chunked,
// streaming, or broken (see --help). Thread: main starts the loops.
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <thread>

#include "tests/support/echo_loop.hpp"
#include "tests/support/flags.hpp"

namespace {

using namespace sluice;           // NOLINT: a program, not a header
using namespace sluice::support;  // NOLINT

constexpr const char* kPurpose =
    R"(answers HTTP/1.1 requests, for tests of load balancers.

GET /          "hello from VERSION", with X-Version and X-Pod
anything else  JSON: hostname, version, method, path, query, headers, peer, body length and hash

query parameters, on any path:
  size=N&seed=S        a body of N reproducible bytes, X-Body-Hash tells their hash
  chunked=1            with chunked framing; trailers=1 adds a trailer field
  stream=N&interval=MS N pieces (chunked), each followed by a pause; size=N makes pieces larger
  delay=MS             waits before answering
  status=NNN           another status; headers=N adds N fields; tag=T comes back as X-Request-Tag
  early=1              answers at the head and closes without reading the body
  reset=1|body         RST instead of an answer, or in the middle of the body
  close=early          FIN in the middle of the body)";

int serve(const EchoIdentity& identity, std::vector<SocketAddress> addresses, unsigned threads) {
  std::vector<std::unique_ptr<EchoLoop>> loops;
  for (unsigned i = 0; i < threads; ++i) {
    loops.push_back(std::make_unique<EchoLoop>(identity));
    for (SocketAddress& address : addresses) {
      const auto bound = loops.back()->listen(address);
      if (!bound) {
        std::fprintf(stderr, "echo-server: %s\n", bound.error().message.c_str());
        return 1;
      }
      if (i == 0) std::printf("listening on %s\n", to_string(*bound).c_str());
      address = *bound;  // the other threads share the port that the kernel chose
    }
  }
  std::fflush(stdout);
  std::vector<std::thread> workers;
  for (unsigned i = 1; i < threads; ++i) {
    workers.emplace_back([loop = loops[i].get()] { loop->run(); });
  }
  loops[0]->run();
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<SocketAddress> addresses;
  std::string version = "v1";
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  std::string name = host.data();
  unsigned threads = 1;
  bool die_with_parent = false;
  Flags flags("echo-server", kPurpose);
  flags.add("--listen", "ADDR:PORT",
            "address to serve, repeatable; port 0: any; [::]: both families",
            [&addresses](std::string_view text) {
              const auto address = SocketAddress::parse(text);
              if (address) addresses.push_back(*address);
              return address.has_value();
            });
  flags.add_text("--version", "V", "what X-Version says (v1)", version);
  flags.add_text("--name", "NAME", "what X-Pod says (the host name)", name);
  flags.add_number("--threads", "N", "event loops, each with its own sockets (1)", threads);
  flags.add_switch("--die-with-parent", "end when the starting process ends", die_with_parent);
  flags.parse(argc, argv);
  if (addresses.empty() || threads == 0 || threads > 64) {
    std::fprintf(stderr, "echo-server: give --listen ADDR:PORT and 1 to 64 threads\n");
    return 2;
  }
  if (die_with_parent) prctl(PR_SET_PDEATHSIG, SIGTERM);
  std::signal(SIGPIPE, SIG_IGN);
  const EchoIdentity identity = make_identity(version, name);
  return serve(identity, std::move(addresses), threads);
}
