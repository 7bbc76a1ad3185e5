// SPDX-License-Identifier: Apache-2.0
// read_directory: the texts of a configuration directory. Called by translator.cpp. Thread: main.
// Invariants: never blocks on what is no regular file; never reads more than the limits.
#pragma once
#include <string>
#include <vector>

#include "agent/base/error.hpp"

namespace sluice::config {

inline constexpr std::size_t kMaxFiles = 10'000;
inline constexpr std::size_t kMaxDirectoryBytes = 256u << 20;

struct FileText {
  std::string path;  // directory + "/" + name
  Result<std::string> text;
};

// *.yaml and *.yml directly in the directory, sorted by name; names that begin with a dot are not
// read (editors' copies, and the ..data of ConfigMap mounts, to which the visible names link).
// Fails when the directory cannot be read.
[[nodiscard]] Result<std::vector<FileText>> read_directory(const std::string& directory);

}  // namespace sluice::config
