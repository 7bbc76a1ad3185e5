// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/domain_table.hpp"

#include <algorithm>

#include "agent/base/text.hpp"

namespace sluice::routing {

// FNV-1a over the lower-cased bytes: keys are configuration, so no request can make them collide.
std::size_t DomainTable::FoldHash::operator()(std::string_view text) const {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    const char folded = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    hash = (hash ^ static_cast<unsigned char>(folded)) * 0x100000001b3U;
  }
  return hash;
}

bool DomainTable::FoldEqual::operator()(std::string_view a, std::string_view b) const {
  return equals_ignore_case(a, b);
}

void DomainTable::add(std::string_view domain, std::uint32_t virtual_host) {
  const auto next = static_cast<std::uint32_t>(domains_.size());
  std::uint32_t at = next;
  if (domain == "*") {
    if (!any_) any_ = next;
    at = *any_;
  } else if (domain.starts_with("*.")) {
    const std::string_view suffix = domain.substr(1);
    at = suffixes_.try_emplace(std::string(suffix), next).first->second;
    longest_suffix_ = std::max(longest_suffix_, suffix.size());
  } else {
    at = exact_.try_emplace(std::string(domain), next).first->second;
    longest_exact_ = std::max(longest_exact_, domain.size());
  }
  if (at == next) domains_.push_back({std::string(domain), {}});
  auto& hosts = domains_[at].hosts;
  if (std::ranges::find(hosts, virtual_host) == hosts.end()) hosts.push_back(virtual_host);
}

const DomainTable::Domain* DomainTable::find(std::string_view host) const {
  if (host.size() <= longest_exact_) {
    if (const auto found = exact_.find(host); found != exact_.end()) {
      return &domains_[found->second];
    }
  }
  if (longest_suffix_ > 0 && host.size() > 1) {
    // The star stands for at least one character: the dot that begins a suffix is never at 0.
    std::size_t from = host.size() > longest_suffix_ ? host.size() - longest_suffix_ : 1;
    for (from = std::max<std::size_t>(from, 1); (from = host.find('.', from)) != host.npos;
         ++from) {
      if (const auto found = suffixes_.find(host.substr(from)); found != suffixes_.end()) {
        return &domains_[found->second];
      }
    }
  }
  return any_ ? &domains_[*any_] : nullptr;
}

}  // namespace sluice::routing
