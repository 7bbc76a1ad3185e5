// SPDX-License-Identifier: Apache-2.0
// proxy-by-hand PORT ENDPOINT...: one worker in the request tier on PORT, round robin over the endpoints (ADDR:PORT),
// until standard input ends; then prints what it counted. For measuring and trying; tests do not use it.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "agent/base/log.hpp"
#include "agent/proxy/worker.hpp"
#include "tests/integration/proxy/testing_world.hpp"

int main(int argc, char** argv) {
  using namespace sluice;  // NOLINT: a program, not a header
  if (argc < 3) {
    std::fprintf(stderr, "usage: proxy-by-hand PORT ADDR:PORT...\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  if (std::getenv("DEBUG") != nullptr) log::configure(log::Format::kText, log::Level::kDebug);
  proxy::testing::WorldOptions world;
  world.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  world.subsets.push_back({});
  for (int i = 2; i < argc; ++i) {
    const auto endpoint = SocketAddress::parse(argv[i]);
    if (!endpoint) return 2;
    world.subsets[0].endpoints.push_back(*endpoint);
  }
  const SteadyClock clock;
  auto worker = proxy::Worker::create({}, clock, nullptr);
  auto socket = proxy::make_listening_socket(std::nullopt, world.port);
  if (!worker || !socket) {
    std::fprintf(stderr, "%s\n", (!worker ? worker.error() : socket.error()).message.c_str());
    return 1;
  }
  (*worker)->start();
  (*worker)->publish(proxy::testing::make_snapshot(world));
  (*worker)->add_listening_socket(std::move(*socket));
  while (std::getchar() != EOF) {
  }
  const auto report = (*worker)->report(Milliseconds(1000));
  (*worker)->stop(Milliseconds(0));
  if (!report) return 1;
  std::printf("accepted %lu requests %lu connects %lu reuses %lu\n", report->connections_accepted,
              report->requests, report->upstream_connects, report->upstream_reuses);
  for (std::size_t i = 0; i < report->endings.size(); ++i) {
    if (report->endings[i] == 0) continue;
    std::printf("%s %lu\n", proxy::label_of(static_cast<proxy::Ending>(i)), report->endings[i]);
  }
  return 0;
}
