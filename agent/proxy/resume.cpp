// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/resume.hpp"

#include "agent/proxy/context.hpp"
#include "agent/proxy/h1_session.hpp"

namespace sluice::proxy {

void resume_connection(Context& context, Returned connection) {
  auto* const session =
      new H1Session(context, std::move(connection.client), connection.peer, connection.local);
  // Its client was let in long ago: it counts, but no limit can refuse it any more.
  if (const snapshot::Listener* const listener = session->listener()) {
    if (auto place = ListenerPlace::take(context.load_of(*listener), std::nullopt)) {
      session->hold(std::move(*place));
    }
  }
  session->resume(connection.input, connection.requests, std::move(connection.endpoint));
  session->drive();  // owns itself from here
}

}  // namespace sluice::proxy
