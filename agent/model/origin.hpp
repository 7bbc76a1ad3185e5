// SPDX-License-Identifier: Apache-2.0
// Origin and Diagnostic: where a piece of desired state came from, and what is wrong with it. Plain values. Thread:
// any.
#pragma once
#include <string>
#include <vector>

#include "agent/base/shared_text.hpp"

namespace sluice::model {

struct Origin {
  SharedText file;    // path as given, or "kube"
  int line = 0;       // 1-based; 0 = unknown
  int column = 0;     // 1-based
  SharedText object;  // "VirtualService default/echo"
  SharedText path;    // "spec.http[0].route[1].weight"

  bool operator==(const Origin&) const = default;
};

enum class Severity {
  kError,        // the object (or this part of it) is not in force
  kWarning,      // in force, but likely not what was meant
  kUnsupported,  // parsed, and without effect in this version
};

struct Diagnostic {
  Severity severity = Severity::kError;
  std::string code;     // stable snake_case, e.g. "unknown_field"
  std::string message;  // what is wrong
  std::string hint;     // what to write instead; may be empty
  Origin origin;
};

// "file:line:column: error: VirtualService default/echo spec.gateways: message; hint [code]"
[[nodiscard]] std::string to_string(const Diagnostic& diagnostic);
// "file:line"
[[nodiscard]] std::string location(const Origin& origin);

}  // namespace sluice::model
