// SPDX-License-Identifier: Apache-2.0
// What the decided route makes of one request, by the data path's own code: where it is redirected to, what the
// endpoint is asked for. Used by explain_view. Pure. Thread: any.
#pragma once
#include <string>

#include "agent/app/view_parts.hpp"
#include "agent/http/message.hpp"
#include "agent/routing/route_table.hpp"

namespace sluice::app {

// Fills reply.actions. The answer that the route gives by itself, "301 redirect", or "" when an endpoint is asked.
[[nodiscard]] std::string add_actions(const routing::Decision& decision,
                                      const http::RequestHead& head, const SocketAddress& local,
                                      v1::ExplainReply& reply);

// Brings the path into the form in which the listener matches and forwards it. The reason when it refuses the path.
[[nodiscard]] std::string normalize(const snapshot::Listener& listener, http::RequestHead& head);

}  // namespace sluice::app
