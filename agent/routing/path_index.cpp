// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/path_index.hpp"

#include <algorithm>

namespace sluice::routing {

void PathIndex::add(std::uint32_t candidate, std::span<const Condition> conditions) {
  const auto uri = std::ranges::find(conditions, Condition::Subject::kUri, &Condition::subject);
  if (uri != conditions.end() && !uri->ignore_case) {
    if (uri->kind == Condition::Kind::kExact) {
      exact_[uri->value].push_back(candidate);
      return;
    }
    if (uri->kind == Condition::Kind::kPrefix || uri->kind == Condition::Kind::kSegments) {
      const std::size_t length = uri->value.size();
      auto of_length = std::ranges::find(prefixes_, length, &PrefixesOfLength::length);
      if (of_length == prefixes_.end() && prefixes_.size() < Walk::kMaxLists - 2) {
        prefixes_.push_back({length, {}});
        of_length = std::prev(prefixes_.end());
      }
      if (of_length != prefixes_.end()) {
        of_length->lists[uri->value].push_back(candidate);
        return;
      }
    }
  }
  rest_.push_back(candidate);
}

PathIndex::Walk PathIndex::candidates(std::string_view path) const {
  Walk walk;
  walk.push(rest_);
  if (const auto found = exact_.find(path); found != exact_.end()) walk.push(found->second);
  for (const auto& of_length : prefixes_) {
    if (path.size() < of_length.length) continue;
    const auto found = of_length.lists.find(path.substr(0, of_length.length));
    if (found != of_length.lists.end()) walk.push(found->second);
  }
  return walk;
}

void PathIndex::Walk::push(std::span<const std::uint32_t> list) {
  if (!list.empty()) lists_[count_++] = list;
}

bool PathIndex::Walk::next(std::uint32_t& candidate) {
  if (count_ == 0) return false;
  std::size_t best = 0;
  for (std::size_t i = 1; i < count_; ++i) {
    if (lists_[i].front() < lists_[best].front()) best = i;
  }
  candidate = lists_[best].front();
  lists_[best] = lists_[best].subspan(1);
  if (lists_[best].empty()) lists_[best] = lists_[--count_];
  return true;
}

}  // namespace sluice::routing
