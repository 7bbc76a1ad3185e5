// SPDX-License-Identifier: Apache-2.0
// Resume: a connection that the kernel carried becomes a session again (docs/adr/0004). Callers: CarriedPolicy.
// Thread: worker.
#pragma once
#include "agent/proxy/steering.hpp"

namespace sluice::proxy {

struct Context;

// Its session lives by itself from here on.
void resume_connection(Context& context, Returned connection);

}  // namespace sluice::proxy
