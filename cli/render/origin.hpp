// SPDX-License-Identifier: Apache-2.0
// Where a piece of configuration came from, as text. Pure. Thread: any.
#pragma once
#include <string>

#include "agent/control/control.pb.h"

namespace sluice::cli {

// "file:line", "file" without a line, "" when unknown.
[[nodiscard]] std::string location(const control::v1::Origin& origin);
// " (file:line)" or "".
[[nodiscard]] std::string in_parentheses(const control::v1::Origin& origin);

}  // namespace sluice::cli
