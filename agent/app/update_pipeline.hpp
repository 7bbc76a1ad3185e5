// SPDX-License-Identifier: Apache-2.0
// UpdatePipeline: the configuration line in one function: files -> manifest -> world -> snapshot -> workers and maps.
// Thread: main. Invariants: a generation is published whole or not at all; what fails keeps the last good state.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/config/config.hpp"
#include "agent/config/source/file_source.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::app {

// What the last reload said, for status and metrics.
struct ConfigState {
  std::vector<model::Diagnostic> diagnostics;
  config::StatusReport status;  // of Gateway API
  std::uint32_t objects = 0;
  std::uint32_t rejected = 0;
  std::uint64_t reloads = 0;
  std::uint64_t rejects_total =
      0;  // reloads after which an object, or the whole generation, was rejected
  std::int64_t last_success_unix = 0;  // of the last reload without a reject; 0 = never
};

class UpdatePipeline {
 public:
  // Hands a new generation to whoever serves it (workers first, then kernel maps). Returns what could not be served,
  // by listener name.
  using Publish = std::function<std::map<std::string, std::string>(const snapshot::SnapshotPtr&)>;

  UpdatePipeline(std::string directory, config::TranslateOptions translate,
                 snapshot::BuildOptions build, Publish publish);

  void reload(const config::FileChanges& changes = {.all = true, .names = {}});
  // Does the file, as it was loaded, hold nothing but endpoints?
  [[nodiscard]] bool holds_only_endpoints(const std::string& name) const {
    return translator_.holds_only_endpoints(directory_, name);
  }
  // The same for a source that tells what changed instead of a directory.
  void apply(const std::vector<config::ObjectText>& changes);
  // To be called several times a second: gives back to the node what a large change left in the allocator.
  void tidy();
  // The kernel path came or went: builds anew from what is there.
  void set_kernel_path(bool there, std::string reason);
  [[nodiscard]] const snapshot::SnapshotPtr& current() const { return current_; }
  [[nodiscard]] const ConfigState& state() const { return state_; }
  [[nodiscard]] const std::map<std::string, std::string>& listener_errors() const {
    return errors_;
  }
  // "namespace/name" of Gateways of which something cannot be served; all of the last report when no generation could
  // be made of it.
  [[nodiscard]] std::set<std::string> unserved_gateways() const;
  // After a later try to serve the listeners of the current generation: what still is not served.
  void set_listener_errors(std::map<std::string, std::string> errors);

 private:
  void timed(const std::function<config::Translation()>& load);
  void update(config::Translation translation);
  void log_changes(const std::vector<model::Diagnostic>& diagnostics);

  std::string directory_;  // empty: objects come by apply()
  config::Translator translator_;
  snapshot::BuildOptions build_;
  Publish publish_;
  snapshot::SnapshotPtr current_;
  ConfigState state_;
  std::map<std::string, std::string> errors_;
  bool built_ = false;  // the last translation is in force
  std::optional<std::chrono::steady_clock::time_point> trim_at_;
  std::vector<std::string> logged_;  // diagnostics of the last reload, so that each is logged once
};

}  // namespace sluice::app
