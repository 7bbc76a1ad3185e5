// SPDX-License-Identifier: Apache-2.0
// PathIndex: which candidates of a virtual host a path can match at all, so that thousands of
// exact and prefix routes cost a few hash lookups. It only skips; order and outcome stay those of
// the list. Used by RouteTable. Thread: any (const). Invariants: candidates() allocates nothing.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/routing/condition.hpp"

namespace sluice::routing {

class PathIndex {
 public:
  // One candidate is the conditions of one match; views into them are kept, so they must stay put.
  void add(std::uint32_t candidate, std::span<const Condition> conditions);

  // Walks the candidates that `path` may match, in ascending order.
  class Walk {
   public:
    static constexpr std::size_t kMaxLists = 34;
    void push(std::span<const std::uint32_t> list);
    // False at the end.
    [[nodiscard]] bool next(std::uint32_t& candidate);

   private:
    std::array<std::span<const std::uint32_t>, kMaxLists> lists_;
    std::size_t count_ = 0;
  };
  [[nodiscard]] Walk candidates(std::string_view path) const;

 private:
  using Lists = std::unordered_map<std::string_view, std::vector<std::uint32_t>>;
  struct PrefixesOfLength {
    std::size_t length = 0;
    Lists lists;
  };

  Lists exact_;
  std::vector<PrefixesOfLength> prefixes_;  // at most kMaxLists - 2 lengths; more go to rest_
  std::vector<std::uint32_t> rest_;         // must always be looked at
};

}  // namespace sluice::routing
