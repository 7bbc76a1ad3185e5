// SPDX-License-Identifier: Apache-2.0
// FileSource: tells when a configuration directory changed (inotify, or else by looking every 2 s), debounced. Survives
// atomic renames, symlink swaps as ConfigMap mounts do (..data), and the directory being removed and made again.
// Thread: main (the owner polls fd() and calls poll()).
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "agent/base/clock.hpp"
#include "agent/base/error.hpp"

namespace sluice::config {

class FileSource {
 public:
  enum class Notice : std::uint8_t { kInotify, kPolling };

  // A node has few inotify instances (fs.inotify.max_user_instances); when none is left, polling does.
  // A change is reported after `quiet` without another one, or after ten times `quiet` at the latest.
  static Result<std::unique_ptr<FileSource>> open(std::string directory, const Clock& clock,
                                                  Milliseconds quiet = Milliseconds(50),
                                                  Notice notice = Notice::kInotify);
  virtual ~FileSource() = default;

  // Becomes readable when something happened; -1 when only next_due() tells when to look.
  [[nodiscard]] virtual int fd() const = 0;
  // Reads what happened. True when a debounced change is due now: reload.
  [[nodiscard]] virtual bool poll() = 0;
  // How long until poll() should be called again even if fd() stays quiet; negative = no timer needed.
  [[nodiscard]] virtual Milliseconds next_due() const = 0;
  [[nodiscard]] const std::string& directory() const { return directory_; }

 protected:
  explicit FileSource(std::string directory) : directory_(std::move(directory)) {}

 private:
  std::string directory_;
};

}  // namespace sluice::config
