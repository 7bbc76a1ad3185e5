// SPDX-License-Identifier: Apache-2.0
// ShareCounter: which requests of a stream of them make up an exact share: of 1 % every hundredth, not one in a hundred
// by chance. Kept per worker and action by the proxy. Thread: worker.
// Invariants: after any n calls with one share, |hits - n * share| < 1.
#pragma once
#include <cstdint>

#include "agent/model/action.hpp"

namespace sluice::routing {

class ShareCounter {
 public:
  // True when this request is one of the share. A changed share counts from here on; what the old one had saved up
  // (less than one request) is kept.
  [[nodiscard]] bool next(model::Fraction share) {
    if (share.millionths >= model::Fraction::kWhole) return true;
    saved_ += share.millionths;
    if (saved_ < model::Fraction::kWhole) return false;
    saved_ -= model::Fraction::kWhole;
    return true;
  }

 private:
  std::uint32_t saved_ = 0;  // millionths of a request that are due
};

}  // namespace sluice::routing
