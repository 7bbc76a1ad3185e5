// SPDX-License-Identifier: Apache-2.0
// FileSource: tells what changed in a configuration directory (inotify, or else by looking every 2 s), debounced.
// Survives atomic renames, symlink swaps as ConfigMap mounts do (..data), and the directory being removed and made
// again.
// Thread: main (the owner polls fd() and calls poll()).
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "agent/base/clock.hpp"
#include "agent/base/error.hpp"

namespace sluice::config {

// What is to be looked at again.
struct FileChanges {
  bool all = false;             // the whole directory
  std::set<std::string> names;  // with !all: files in it that were written, made, moved or removed
};

class FileSource {
 public:
  enum class Notice : std::uint8_t { kInotify, kPolling };

  // A node has few inotify instances (fs.inotify.max_user_instances); when none is left, polling does.
  // A change is reported after `quiet` without another one, or after ten times `quiet` at the latest; that of a file
  // that is urgent and whole (closed after writing, or moved there) after a tenth of these times, whatever else waits.
  static Result<std::unique_ptr<FileSource>> open(std::string directory, const Clock& clock,
                                                  Milliseconds quiet = Milliseconds(50),
                                                  Notice notice = Notice::kInotify);
  virtual ~FileSource() = default;

  // Becomes readable when something happened; -1 when only next_due() tells when to look.
  [[nodiscard]] virtual int fd() const = 0;
  // Reads what happened. What is due now is to be loaded; nullopt: nothing is. `urgent` says of a file's name that
  // its changes must not wait for those of others; null: none is.
  using Urgent = std::function<bool(const std::string& name)>;
  [[nodiscard]] virtual std::optional<FileChanges> poll(const Urgent& urgent = nullptr) = 0;
  // How long until poll() should be called again even if fd() stays quiet; negative = no timer needed.
  [[nodiscard]] virtual Milliseconds next_due() const = 0;
  [[nodiscard]] const std::string& directory() const { return directory_; }

 protected:
  explicit FileSource(std::string directory) : directory_(std::move(directory)) {}

 private:
  std::string directory_;
};

}  // namespace sluice::config
