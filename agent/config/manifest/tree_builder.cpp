// SPDX-License-Identifier: Apache-2.0
#include "agent/config/manifest/tree_builder.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace sluice::config {

Mark TreeBuilder::at(const YAML::Mark& mark) const {
  // An empty value has the place of what follows it, which may be the end.
  return {std::min(mark.line + 1 + line_offset_, last_line_), mark.column + 1};
}

void TreeBuilder::fail(Mark mark, std::string code, std::string message, std::string hint) {
  if (problem_) return;
  problem_ = Problem{mark, std::move(code), std::move(message), std::move(hint)};
  stack_.clear();
  anchors_.clear();
}

void TreeBuilder::fail_depth(Mark mark) {
  fail(mark, "too_deep", fmt::format("values nest more than {} levels", kMaxDepth),
       "no Kubernetes object needs that: check the indentation");
}

bool TreeBuilder::spend(Size size, Mark mark) {
  if (size.nodes > budget_.nodes || size.bytes > budget_.bytes) {
    fail(mark, "document_too_complex",
         fmt::format("the file has more than {} values or {} MiB of text once its aliases are "
                     "expanded",
                     kMaxNodes, kMaxScalarBytes >> 20),
         "split the file, and write repeated parts out instead of using aliases");
    return false;
  }
  budget_.nodes -= size.nodes;
  budget_.bytes -= size.bytes;
  return true;
}

TreeBuilder::Size TreeBuilder::size_of(const Node& node) {
  Size total{1, node.scalar.size(), 1};
  const auto include = [&total](const Size& child) {
    total.nodes += child.nodes;
    total.bytes += child.bytes;
    total.depth = std::max(total.depth, child.depth + 1);
  };
  for (const Member& member : node.members) {
    total.bytes += member.key.size();
    include(size_of(member.value));
  }
  for (const Node& item : node.items) include(size_of(item));
  return total;
}

void TreeBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (problem_ || !spend({1, 0, 1}, at(mark))) return;
  Node node;
  node.mark = at(mark);
  finish(std::move(node), anchor);
}

void TreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  if (problem_ || !spend({1, value.size(), 1}, at(mark))) return;
  Node node;
  node.mark = at(mark);
  // "?" is a plain scalar; "!" a quoted or block one.
  const bool plain = tag == "?" || tag.empty();
  const bool null = plain && (value.empty() || value == "~" || value == "null" || value == "Null" ||
                              value == "NULL");
  if (!null) {
    node.kind = Node::Kind::kScalar;
    node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    node.scalar = value;
  }
  finish(std::move(node), anchor);
}

void TreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (problem_) return;
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    return fail(at(mark), "alias_cycle", "the alias stands inside the value it refers to",
                "write the value out instead of using an alias");
  }
  const Size size = size_of(found->second);
  if (stack_.size() + size.depth > kMaxDepth) return fail_depth(at(mark));
  if (!spend(size, at(mark))) return;
  add(found->second);
}

void TreeBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                                  YAML::EmitterStyle::value) {
  start_container(Node::Kind::kList, mark, anchor);
}

void TreeBuilder::OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value) {
  start_container(Node::Kind::kMap, mark, anchor);
}

void TreeBuilder::start_container(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (problem_) return;
  if (stack_.size() >= kMaxDepth) return fail_depth(at(mark));
  Frame frame;
  frame.before = budget_;
  if (!spend({1, 0, 1}, at(mark))) return;
  frame.node.kind = kind;
  frame.node.mark = at(mark);
  frame.anchor = anchor;
  stack_.push_back(std::move(frame));
}

void TreeBuilder::end_container() {
  if (problem_ || stack_.empty()) return;
  Frame& frame = stack_.back();
  if (frame.node.is_map() && (!apply_merges(frame) || !check_duplicates(frame.node))) return;
  Node node = std::move(frame.node);
  const YAML::anchor_t anchor = frame.anchor;
  const TreeBudget before = frame.before;
  stack_.pop_back();
  // managedFields is often half of what kubectl prints, and never of use.
  if (!stack_.empty() && anchor == 0 && stack_.back().has_key &&
      stack_.back().key == "managedFields") {
    stack_.back().has_key = false;
    budget_ = before;
    return;
  }
  finish(std::move(node), anchor);
}

void TreeBuilder::finish(Node node, YAML::anchor_t anchor) {
  if (anchor != 0) {
    if (!spend(size_of(node), node.mark)) return;
    anchors_[anchor] = node;
  }
  add(std::move(node));
}

void TreeBuilder::set_key(Frame& frame, const Node& node) {
  if (node.kind != Node::Kind::kScalar) {
    return fail(node.mark, "bad_key", fmt::format("a key must be a word, not {}", node.describe()),
                "write it as `name: value`");
  }
  frame.has_key = true;
  frame.merge = node.scalar == "<<" && !node.quoted;
  frame.key = node.scalar;
  frame.key_mark = node.mark;
}

void TreeBuilder::add(Node node) {
  if (stack_.empty()) {
    root_ = std::move(node);
    return;
  }
  Frame& frame = stack_.back();
  if (frame.node.is_list()) {
    frame.node.items.push_back(std::move(node));
  } else if (!frame.has_key) {
    set_key(frame, node);
  } else {
    frame.has_key = false;
    if (frame.merge) {
      frame.merges.push_back(std::move(node));
    } else {
      frame.node.members.push_back({std::move(frame.key), frame.key_mark, std::move(node)});
    }
  }
}

bool TreeBuilder::apply_merges(Frame& frame) {
  std::vector<Node> maps;
  for (Node& merge : frame.merges) {
    if (merge.is_list()) {
      for (Node& item : merge.items) maps.push_back(std::move(item));
    } else {
      maps.push_back(std::move(merge));
    }
  }
  // Keys written out win over merged ones, earlier merged maps over later ones.
  std::unordered_map<std::string, bool> seen;
  if (!maps.empty()) {
    for (const Member& member : frame.node.members) seen.emplace(member.key, true);
  }
  for (Node& map : maps) {
    if (!map.is_map()) {
      fail(map.mark, "bad_merge",
           fmt::format("the merge key << needs a map or a list of maps, not {}", map.describe()),
           "write `<<: *anchor` where the anchor names a map");
      return false;
    }
    for (Member& member : map.members) {
      if (seen.emplace(member.key, true).second) frame.node.members.push_back(std::move(member));
    }
  }
  return true;
}

bool TreeBuilder::check_duplicates(const Node& map) {
  std::vector<const Member*> order;
  order.reserve(map.members.size());
  for (const Member& member : map.members) order.push_back(&member);
  std::sort(order.begin(), order.end(), [](const Member* a, const Member* b) {
    return a->key != b->key ? a->key < b->key : a < b;
  });
  const auto same =
      std::adjacent_find(order.begin(), order.end(),
                         [](const Member* a, const Member* b) { return a->key == b->key; });
  if (same == order.end()) return true;
  const Member& first = **same;
  const Member& second = **(same + 1);
  fail(second.mark, "duplicate_key",
       fmt::format("the key `{}` appears twice in one map, first at line {}", first.key,
                   first.mark.line),
       "keep one of them");
  return false;
}

}  // namespace sluice::config
