// SPDX-License-Identifier: Apache-2.0
#include "agent/config/manifest/yaml.hpp"

#include <fmt/core.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

#include "agent/config/manifest/document_text.hpp"
#include "agent/config/manifest/tree_builder.hpp"

namespace sluice::config {
namespace {

int last_line(const DocumentText& document) {
  std::string_view text = document.text;
  if (text.ends_with('\n')) text.remove_suffix(1);
  return document.first_line + static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

Problem library_problem(const YAML::Exception& error, const DocumentText& document) {
  Mark mark{document.first_line, 1};
  if (!error.mark.is_null()) {
    // What is never closed is noticed only behind the document's end.
    mark.line = std::min(document.first_line + error.mark.line, last_line(document));
    mark.column = error.mark.column + 1;
  }
  // The library gives up at 500 levels, before its own recursion could exhaust the stack.
  if (error.msg == YAML::ErrorMsg::BAD_FILE) {
    return {mark, "too_deep", fmt::format("values nest more than {} levels", kMaxDepth),
            "no Kubernetes object needs that: check the indentation"};
  }
  if (error.msg == YAML::ErrorMsg::DOC_IN_SCALAR) {
    return {mark, "invalid_yaml", "not valid YAML: a quoted text is never closed",
            "look further up for the quote without a partner"};
  }
  return {mark, "invalid_yaml", "not valid YAML: " + error.msg,
          "check indentation, quotes and brackets at this place and just above it"};
}

// Appends the document of the text; returns what stopped it, if anything.
std::optional<Problem> parse_document(const DocumentText& document, TreeBudget& budget,
                                      std::vector<Node>& out) {
  if (auto problem = check_text(document)) return problem;
  try {
    // The end marker makes the library refuse a quoted scalar that never ends: at the end of its input it would take
    // the rest of a truncated file as the scalar's text.
    std::string text(document.text);
    text += text.ends_with('\n') ? "...\n" : "\n...\n";
    std::istringstream stream{std::move(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder(document.first_line - 1, last_line(document), budget);
    if (!parser.HandleNextDocument(builder)) return std::nullopt;
    if (builder.problem()) return builder.problem();
    // Without a marker there is no second document. The library begins one wherever the first cannot go on, and makes
    // empty ones for ever of a token that begins nothing.
    TreeBuilder rest(document.first_line - 1, last_line(document), budget);
    if (parser.HandleNextDocument(rest)) {
      return Problem{rest.start(), "invalid_yaml",
                     "not valid YAML: the document cannot go on like this here",
                     "check the indentation of this line and of those above it"};
    }
    Node root = builder.take_root();
    if (!root.is_null()) out.push_back(std::move(root));
    return std::nullopt;
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
    if (parsed.problems.size() >= kMaxProblems || parsed.documents.size() >= kMaxDocuments) {
      parsed.problems.push_back(
          {{document.first_line, 1},
           "too_many_documents",
           fmt::format("the rest of the file is not read: a file may have {} documents, and {} "
                       "that cannot be read",
                       kMaxDocuments, kMaxProblems),
           "correct the first ones, or split the file"});
      break;
    }
    if (auto problem = parse_document(document, budget, parsed.documents)) {
      parsed.problems.push_back(std::move(*problem));
    }
  }
  return parsed;
}

}  // namespace sluice::config
