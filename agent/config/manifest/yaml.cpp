// SPDX-License-Identifier: Apache-2.0
#include "agent/config/manifest/yaml.hpp"

#include <fmt/core.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

#include "agent/config/manifest/document_text.hpp"
#include "agent/config/manifest/tree_builder.hpp"

namespace sluice::config {
namespace {

Problem library_problem(const YAML::Exception& error, const DocumentText& document) {
  const int offset = document.first_line - 1;
  const Mark mark = error.mark.is_null()
                        ? Mark{document.first_line, 1}
                        : Mark{error.mark.line + 1 + offset, error.mark.column + 1};
  // The library gives up at 500 levels, before its own recursion could exhaust the stack.
  if (error.msg == YAML::ErrorMsg::BAD_FILE) {
    return {mark, "too_deep", fmt::format("values nest more than {} levels", kMaxDepth),
            "no Kubernetes object needs that: check the indentation"};
  }
  return {mark, "invalid_yaml", "not valid YAML: " + error.msg,
          "check indentation, quotes and brackets at this place and just above it"};
}

// Appends the documents of one text; returns what stopped it, if anything.
std::optional<Problem> parse_document(const DocumentText& document, TreeBudget& budget,
                                      std::vector<Node>& out) {
  if (auto problem = check_text(document)) return problem;
  try {
    std::istringstream stream{std::string(document.text)};
    YAML::Parser parser(stream);
    while (true) {
      TreeBuilder builder(document.first_line - 1, budget);
      if (!parser.HandleNextDocument(builder)) return std::nullopt;
      if (builder.problem()) return builder.problem();
      Node root = builder.take_root();
      if (!root.is_null()) out.push_back(std::move(root));
    }
  } catch (const YAML::Exception& error) {
    return library_problem(error, document);
  } catch (const std::exception& error) {
    return Problem{{document.first_line, 1},
                   "invalid_yaml",
                   fmt::format("the document cannot be read: {}", error.what()),
                   "split it into smaller documents"};
  }
}

}  // namespace

ParsedYaml parse_yaml(std::string_view text) {
  ParsedYaml parsed;
  if (text.size() > kMaxFileBytes) {
    parsed.problems.push_back({{1, 1},
                               "file_too_large",
                               fmt::format("the file has {} bytes, the limit is {} MiB",
                                           text.size(), kMaxFileBytes >> 20),
                               "split it into several files"});
    return parsed;
  }
  TreeBudget budget;
  for (const DocumentText& document : split_documents(text)) {
    if (auto problem = parse_document(document, budget, parsed.documents)) {
      parsed.problems.push_back(std::move(*problem));
    }
  }
  return parsed;
}

}  // namespace sluice::config
