// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/hosts.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "agent/base/ip_address.hpp"

namespace sluice::config {
namespace {

bool valid_dns(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  std::size_t label = 0;
  char previous = '.';
  for (const char c : name) {
    if (c == '.') {
      if (label == 0 || previous == '-') return false;
      label = 0;
    } else {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
      if (!letter && (c != '-' || label == 0)) return false;
      if (++label > 63) return false;
    }
    previous = c;
  }
  return label > 0 && previous != '-';
}

}  // namespace

bool is_wildcard(std::string_view host) { return host.starts_with('*'); }

bool valid_host(std::string_view host) {
  if (host == "*") return true;
  if (host.starts_with("*.")) return valid_dns(host.substr(2));
  return valid_dns(host) || IpAddress::parse(host).has_value();
}

bool covers(std::string_view pattern, std::string_view host) {
  if (pattern == "*" || pattern == host) return true;
  if (!is_wildcard(pattern) || host == "*") return false;
  const std::string_view suffix = pattern.substr(1);  // ".suffix"
  if (is_wildcard(host)) host.remove_prefix(1);
  return host.ends_with(suffix) && host != suffix.substr(1);
}

std::optional<std::string> intersect(std::string_view a, std::string_view b) {
  if (covers(a, b)) return std::string(b);
  if (covers(b, a)) return std::string(a);
  return std::nullopt;
}

std::string qualify(std::string_view host, std::string_view name_space,
                    std::string_view cluster_domain) {
  if (is_wildcard(host) || host.find_first_of(".:") != host.npos) return std::string(host);
  return fmt::format("{}.{}.svc.{}", host, name_space, cluster_domain);
}

std::vector<std::string> host_candidates(std::string_view host, std::string_view name_space,
                                         std::string_view cluster_domain) {
  const auto dots = std::count(host.begin(), host.end(), '.');
  if (is_wildcard(host)) return {std::string(host)};
  if (dots == 0) return {qualify(host, name_space, cluster_domain), std::string(host)};
  if (dots == 1) return {std::string(host), fmt::format("{}.svc.{}", host, cluster_domain)};
  if (host.ends_with(".svc"))
    return {std::string(host), fmt::format("{}.{}", host, cluster_domain)};
  return {std::string(host)};
}

}  // namespace sluice::config
