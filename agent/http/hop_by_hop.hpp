// SPDX-License-Identifier: Apache-2.0
// Which fields belong to one connection, and which never do, whoever says so (RFC 9110 7.6.1). strip_hop_by_hop is in
// h1_codec.hpp. Called by the codecs. Thread: any.
#pragma once
#include <string_view>

namespace sluice::http {

// A client that could name these in Connection would hide itself from, or redirect, what stands behind.
[[nodiscard]] bool is_protected_from_connection(std::string_view name);

// A field that must not come as a trailer (RFC 9110 6.5.1): it says where the message ends, where it goes, who sent
// it or what is done with it, or belongs to one connection.
[[nodiscard]] bool is_forbidden_trailer(std::string_view name);

// The name with everything but letters and digits read as "-" is, without case, that of a field that decides framing,
// routing or trust, but it is not that name. CGI and its heirs read such fields as one.
[[nodiscard]] bool is_lookalike(std::string_view name);

}  // namespace sluice::http
