// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/action/regex_replace.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "agent/routing/regex.hpp"

namespace sluice::routing {
namespace {

constexpr std::size_t kGroups = 10;  // \0 to \9

int group_of(char c) { return c >= '0' && c <= '9' ? c - '0' : -1; }

}  // namespace

RegexReplace::RegexReplace() = default;
RegexReplace::RegexReplace(RegexReplace&&) noexcept = default;
RegexReplace& RegexReplace::operator=(RegexReplace&&) noexcept = default;
RegexReplace::~RegexReplace() = default;

Result<RegexReplace> RegexReplace::compile(const model::RegexRewrite& rewrite) {
  // Regex has the limits and the messages; it captures nothing, which is why the expression is compiled again.
  if (auto checked = Regex::compile(rewrite.pattern); !checked) {
    return tl::unexpected(std::move(checked).error());
  }
  RegexReplace out;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(Regex::kMaxMemory);
  out.compiled_ = std::make_unique<re2::RE2>(rewrite.pattern, options);
  if (!out.compiled_->ok()) return fail(ErrorCode::kInvalid, out.compiled_->error());
  out.parse(rewrite.substitution);
  return out;
}

void RegexReplace::parse(std::string_view substitution) {
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) pieces_.push_back({-1, literal});
    literal.clear();
  };
  for (std::size_t i = 0; i < substitution.size(); ++i) {
    const bool escape = substitution[i] == '\\' && i + 1 < substitution.size();
    const int group = escape ? group_of(substitution[i + 1]) : -1;
    if (group >= 0) {
      flush();
      if (group <= compiled_->NumberOfCapturingGroups()) pieces_.push_back({group, {}});
    } else {
      literal.push_back(escape ? substitution[i + 1] : substitution[i]);
    }
    if (escape) ++i;
  }
  flush();
}

bool RegexReplace::apply(std::string_view text, std::string& out) const {
  out.clear();
  const re2::StringPiece subject(text.data(), text.size());
  std::array<re2::StringPiece, kGroups> groups;
  const int wanted = std::min(compiled_->NumberOfCapturingGroups() + 1, static_cast<int>(kGroups));
  std::size_t at = 0;  // where to look on
  std::size_t last_end = std::string_view::npos;
  std::size_t copied = 0;  // what of `text` is in `out`, or replaced there
  while (at <= text.size() &&
         compiled_->Match(subject, at, text.size(), re2::RE2::UNANCHORED, groups.data(), wanted)) {
    const auto begin = static_cast<std::size_t>(groups[0].data() - text.data());
    const std::size_t end = begin + groups[0].size();
    at = end > begin ? end : end + 1;                 // after an empty match, one byte on
    if (end == begin && begin == last_end) continue;  // "b*" in "abb": not once more behind "bb"
    last_end = end;
    out.append(text.substr(copied, begin - copied));
    for (const Piece& piece : pieces_) {
      if (piece.group < 0) {
        out.append(piece.text);
      } else if (const auto& group = groups[static_cast<std::size_t>(piece.group)];
                 !group.empty()) {
        out.append(group.data(), group.size());
      }
    }
    if (out.size() > kMaxResult) return false;
    copied = end;
  }
  if (copied < text.size()) out.append(text.substr(copied));
  return out.size() <= kMaxResult;
}

}  // namespace sluice::routing
