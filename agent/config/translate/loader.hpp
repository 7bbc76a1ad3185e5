// SPDX-License-Identifier: Apache-2.0
// Loader: the decoded objects of a directory's files. A file that did not change is neither read nor parsed again, and
// only the objects of those that did are looked at.
// Called by translator.cpp. Thread: main.
#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
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
  Refused refused;
};

// What the files say now.
struct Loaded {
  std::set<ObjectKey>
      changed;  // objects that are there or differ since the load before, or are gone
  std::map<ObjectKey, Candidate> objects;
  std::set<std::string> broken_files;  // objects of these may be there and not be seen
  Diagnostics diagnostics;
  std::uint32_t nameless = 0;  // what was refused and does not stand in `objects`
};

class Loader {
 public:
  explicit Loader(RegexCheck check_regex) : check_regex_(std::move(check_regex)) {}

  // For read_directory: files that need not be read.
  [[nodiscard]] KnownFile known() const;
  // Valid until the next call.
  [[nodiscard]] const Loaded& load(const std::vector<FileText>& files);
  // The same where only what differs from the load before is known: new and changed files, and those that are gone.
  [[nodiscard]] const Loaded& load_changes(const std::vector<FileText>& changed,
                                           const std::vector<std::string>& gone);
  // What the last load() gave, with nothing changed.
  [[nodiscard]] const Loaded& again();

  [[nodiscard]] std::size_t files() const { return cache_.size(); }
  // What all files but those have.
  [[nodiscard]] std::size_t bytes_beside(const std::string& directory,
                                         const std::set<std::string>& names) const;
  // Does the file hold nothing but endpoints: EndpointSlices and Pods?
  [[nodiscard]] bool holds_only_endpoints(const std::string& path) const;

 private:
  struct DecodedFile {
    std::size_t size = 0;
    std::size_t hash = 0;
    FileStamp stamp;
    bool settled = false;  // so old when it was read that a later change must show in the stamp
    bool readable = true;
    std::uint64_t seen = 0;        // number of the load that saw it last
    std::uint32_t unreadable = 0;  // documents that are no object
    std::vector<Decoded> objects;
    Diagnostics diagnostics;

    // What was refused and cannot be told by a key.
    [[nodiscard]] std::uint32_t nameless() const {
      return unreadable + static_cast<std::uint32_t>(std::ranges::count_if(
                              objects, [](const Decoded& each) { return !each.key; }));
    }
  };

  [[nodiscard]] DecodedFile decode_file(const FileText& file) const;
  // True when the file is another than at the load before.
  bool take(const FileText& file);
  void remove_objects(const std::string& path, const DecodedFile& file);
  // False when another file has one of its objects.
  bool add_objects(const std::string& path, const DecodedFile& file);
  void forget(const std::string& path);
  void add_fresh(const std::vector<const FileText*>& fresh);
  void rebuild();
  void collect();

  RegexCheck check_regex_;
  std::unordered_map<std::string, DecodedFile> cache_;  // by path
  std::size_t bytes_ = 0;                               // of all files
  Loaded loaded_;
  std::set<std::string> noted_;  // paths of files about which there is something to say
  Diagnostics duplicates_;
  std::uint64_t loads_ = 0;
};

}  // namespace sluice::config
