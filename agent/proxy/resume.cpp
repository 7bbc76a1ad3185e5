// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/resume.hpp"

#include "agent/proxy/context.hpp"

namespace sluice::proxy {

void resume_connection(Context& context, Returned connection) {
  context.steering->close_upstream(std::move(connection.endpoint), false);
}

}  // namespace sluice::proxy
