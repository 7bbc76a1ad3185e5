// SPDX-License-Identifier: Apache-2.0
// How long a change may take in these tests: several times what it takes, so that a busy machine passes and a change
// whose cost grows with the configuration does not.
#pragma once

namespace sluice {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr double kBoundMs = 1'000;  // a sanitizer's build takes ten times as long
#else
inline constexpr double kBoundMs = 100;
#endif

}  // namespace sluice
