// SPDX-License-Identifier: Apache-2.0
// Host names as the Istio API writes them: short names, fully qualified ones and wildcards. Pure.
// Thread: any.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

// "*" or "*.suffix".
[[nodiscard]] bool is_wildcard(std::string_view host);
// A DNS name, a wildcard or an IP address; lower case is expected.
[[nodiscard]] bool valid_host(std::string_view host);
// Does `pattern` (exact or wildcard) cover all of what `host` (exact or wildcard) covers?
[[nodiscard]] bool covers(std::string_view pattern, std::string_view host);
// The narrower of the two when one covers the other.
[[nodiscard]] std::optional<std::string> intersect(std::string_view a, std::string_view b);
// A name without a dot is a Service of `name_space` (Istio: the rule's namespace, not the
// service's).
[[nodiscard]] std::string qualify(std::string_view host, std::string_view name_space,
                                  std::string_view cluster_domain);
// The names that `host` may mean, the most literal first: also "service.namespace" and
// "service.namespace.svc".
[[nodiscard]] std::vector<std::string> host_candidates(std::string_view host,
                                                       std::string_view name_space,
                                                       std::string_view cluster_domain);

}  // namespace sluice::config
