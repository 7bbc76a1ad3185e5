// SPDX-License-Identifier: Apache-2.0
// What the verifier says of each program: how many instructions it had to look at, and how long the program became.
// Used by the tool that writes docs/verifier-log.md and by the test that holds it. Thread: one. Needs root.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::verifier {

struct Cost {
  std::string program;
  std::uint64_t verified = 0;  // instructions looked at, all paths; the kernel's limit is a million
  std::uint64_t instructions = 0;  // of the program itself, after the kernel's rewriting
};

// Empty when the kernel refuses the objects.
[[nodiscard]] std::vector<Cost> measure();
[[nodiscard]] std::string kernel_release();  // "6.18": another kernel's verifier counts otherwise
[[nodiscard]] std::string to_markdown(const std::vector<Cost>& costs, const std::string& release);

struct Log {
  std::string release;
  std::vector<Cost> costs;
};
[[nodiscard]] std::optional<Log> from_markdown(const std::string& text);

}  // namespace sluice::verifier
