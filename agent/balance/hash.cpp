// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/hash.hpp"

#define XXH_INLINE_ALL  // nothing to link; short keys cost no call
#include <xxhash.h>

namespace sluice::balance {

std::uint64_t hash64(std::string_view key, std::uint64_t seed) {
  return XXH64(key.data(), key.size(), seed);
}

}  // namespace sluice::balance
