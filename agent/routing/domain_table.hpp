// SPDX-License-Identifier: Apache-2.0
// DomainTable: from a request's host to the virtual hosts of the most specific domain: exact, then
// the longest "*.suffix", then "*". No fall-through. Used by RouteTable.
// Thread: any (const after the last add). Invariants: find() allocates nothing, and its work is
// bounded by the longest configured domain, whatever the request says.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::routing {

class DomainTable {
 public:
  struct Domain {
    std::string name;                  // "echo.example.com", "*.example.com" or "*"
    std::vector<std::uint32_t> hosts;  // virtual hosts in the given order, each once
  };

  void add(std::string_view domain, std::uint32_t virtual_host);
  // Null when no domain fits. `host` is what host_of() gave.
  [[nodiscard]] const Domain* find(std::string_view host) const;
  [[nodiscard]] const std::vector<Domain>& domains() const { return domains_; }  // as first added

 private:
  struct FoldHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const;
  };
  struct FoldEqual {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const;
  };
  using Index = std::unordered_map<std::string, std::uint32_t, FoldHash, FoldEqual>;

  std::vector<Domain> domains_;
  Index exact_;
  Index suffixes_;  // ".example.com" of "*.example.com"
  std::optional<std::uint32_t> any_;
  std::size_t longest_exact_ = 0;
  std::size_t longest_suffix_ = 0;
};

}  // namespace sluice::routing
