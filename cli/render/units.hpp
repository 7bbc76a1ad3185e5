// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them. Pure. Thread: any.
#pragma once
#include <cstdint>
#include <string>

namespace sluice::cli {

[[nodiscard]] std::string human_bytes(std::uint64_t bytes);  // "512 B", "28.4 MiB"
[[nodiscard]] std::string human_seconds(
    double seconds);  // "0.4s", "12s", "3m 5s", "2h 10m", "4d 3h"
[[nodiscard]] std::string human_percent(double percent);  // "80 %", "0.1 %", "33.33 %"
[[nodiscard]] std::string human_count(std::uint64_t count, const char* singular,
                                      const char* plural);
[[nodiscard]] std::string grouped(std::uint64_t number);  // "1,234,567"

}  // namespace sluice::cli
