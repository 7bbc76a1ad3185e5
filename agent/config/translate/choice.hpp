// SPDX-License-Identifier: Apache-2.0
// A field that may have one of a few words. Called by the translators. Thread: main. Pure.
#pragma once
#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/text.hpp"
#include "agent/config/manifest/fields.hpp"
#include "agent/config/translate/diagnostics.hpp"

namespace sluice::config {

// Index of the field's word in `words`; any other is reported with what was probably meant.
[[nodiscard]] inline std::optional<std::size_t> read_choice(
    Fields& fields, std::string_view name, std::span<const std::string_view> words) {
  const auto text = fields.text(name);
  if (!text) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), text->value);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  const std::string meant = closest(text->value, words);
  fields.report().error(
      text->mark, text->path, "bad_value",
      fmt::format("`{}` is not a value that it has", text->value),
      meant.empty() ? "write " + name_list(std::vector<std::string>(words.begin(), words.end()))
                    : fmt::format("did you mean `{}`?", meant));
  return std::nullopt;
}

}  // namespace sluice::config
