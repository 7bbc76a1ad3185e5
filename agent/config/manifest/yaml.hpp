// SPDX-License-Identifier: Apache-2.0
// parse_yaml: one file's text to its documents. The only user of the YAML library, whose throws end
// here. Thread: any. Invariants: never throws; time and memory are bounded by the limits of
// document_text and tree_builder.
#pragma once
#include <string_view>
#include <vector>

#include "agent/config/manifest/problem.hpp"

namespace sluice::config {

inline constexpr std::size_t kMaxFileBytes = 16u << 20;
inline constexpr std::size_t kMaxDocuments = 10'000;
inline constexpr std::size_t kMaxProblems = 100;  // then the rest of the file is not read

struct ParsedYaml {
  std::vector<Node> documents;    // those that could be read, in order
  std::vector<Problem> problems;  // one for each document that could not
};

[[nodiscard]] ParsedYaml parse_yaml(std::string_view text);

}  // namespace sluice::config
