// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/commands.hpp"
#include "cli/commands/status_parts.hpp"

namespace sluice::cli {

// What needs a person comes first: diagnostics and conditions before the inventory.
std::string render_status(const v1::StatusReply& reply, const Painter& paint) {
  return status_parts::summary(reply, paint) + status_parts::access_log(reply, paint) +
         status_parts::api(reply, paint) + status_parts::diagnostics(reply, paint) +
         status_parts::conditions(reply, paint) + status_parts::listeners(reply, paint) +
         status_parts::clusters(reply, paint) + status_parts::endpoints(reply, paint) +
         status_parts::workers(reply, paint) + status_parts::reasons(reply, paint) +
         status_parts::interfaces(reply, paint) + status_parts::maps(reply, paint) +
         status_parts::probes(reply, paint);
}

}  // namespace sluice::cli
