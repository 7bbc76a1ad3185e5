// SPDX-License-Identifier: Apache-2.0
// Report: the diagnostics of one object while it is read and translated. Thread: main.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/manifest/node.hpp"
#include "agent/model/origin.hpp"

namespace sluice::config {

inline constexpr std::size_t kMaxDiagnosticsPerObject = 100;

class Report {
 public:
  // `object` as people say it: "VirtualService default/echo".
  Report(const std::string& file, const std::string& object) : file_(file), object_(object) {}

  // An error rejects the object's newest version; warnings and unsupported fields do not.
  void error(Mark mark, std::string_view path, std::string code, std::string message,
             std::string hint = {});
  void warning(Mark mark, std::string_view path, std::string code, std::string message,
               std::string hint = {});
  // Known to the API, without effect in this version. `effect` says what happens instead, when that
  // is not plain.
  void unsupported(Mark mark, std::string_view path, std::string effect = {});

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] const std::string& object() const { return object_; }
  [[nodiscard]] model::Origin origin(Mark mark, std::string_view path) const;
  [[nodiscard]] std::vector<model::Diagnostic> take() { return std::move(diagnostics_); }

 private:
  void add(model::Severity severity, Mark mark, std::string_view path, std::string code,
           std::string message, std::string hint);

  SharedText file_;
  SharedText object_;
  bool failed_ = false;
  std::vector<model::Diagnostic> diagnostics_;
};

}  // namespace sluice::config
