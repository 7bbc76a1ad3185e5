// SPDX-License-Identifier: Apache-2.0
// The little HTTP that the admin listener speaks: the request line of a GET or HEAD, a whole response, close.
// Pure. Thread: any. Only scrapers and probes on loopback talk to it, so it needs no codec of the data path's kind, but
// it takes nothing on trust: what is not plainly right is 400.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "agent/telemetry/admin_server.hpp"

namespace sluice::telemetry {

inline constexpr std::size_t kMaxHeadBytes = 8 * 1024;

struct AdminRequest {
  int error_status = 0;  // not 0: answer with it, the other members are empty
  bool head_only = false;
  std::string path;  // without query
};

// nullopt: the head is not complete yet. Lines end with CRLF or LF (RFC 9112 2.2 lets a recipient take a bare LF).
[[nodiscard]] std::optional<AdminRequest> parse_admin_request(std::string_view received);

// Calls the callback that the path names and puts the whole response together.
[[nodiscard]] std::string admin_response(const AdminRequest& request,
                                         const AdminCallbacks& callbacks);

}  // namespace sluice::telemetry
