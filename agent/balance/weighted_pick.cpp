// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/weighted_pick.hpp"

#include <algorithm>
#include <numeric>

namespace sluice::balance {
namespace {

__extension__ using Wide = __int128;  // -Wpedantic knows no 128-bit integer

// pick() multiplies 2 * m * total * weight with m = 2n - 2; that must stay below 2^127. Credits from outside add to it,
// see most_ahead().
constexpr std::uint64_t max_total(std::size_t choices) {
  return std::uint64_t{1} << (choices < 4096 ? 56 : 40);
}

Wide sum(std::span<const std::uint64_t> weights) {
  return std::accumulate(weights.begin(), weights.end(), Wide{0},
                         [](Wide total, std::uint64_t weight) { return total + weight; });
}

// Divides by the greatest common divisor, so that cycles are short, and by whatever makes the sum
// fit.
std::vector<std::uint64_t> normalised(std::span<const std::uint64_t> weights) {
  std::vector<std::uint64_t> out(weights.begin(), weights.end());
  std::uint64_t divisor = 0;
  for (const std::uint64_t weight : out) divisor = std::gcd(divisor, weight);
  if (divisor > 1) {
    for (std::uint64_t& weight : out) weight /= divisor;
  }
  while (sum(out) > static_cast<Wide>(max_total(out.size()))) {
    for (std::uint64_t& weight : out)
      weight = weight == 0 ? 0 : std::max<std::uint64_t>(1, weight / 2);
  }
  return out;
}

constexpr Wide kMostAhead = Wide{1} << 20;

// While picks make up for what others lack, a choice can come to lack as much as all together: n * most. pick()
// then multiplies (n * most + 3) * m * total * weight.
std::uint64_t most_ahead(std::uint64_t total, std::uint32_t active) {
  if (active < 2) return 0;  // one choice has its share, whatever it gets
  const Wide wide = static_cast<Wide>(total);
  const Wide by_product = (Wide{1} << 126) / (wide * wide) / (2 * static_cast<Wide>(active) - 2);
  const Wide by_credit = (Wide{1} << 61) / wide;
  const Wide most = std::min({kMostAhead, (by_product - 3) / active, (by_credit - 2) / active});
  return static_cast<std::uint64_t>(std::max(most, Wide{0}));
}

}  // namespace

WeightedPick::WeightedPick(std::span<const std::uint64_t> weights) {
  choices_.reserve(weights.size());
  for (const std::uint64_t weight : normalised(weights)) {
    choices_.push_back({weight, 0});
    total_ += weight;
    if (weight > 0) ++active_;
  }
  most_ = most_ahead(total_, active_);
}

std::optional<std::size_t> WeightedPick::pick() {
  if (active_ == 0) return std::nullopt;
  // With m = 2n - 2 (2 when there is one choice): eligible when credit / total >= 1/m; due first
  // when (1 - 1/m - credit / total) / weight is smallest. Both are multiplied by m * total to stay
  // in integers, and the quotients are compared crosswise.
  const Wide m = active_ > 1 ? 2 * static_cast<Wide>(active_) - 2 : 2;
  const Wide threshold = static_cast<Wide>(total_);
  std::optional<std::size_t> best;
  Wide best_due = 0;
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    Choice& choice = choices_[i];
    if (choice.weight == 0) continue;
    choice.credit += static_cast<std::int64_t>(choice.weight);
    const Wide scaled = m * choice.credit;
    if (scaled < threshold) continue;
    const Wide due = (m - 1) * threshold - scaled;
    if (!best || due * choices_[*best].weight < best_due * choice.weight) {
      best = i;
      best_due = due;
    }
  }
  // Credits now sum to the total, so one of n > 1 choices has at least total / n >= total / m, and
  // a single one has it all: best is always set.
  choices_[*best].credit -= static_cast<std::int64_t>(total_);
  return best;
}

void WeightedPick::credit(std::size_t index, std::uint64_t count) {
  if (most_ == 0 || index >= choices_.size() || choices_[index].weight == 0) return;
  count = std::min(count, 2 * most_);  // from one end of the range to the other
  for (Choice& choice : choices_) {
    choice.credit += static_cast<std::int64_t>(count * choice.weight);
  }
  choices_[index].credit -= static_cast<std::int64_t>(count * total_);
  forget_beyond(most_);
}

double WeightedPick::ahead(std::size_t index) const {
  if (total_ == 0) return 0;
  return -static_cast<double>(choices_[index].credit) / static_cast<double>(total_);
}

void WeightedPick::forget_beyond(std::uint64_t count) {
  const Wide bound = static_cast<Wide>(std::min(count, most_)) * total_;
  Choice* widest = nullptr;
  Wide width = bound;
  for (Choice& choice : choices_) {
    const Wide own = choice.credit < 0 ? -static_cast<Wide>(choice.credit) : choice.credit;
    if (own <= width) continue;
    width = own;
    widest = &choice;
  }
  if (widest == nullptr) return;
  // Credits sum to 0, and pick() relies on it.
  Wide sum = 0;
  for (Choice& choice : choices_) {
    choice.credit = static_cast<std::int64_t>(choice.credit * bound / width);
    sum += choice.credit;
  }
  widest->credit -= static_cast<std::int64_t>(sum);
}

}  // namespace sluice::balance
