// SPDX-License-Identifier: Apache-2.0
#include "agent/config/manifest/json.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "agent/config/manifest/tree_builder.hpp"

namespace sluice::config {
namespace {

constexpr std::string_view kDropped = "managedFields";  // half of many objects, and never of use

// The library's events to Nodes. Returning false ends the parsing.
class JsonTree final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return add({}); }
  bool boolean(bool value) override { return scalar(value ? "true" : "false", false); }
  bool number_integer(number_integer_t value) override {
    return scalar(std::to_string(value), false);
  }
  bool number_unsigned(number_unsigned_t value) override {
    return scalar(std::to_string(value), false);
  }
  bool number_float(number_float_t, const string_t& text) override { return scalar(text, false); }
  bool string(string_t& value) override { return scalar(std::move(value), true); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return start(Node::Kind::kMap); }
  bool end_object() override { return end(); }
  bool start_array(std::size_t) override { return start(Node::Kind::kList); }
  bool end_array() override { return end(); }
  bool key(string_t& name) override;
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    problem_ = Problem{{},
                       "invalid_json",
                       fmt::format("not valid JSON at byte {}: {}", position, error.what()),
                       {}};
    return false;
  }

  [[nodiscard]] std::optional<Problem>& problem() { return problem_; }
  [[nodiscard]] Node take_root() { return std::move(root_); }

 private:
  bool fail(std::string code, std::string message) {
    problem_ = Problem{{}, std::move(code), std::move(message), {}};
    return false;
  }
  bool spend(std::size_t bytes) {
    if (budget_.nodes == 0 || budget_.bytes < bytes) {
      return fail("document_too_complex",
                  fmt::format("the object has more than {} values or {} MiB of text", kMaxNodes,
                              kMaxScalarBytes >> 20));
    }
    --budget_.nodes;
    budget_.bytes -= bytes;
    return true;
  }
  bool scalar(std::string value, bool quoted);
  bool add(Node node);
  bool start(Node::Kind kind);
  bool end();

  TreeBudget budget_;
  std::vector<Node> stack_;
  Node root_;
  std::optional<Problem> problem_;
};

bool JsonTree::scalar(std::string value, bool quoted) {
  Node node;
  node.kind = Node::Kind::kScalar;
  node.quoted = quoted;
  node.scalar = std::move(value);
  return add(std::move(node));
}

// A member's key came before its value: the member is there, and its value is what comes now.
bool JsonTree::add(Node node) {
  if (!spend(node.scalar.size())) return false;
  if (stack_.empty()) {
    root_ = std::move(node);
  } else if (stack_.back().is_list()) {
    stack_.back().items.push_back(std::move(node));
  } else {
    stack_.back().members.back().value = std::move(node);
  }
  return true;
}

bool JsonTree::start(Node::Kind kind) {
  if (stack_.size() >= kMaxDepth) {
    return fail("too_deep", fmt::format("values nest more than {} levels", kMaxDepth));
  }
  Node node;
  node.kind = kind;
  stack_.push_back(std::move(node));
  return true;
}

bool JsonTree::end() {
  Node node = std::move(stack_.back());
  stack_.pop_back();
  if (!stack_.empty() && stack_.back().is_map() && stack_.back().members.back().key == kDropped) {
    stack_.back().members.pop_back();
    return true;
  }
  return add(std::move(node));
}

bool JsonTree::key(string_t& name) {
  if (stack_.back().find(name) != nullptr) {
    return fail("duplicate_key", fmt::format("`{}` stands twice in one object", name));
  }
  if (!spend(name.size())) return false;
  stack_.back().members.push_back({std::move(name), {}, {}});
  return true;
}

}  // namespace

ParsedYaml parse_json(std::string_view text) {
  ParsedYaml parsed;
  JsonTree tree;
  if (text.size() > kMaxFileBytes) {
    parsed.problems.push_back({{},
                               "file_too_large",
                               fmt::format("the object has {} bytes, the limit is {} MiB",
                                           text.size(), kMaxFileBytes >> 20),
                               {}});
    return parsed;
  }
  bool whole = false;
  try {
    whole = nlohmann::json::sax_parse(text, &tree);
  } catch (const std::exception& error) {
    tree.problem() = Problem{{}, "invalid_json", error.what(), {}};
  }
  if (!whole || tree.problem()) {
    parsed.problems.push_back(
        tree.problem().value_or(Problem{{}, "invalid_json", "the text is no JSON document", {}}));
  } else if (Node root = tree.take_root(); !root.is_null()) {
    parsed.documents.push_back(std::move(root));
  }
  return parsed;
}

}  // namespace sluice::config
