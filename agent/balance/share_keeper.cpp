// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/share_keeper.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sluice::balance {
namespace {

constexpr double kWindow = 1;             // seconds that a rate is the mean of
constexpr double kChance = 0.7;           // of the square root of the requests in a second
constexpr double kWorthwhile = 1.0 / 16;  // of the busiest that moves

}  // namespace

void RequestRate::add(std::uint64_t requests, double seconds) {
  if (seconds <= 0) return;
  known_for_ = std::min(known_for_ + seconds, kWindow);
  const double now = static_cast<double>(requests) / seconds;
  per_second_ += (now - per_second_) * std::min(1.0, seconds / known_for_);
}

void ShareKeeper::begin(std::span<const std::uint64_t> weights, std::uint64_t picked,
                        double seconds) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  choices_.clear();
  for (const std::uint64_t weight : weights) {
    choices_.push_back({.share = sum > 0 ? static_cast<double>(weight) / sum : 0});
  }
  offers_.clear();
  chosen_.clear();
  picked_.add(picked, seconds);
  total_ = picked_.per_second();
  seconds_ = seconds;
}

void ShareKeeper::add(std::size_t choice, double rate, bool leaving) {
  total_ += rate;
  if (!leaving) choices_[choice].carried += rate;
}

bool ShareKeeper::wants_moves(WeightedPick& pick) {
  pick.forget_beyond(
      static_cast<std::uint64_t>(std::ceil(std::max(4 * kHandful, kMemory * total_))));
  // Clients do not ask in time with each other: what chance brings within a second mostly goes within another.
  const double band = std::max({kHandful, kBand * total_, kChance * std::sqrt(total_)});
  bool wanted = false;
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    Choice& choice = choices_[i];
    if (choice.share <= 0) continue;
    choice.ahead = pick.ahead(i);
    const double drift = choice.carried - choice.share * total_;
    if (choice.ahead < kHandful || choice.ahead + drift * seconds_ <= band) continue;
    choice.excess = std::max(0.0, drift + choice.ahead / kRepair);
    wanted = wanted || choice.excess > 0;
  }
  return wanted;
}

void ShareKeeper::offer(std::size_t choice, double rate, std::uint32_t id) {
  if (rate > 0 && gives(choice)) offers_.push_back({choice, rate, id});
}

std::span<const std::uint32_t> ShareKeeper::chosen() {
  std::ranges::sort(offers_, [](const Offer& a, const Offer& b) {
    return a.choice != b.choice ? a.choice < b.choice : a.rate > b.rate;
  });
  for (auto from = offers_.begin(); from != offers_.end();) {
    const auto to = std::find_if(from, offers_.end(),
                                 [&](const Offer& offer) { return offer.choice != from->choice; });
    choose({from, to}, choices_[from->choice]);
    from = to;
  }
  return chosen_;
}

// `offers`: of one subset, the busiest first. Takes the one that comes closest to what is left to give up, again and
// again; the first may be far too large.
void ShareKeeper::choose(std::span<const Offer> offers, const Choice& from) {
  double left = from.excess;
  double least = 0;
  auto next = offers.begin();
  while (left > 0 && next != offers.end() && chosen_.size() < kMost) {
    auto best =
        std::find_if(next, offers.end(), [&](const Offer& offer) { return offer.rate <= left; });
    if (best != next) {
      const auto larger = std::prev(best);
      if (best == offers.end() || larger->rate - left < left - best->rate) best = larger;
    }
    if (best->rate < least || (least > 0 && best->rate > 2 * left)) return;
    chosen_.push_back(best->id);
    least = std::max(least, best->rate * kWorthwhile);
    left -= best->rate;
    next = best + 1;
  }
}

}  // namespace sluice::balance
