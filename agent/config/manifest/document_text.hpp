// SPDX-License-Identifier: Apache-2.0
// Cuts a file into its documents and refuses text that the YAML library must never see. Called by
// manifest/yaml. Thread: any. Pure.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "agent/config/manifest/problem.hpp"

namespace sluice::config {

// The YAML library keeps every token of a flow collection ({...}, [...]) and of a run of tags or anchors until its end:
// measured, about 450 bytes for each of the characters [ ] { } , & ! *. 500,000 bound that to about 220 MiB for the
// time of parsing. Block style, which kubectl prints, has no such cost.
inline constexpr std::size_t kMaxFlowCharacters = 500'000;

struct DocumentText {
  std::string_view text;
  int first_line = 1;
};

// A line that begins with "---" starts a document and one that begins with "..." ends one, wherever it stands (YAML
// 1.2, 9.1.2: not even a quoted scalar may contain it), so one broken document does not hide the next.
[[nodiscard]] std::vector<DocumentText> split_documents(std::string_view file);

// Comments, directives and markers only.
[[nodiscard]] bool is_blank(std::string_view document);

// NUL and other control characters, invalid UTF-8, tabs as indentation, oversized flow collections.
[[nodiscard]] std::optional<Problem> check_text(const DocumentText& document);

}  // namespace sluice::config
