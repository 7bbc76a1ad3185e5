// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/carried_policy.hpp"

#include "agent/proxy/context.hpp"
#include "agent/proxy/resume.hpp"

namespace sluice::proxy {

void CarriedPolicy::returned(Returned connection) {
  resume_connection(context_, std::move(connection));
}

void CarriedPolicy::ended(const CarriedEnd&) {}

}  // namespace sluice::proxy
