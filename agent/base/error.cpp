// SPDX-License-Identifier: Apache-2.0
#include "agent/base/error.hpp"

#include <system_error>

namespace sluice {

tl::unexpected<Error> fail_errno(std::string what, int number) {
  return fail(ErrorCode::kSystem,
              std::move(what) + ": " + std::error_code(number, std::generic_category()).message());
}

}  // namespace sluice
