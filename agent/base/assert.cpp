// SPDX-License-Identifier: Apache-2.0
#include "agent/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace sluice {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s (a defect in Sluice: please report it)\n", file,
               line, expression);
  std::abort();
}

}  // namespace sluice
