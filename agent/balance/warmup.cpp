// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/warmup.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::balance {

double warmup_factor(const model::Warmup& warmup, TimePoint since, TimePoint now) {
  if (since == TimePoint{}) return 1;
  const auto age = std::chrono::duration<double>(now - since).count();
  const auto duration = std::chrono::duration<double>(warmup.duration).count();
  if (age >= duration) return 1;
  // The first second counts as one, so that a minimum of 0 % does not keep an endpoint out for good.
  const double part = std::min(1.0, std::max(age, 1.0) / duration);
  const double grown = warmup.aggression == 1 || warmup.aggression <= 0
                           ? part
                           : std::pow(part, 1 / warmup.aggression);
  return std::clamp(std::max(grown, warmup.minimum_percent / 100), 0.0, 1.0);
}

}  // namespace sluice::balance
