// SPDX-License-Identifier: Apache-2.0
// verifier-log FILE: measures all programs and writes the table. Run by tools/verifier/update, as root.
#include <cstdio>
#include <fstream>

#include "tools/verifier/costs.hpp"

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: verifier-log FILE\n");
    return 2;
  }
  const auto costs = sluice::verifier::measure();
  if (costs.empty()) {
    std::fprintf(stderr, "verifier-log: the kernel did not load the programs: run as root\n");
    return 1;
  }
  std::ofstream out(arguments[1]);
  out << sluice::verifier::to_markdown(costs, sluice::verifier::kernel_release());
  return out.good() ? 0 : 1;
}
