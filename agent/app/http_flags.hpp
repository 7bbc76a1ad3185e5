// SPDX-License-Identifier: Apache-2.0
// HttpFlags: the flags about requests: how strictly they are read, how large and slow they may be, whose word on the
// client counts, and what is written about them. Called by parse_options. Thread: main, before anything else.
#pragma once
#include <string>

#include "agent/app/options.hpp"

namespace CLI {
class App;
}

namespace sluice::app {

class HttpFlags {
 public:
  void declare(CLI::App& app, HttpOptions& options);
  // After parsing. The first thing wrong, as a sentence; empty when all is well.
  [[nodiscard]] std::string interpret(HttpOptions& options) const;

 private:
  void declare_reading(CLI::App& app, HttpOptions& options);
  void declare_times(CLI::App& app, HttpOptions& options);
  void declare_access_log(CLI::App& app, HttpOptions& options);

  // Text as the user wrote it.
  std::string desync_mode_ = "defensive";
  std::string underscores_ = "keep";
  std::string normalization_ = "auto";
  std::string access_log_format_ = "text";
  std::string access_log_granularity_ = "request";
};

}  // namespace sluice::app
