// SPDX-License-Identifier: Apache-2.0
// Loader: the decoded objects of a directory's files. A file whose text did not change is not parsed again.
// Called by translator.cpp. Thread: main.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/config/source/directory.hpp"
#include "agent/config/translate/decode.hpp"
#include "agent/config/translate/diagnostics.hpp"

namespace sluice::config {

// The newest version of one object in the files.
struct Candidate {
  std::string file;
  model::Origin origin;
  SpecPtr spec;  // null: rejected
};

// What the files say now.
struct Loaded {
  std::map<ObjectKey, Candidate> objects;
  std::set<std::string> broken_files;  // objects of these may be there and not be seen
  Diagnostics diagnostics;
  std::uint32_t nameless = 0;  // what was refused and does not stand in `objects`
};

class Loader {
 public:
  explicit Loader(RegexCheck check_regex) : check_regex_(std::move(check_regex)) {}

  [[nodiscard]] Loaded load(const std::vector<FileText>& files);

 private:
  struct DecodedFile {
    std::size_t size = 0;
    std::size_t hash = 0;
    std::uint32_t unreadable = 0;  // documents that are no object
    std::vector<Decoded> objects;
    Diagnostics diagnostics;
  };

  [[nodiscard]] DecodedFile decode_file(const std::string& path, const std::string& text) const;
  void add_file(const std::string& path, const DecodedFile& file, Loaded& out) const;

  RegexCheck check_regex_;
  std::map<std::string, DecodedFile> cache_;  // by path
};

}  // namespace sluice::config
