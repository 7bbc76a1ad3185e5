// SPDX-License-Identifier: Apache-2.0
#include "agent/app/update_pipeline.hpp"

#include <malloc.h>

#include <algorithm>
#include <chrono>

#include "agent/app/status_view.hpp"
#include "agent/base/log.hpp"

namespace sluice::app {
namespace {

constexpr auto kMuchWork = std::chrono::milliseconds(100);
// The workers have let go of the generation before, and requests that were on their way are mostly over.
constexpr auto kLetGo = std::chrono::seconds(1);

}  // namespace

UpdatePipeline::UpdatePipeline(std::string directory, config::TranslateOptions translate,
                               snapshot::BuildOptions build, Publish publish)
    : directory_(std::move(directory)),
      translator_(std::move(translate)),
      build_(std::move(build)),
      publish_(std::move(publish)) {}

void UpdatePipeline::reload(const config::FileChanges& changes) {
  timed([this, &changes] {
    return changes.all ? translator_.load_directory(directory_)
                       : translator_.load_files(directory_, changes.names);
  });
}

void UpdatePipeline::apply(const std::vector<config::ObjectText>& changes) {
  timed([this, &changes] { return translator_.load_objects(changes); });
}

void UpdatePipeline::timed(const std::function<config::Translation()>& load) {
  const auto start = std::chrono::steady_clock::now();
  update(load());
  // After a small change there is nothing to win, and trimming would cost more than the change.
  const auto end = std::chrono::steady_clock::now();
  if (end - start > kMuchWork && !trim_at_) trim_at_ = end + kLetGo;
}

void UpdatePipeline::tidy() {
  if (!trim_at_ || std::chrono::steady_clock::now() < *trim_at_) return;
  trim_at_.reset();
  (void)::malloc_trim(0);
}

void UpdatePipeline::update(config::Translation translation) {
  ++state_.reloads;
  if (translation.rejected > 0) ++state_.rejects_total;
  log_changes(translation.diagnostics);
  state_.diagnostics = std::move(translation.diagnostics);
  state_.status = std::move(translation.status);
  state_.objects = translation.objects;
  state_.rejected = translation.rejected;

  const std::uint64_t generation = current_ ? current_->generation + 1 : 1;
  built_ = false;
  auto next = snapshot::build(translation.world, generation, current_, build_);
  if (!next) {
    ++state_.rejects_total;
    log::error("config", "generation {} is not in force, {} stays: {}", generation, generation - 1,
               next.error().message);
    return;
  }
  current_ = std::move(*next);
  built_ = true;
  errors_ = publish_(current_);
  log::info("config", "generation {}: {} objects, {} rejected, {} listeners", generation,
            state_.objects, state_.rejected, current_->listeners.size());
  if (state_.rejected == 0) {
    state_.last_success_unix = std::chrono::duration_cast<std::chrono::seconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count();
  }
  for (const auto& [listener, error] : errors_)
    log::error("app", "listener {}: {}", listener, error);
}

void UpdatePipeline::set_kernel_path(bool there, std::string reason) {
  build_.kernel_path = there;
  build_.kernel_reason = std::move(reason);
  // Before a cluster is known there is nothing to build.
  if (!directory_.empty()) {
    reload();
  } else if (current_) {
    timed([this] { return translator_.load_again(); });
  }
}

std::set<std::string> UpdatePipeline::unserved_gateways() const {
  std::set<std::string> out;
  const bool none = !built_ || errors_.contains(kAllListeners);
  for (const auto& gateway : state_.status.gateways) {
    if (none) out.insert(gateway.target.name_space + "/" + gateway.target.name);
  }
  if (none) return out;
  for (const auto& listener : current_->listeners) {
    if (!errors_.contains(listener->config.name)) continue;
    out.insert(listener->config.gateways.begin(), listener->config.gateways.end());
  }
  return out;
}

void UpdatePipeline::set_listener_errors(std::map<std::string, std::string> errors) {
  for (const auto& [listener, error] : errors) {
    const auto before = errors_.find(listener);
    if (before == errors_.end() || before->second != error)
      log::error("app", "listener {}: {}", listener, error);
  }
  for (const auto& [listener, error] : errors_) {
    if (!errors.contains(listener)) log::info("app", "listener {}: served now", listener);
  }
  errors_ = std::move(errors);
}

void UpdatePipeline::log_changes(const std::vector<model::Diagnostic>& diagnostics) {
  std::vector<std::string> now;
  for (const model::Diagnostic& diagnostic : diagnostics) {
    std::string text = model::to_string(diagnostic);
    if (std::find(logged_.begin(), logged_.end(), text) == logged_.end()) {
      const auto level =
          diagnostic.severity == model::Severity::kError ? log::Level::kError : log::Level::kWarn;
      log::event(level, "config", "{}", text);
    }
    now.push_back(std::move(text));
  }
  logged_ = std::move(now);
}

}  // namespace sluice::app
