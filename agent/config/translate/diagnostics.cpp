// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/diagnostics.hpp"

#include <fmt/core.h>

#include "agent/base/text.hpp"

namespace sluice::config {

std::string name_list(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 10;
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < kMost; ++i) {
    if (i > 0) out += i + 1 == names.size() ? " or " : ", ";
    out += fmt::format("`{}`", names[i]);
  }
  if (names.size() > kMost) out += fmt::format(" and {} more", names.size() - kMost);
  return out;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& names,
                         std::string otherwise) {
  // A comparison costs about a microsecond, and every error of every object may ask: look at likely names only.
  constexpr std::size_t kMostCompared = 256;
  std::vector<std::string_view> views;
  for (const std::string& name : names) {
    if (views.size() >= kMostCompared) break;
    const bool likely = name.size() < word.size() + 4 && word.size() < name.size() + 4;
    if (likely) views.push_back(name);
  }
  const std::string meant = closest(word, views);
  return meant.empty() ? std::move(otherwise) : fmt::format("did you mean `{}`?", meant);
}

}  // namespace sluice::config
