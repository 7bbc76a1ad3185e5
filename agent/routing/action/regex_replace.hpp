// SPDX-License-Identifier: Apache-2.0
// RegexReplace: every match of an expression in a path replaced by a text with groups (Istio uriRegexRewrite).
// Used by Rewrite. Thread: any (const). Invariants: linear time, and a bounded result.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/model/action.hpp"

namespace re2 {
class RE2;
}

namespace sluice::routing {

class RegexReplace {
 public:
  // More than this is refused: a match of nothing, replaced by much, would multiply a long path.
  static constexpr std::size_t kMaxResult = 64 * 1024;

  // \0 to \9 in the substitution name groups, \\ is a backslash; a group that the pattern does not have is empty.
  static Result<RegexReplace> compile(const model::RegexRewrite& rewrite);
  RegexReplace(RegexReplace&&) noexcept;
  RegexReplace& operator=(RegexReplace&&) noexcept;
  ~RegexReplace();

  // `out` is overwritten. False when the result exceeds kMaxResult.
  [[nodiscard]] bool apply(std::string_view text, std::string& out) const;

 private:
  struct Piece {
    int group = -1;  // or a literal
    std::string text;
  };
  RegexReplace();
  void parse(std::string_view substitution);

  std::unique_ptr<re2::RE2> compiled_;
  std::vector<Piece> pieces_;
};

}  // namespace sluice::routing
