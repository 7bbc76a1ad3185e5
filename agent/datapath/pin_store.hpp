// SPDX-License-Identifier: Apache-2.0
// PinStore: the directory on a bpffs where maps, rings and links outlive the agent: <pin
// directory>/v<ABI version>. Holds a lock on it, so that two agents never share one. Used by
// Objects, Rings and Attacher. Thread: main. Invariants: the lock is held until unlock() or the
// object's end.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/unique_fd.hpp"

namespace sluice::datapath {

// Creates `directory` (with parents) and checks that it is on a bpffs; the message says what to
// mount otherwise.
[[nodiscard]] Result<void> prepare_bpffs(const std::string& directory);

class PinStore {
 public:
  // kUnavailable when another agent holds the directory.
  static Result<PinStore> open(const std::string& pin_directory);

  [[nodiscard]] std::string path(std::string_view name) const;
  // A file descriptor of the pinned object, invalid when there is none.
  [[nodiscard]] UniqueFd get(std::string_view name) const;
  Result<void> pin(int fd, std::string_view name) const;
  void remove(std::string_view name) const;
  // Renames a pin that cannot be used to the first free NAME_aside_N; returns the new name, empty
  // when it failed.
  std::string set_aside(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;
  void unlock() { lock_.reset(); }
  // Everything in the directory, and the directory.
  void remove_all() const;

 private:
  PinStore(std::string directory, UniqueFd lock)
      : directory_(std::move(directory)), lock_(std::move(lock)) {}

  std::string directory_;
  UniqueFd lock_;
};

}  // namespace sluice::datapath
