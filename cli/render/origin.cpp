// SPDX-License-Identifier: Apache-2.0
#include "cli/render/origin.hpp"

namespace sluice::cli {

std::string location(const control::v1::Origin& origin) {
  if (origin.line() <= 0) return origin.file();
  return origin.file() + ":" + std::to_string(origin.line());
}

std::string in_parentheses(const control::v1::Origin& origin) {
  const std::string where = location(origin);
  return where.empty() ? "" : " (" + where + ")";
}

}  // namespace sluice::cli
