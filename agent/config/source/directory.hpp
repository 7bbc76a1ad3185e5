// SPDX-License-Identifier: Apache-2.0
// read_directory, read_files: the texts of a configuration directory. Called by translator.cpp. Thread: main.
// Invariants: never blocks on what is no regular file; never reads more than the limits.
#pragma once
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/error.hpp"

namespace sluice::config {

inline constexpr std::size_t kMaxFiles = 10'000;
inline constexpr std::size_t kMaxDirectoryBytes = 256u << 20;

// What tells one version of a file from another without reading it.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;  // since 1970
  std::int64_t changed_ns = 0;

  bool operator==(const FileStamp&) const = default;
};

struct FileText {
  std::string path;  // directory + "/" + name
  Result<std::string> text;
  FileStamp stamp{};
  bool unchanged = false;  // `known` said so: the text was not read
  bool json = false;       // the text is a JSON object, not YAML
  bool gone = false;       // read_files(): there is no such file (any more)
};

// Is the file's text with this stamp known already?
using KnownFile = std::function<bool(const std::string& path, const FileStamp& stamp)>;

// *.yaml and *.yml directly in the directory, sorted by name; names that begin with a dot are not
// read (editors' copies, and the ..data of ConfigMap mounts, to which the visible names link).
// Fails when the directory cannot be read.
[[nodiscard]] Result<std::vector<FileText>> read_directory(const std::string& directory,
                                                           const KnownFile& known = {});

// Those of it that have these names, as read_directory() would give them. `total`: bytes of all its other files.
[[nodiscard]] std::vector<FileText> read_files(const std::string& directory,
                                               const std::set<std::string>& names,
                                               std::size_t total);
// The path of a file in it, as FileText has it.
[[nodiscard]] std::string path_in(const std::string& directory, const std::string& name);

}  // namespace sluice::config
