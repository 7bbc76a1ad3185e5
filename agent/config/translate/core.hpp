// SPDX-License-Identifier: Apache-2.0
// What the translators of the core kinds share. Thread: main.
#pragma once
#include <vector>

#include "agent/base/ip_address.hpp"
#include "agent/config/manifest/fields.hpp"

namespace sluice::config {

// Adds the address unless it is there already; what is none is reported.
void add_address(const Text& text, std::vector<IpAddress>& out, Report& report);

}  // namespace sluice::config
