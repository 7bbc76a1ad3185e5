// SPDX-License-Identifier: Apache-2.0
// Whether this network namespace has a TCP socket of these two ends, whoever's it is, also one that only closes; not
// one that merely rests (TIME-WAIT). Thread: any. Asks the kernel; does not wait.
#pragma once
#include "agent/base/ip_address.hpp"

namespace sluice::net {

// True as well when the kernel does not answer.
[[nodiscard]] bool tcp_socket_exists(const SocketAddress& local, const SocketAddress& remote);

}  // namespace sluice::net
