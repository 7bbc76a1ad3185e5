// SPDX-License-Identifier: Apache-2.0
// LB_ASSERT: for what cannot happen unless our own code is wrong; never for input. Kept in release builds.
#pragma once

namespace sluice {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
}

#define LB_ASSERT(expression) \
  ((expression) ? (void)0 : ::sluice::assertion_failed(#expression, __FILE__, __LINE__))
