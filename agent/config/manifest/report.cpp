// SPDX-License-Identifier: Apache-2.0
#include "agent/config/manifest/report.hpp"

#include <fmt/core.h>

namespace sluice::config {

model::Origin Report::origin(Mark mark, std::string_view path) const {
  return {file_, mark.line, mark.column, object_, path};
}

void Report::add(model::Severity severity, Mark mark, std::string_view path, std::string code,
                 std::string message, std::string hint) {
  if (diagnostics_.size() >= kMaxDiagnosticsPerObject) return;  // the first ones say enough
  diagnostics_.push_back(
      {severity, std::move(code), std::move(message), std::move(hint), origin(mark, path)});
}

void Report::error(Mark mark, std::string_view path, std::string code, std::string message,
                   std::string hint) {
  failed_ = true;
  add(model::Severity::kError, mark, path, std::move(code), std::move(message), std::move(hint));
}

void Report::warning(Mark mark, std::string_view path, std::string code, std::string message,
                     std::string hint) {
  add(model::Severity::kWarning, mark, path, std::move(code), std::move(message), std::move(hint));
}

void Report::unsupported(Mark mark, std::string_view path, std::string effect) {
  add(model::Severity::kUnsupported, mark, path, "unsupported",
      fmt::format("unsupported: {}", path), std::move(effect));
}

}  // namespace sluice::config
