// SPDX-License-Identifier: Apache-2.0
// The authority of a request: host[:port] of Host, of an absolute-form target and of CONNECT.
// Called by the codecs. Thread: any. Invariants: pure. Stricter than RFC 3986: no pct-encoding and
// no sub-delims in a name (such a host could be written in two ways), no user information, no empty
// port, no zone and no IPvFuture.
#pragma once
#include <string_view>

namespace sluice::http {

enum class Port { kOptional, kRequired };
[[nodiscard]] bool is_authority(std::string_view text, Port port);

}  // namespace sluice::http
