// SPDX-License-Identifier: Apache-2.0
// Bind: how sockets that clients come to are opened and bound, of whatever type. Callers: socket and datagram of this
// folder. Thread: any.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>

#include "agent/base/error.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/base/unique_fd.hpp"

namespace sluice::net {

// SOCK_STREAM or SOCK_DGRAM, non-blocking and close-on-exec.
[[nodiscard]] Result<UniqueFd> open_socket(int family, int type);

bool set_option(int fd, int level, int option, int value = 1);

// With SO_REUSEPORT. `bind` unset: dual stack on every address, or AF_INET where the host has no IPv6. `ahead`: an
// address that is not (yet) one of this host will do. `prepare` sets what has to be set before bind(2).
[[nodiscard]] Result<UniqueFd> bind_socket(int type, std::optional<IpAddress> bind,
                                           std::uint16_t port, bool ahead,
                                           const std::function<void(int fd, int family)>& prepare);

}  // namespace sluice::net
