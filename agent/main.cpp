// SPDX-License-Identifier: Apache-2.0
// lb-agent: Sluice's daemon for one node.
#include <cstdio>
#include <cstdlib>

#include "agent/app/options.hpp"
#include "agent/app/supervisor.hpp"
#include "agent/base/log.hpp"

int main(int argc, char** argv) {
  auto parsed = sluice::app::parse_options(argc, argv);
  if (parsed.exit) {
    std::fputs(parsed.exit->text.c_str(), parsed.exit->code == 0 ? stdout : stderr);
    return parsed.exit->code;
  }
  sluice::log::configure(parsed.options.log_format, parsed.options.log_level);
  auto supervisor = sluice::app::Supervisor::start(std::move(parsed.options));
  if (!supervisor) {
    sluice::log::error("app", "cannot start: {}", supervisor.error().message);
    return EXIT_FAILURE;
  }
  return (*supervisor)->run();
}
