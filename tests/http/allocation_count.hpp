// SPDX-License-Identifier: Apache-2.0
// Counts the calls of operator new in the whole program: link allocation_count.cpp. Thread: any.
#pragma once
#include <cstddef>

namespace sluice::http::testing {
[[nodiscard]] std::size_t allocation_count();
}  // namespace sluice::http::testing
