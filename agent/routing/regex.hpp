// SPDX-License-Identifier: Apache-2.0
// Regex: one compiled regular expression, and RegexPool, which compiles equal expressions once.
// With action/regex_replace the one place that knows RE2 (linear time whatever the input). Used by Condition, Cors.
// Thread: any (const after compile). Invariants: memory of an expression is bounded.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/error.hpp"

namespace re2 {
class RE2;
}

namespace sluice::routing {

class Regex {
 public:
  // Of a program and its lazily built automaton: one expression of one team must not take the node's memory.
  static constexpr std::int64_t kMaxMemory = std::int64_t{1} << 20;

  static Result<std::shared_ptr<const Regex>> compile(std::string_view expression);
  ~Regex();
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  // The whole of `text` must match, as Istio and Envoy define it.
  [[nodiscard]] bool matches(std::string_view text) const;

 private:
  explicit Regex(std::unique_ptr<re2::RE2> compiled);
  std::unique_ptr<re2::RE2> compiled_;
};

class RegexPool {
 public:
  Result<std::shared_ptr<const Regex>> get(const std::string& expression);

 private:
  std::map<std::string, std::shared_ptr<const Regex>> compiled_;
};

}  // namespace sluice::routing
