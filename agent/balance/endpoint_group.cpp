// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/endpoint_group.hpp"

#include <algorithm>
#include <numeric>

#include "agent/balance/warmup.hpp"

namespace sluice::balance {
namespace {

using Kind = model::LoadBalancer::Kind;

bool all_equal(const std::vector<std::uint64_t>& values) {
  return std::ranges::all_of(values, [&](auto value) { return value == values.front(); });
}

}  // namespace

std::size_t EndpointGroup::healthy() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members_, [this](auto index) { return !ejected(index); }));
}

void EndpointGroup::use(bool all, std::size_t start, TimePoint now) {
  usable_.clear();
  weights_.clear();
  is_usable_.assign(endpoints_.size(), false);
  for (const auto index : members_) {
    if (!all && ejected(index)) continue;
    usable_.push_back(index);
    weights_.push_back(endpoints_[index].weight);
    is_usable_[index] = true;
  }
  if (usable_.empty()) return;
  std::uint64_t total = std::accumulate(weights_.begin(), weights_.end(), std::uint64_t{0});
  if (total == 0) {
    std::ranges::fill(weights_, 1U);
    total = weights_.size();
  }
  mean_weight_ = static_cast<double>(total) / static_cast<double>(weights_.size());
  start_ = start;
  choose_way(start, now);
}

void EndpointGroup::choose_way(std::size_t start, TimePoint now) {
  const bool equal = all_equal(weights_);
  const bool by_load = policy_->kind == Kind::kLeastRequest || policy_->kind == Kind::kPassthrough;
  const bool by_turns = policy_->kind == Kind::kRoundRobin;
  ends_.clear();
  warm_at_ = TimePoint::max();
  if (policy_->warmup && !states_.empty() && (by_load || by_turns)) {
    TimePoint last{};
    for (const auto index : usable_) last = std::max(last, states_[index]->serving_since());
    const bool known = last != TimePoint{};
    last += policy_->warmup->duration;
    if (known && last > now) warm_at_ = last;
  }
  const bool warming = warm_at_ != TimePoint::max();
  if (warming || (by_load && !equal)) {
    way_ = Way::kDue;
    std::vector<double> costs;
    for (std::size_t i = 0; i < usable_.size(); ++i) costs.push_back(cost(i, now));
    due_ = DueQueue(costs, start);
    return;
  }
  if (by_turns || by_load) {
    way_ = by_load ? Way::kTwoChoices : Way::kTurns;
    turns_ = EndpointPick(std::span<const std::uint64_t>(weights_), start);
    return;
  }
  way_ = Way::kDice;
  if (!equal) {
    ends_.resize(weights_.size());
    std::partial_sum(weights_.begin(), weights_.end(), ends_.begin());
  }
}

// Weight over (requests in flight + 1), as Istio's data plane weighs endpoints whose weights differ; the higher it is,
// the sooner the next turn.
double EndpointGroup::cost(std::size_t position, TimePoint now) const {
  const std::uint64_t weight = weights_[position];
  if (weight == 0) return 1e18;
  double cost = mean_weight_ / static_cast<double>(weight);
  if (states_.empty()) return cost;
  const EndpointState& state = *states_[usable_[position]];
  if (policy_->kind != Kind::kRoundRobin) {
    cost *= state.in_flight.load(std::memory_order_relaxed) + 1.0;
  }
  if (warm_at_ != TimePoint::max()) {
    // A thousandth: an endpoint without any weight would never have its turn again.
    cost /= std::max(0.001, warmup_factor(*policy_->warmup, state.serving_since(), now));
  }
  return cost;
}

bool EndpointGroup::excluded(const PickRequest& request, std::size_t position) const {
  return !request.excluded.empty() &&
         std::ranges::find(request.excluded, usable_[position]) != request.excluded.end();
}

// From `position` on, the first that is not excluded and has a weight; `position` when there is none.
std::size_t EndpointGroup::next_allowed(const PickRequest& request, std::size_t position) const {
  for (std::size_t i = 0, next = position; i < usable_.size(); ++i) {
    if (weights_[next] > 0 && !excluded(request, next)) return next;
    next = next + 1 == usable_.size() ? 0 : next + 1;
  }
  return position;
}

std::size_t EndpointGroup::turns(const PickRequest& request) {
  const std::size_t position = turns_.pick().value_or(0);
  return excluded(request, position) ? next_allowed(request, position) : position;
}

// M. Mitzenmacher, "The power of two choices in randomized load balancing", 2001; but one of the two is the endpoint
// whose turn it is, so that endpoints with equal load share exactly.
std::size_t EndpointGroup::two_choices(const PickRequest& request, Dice& dice) {
  const std::size_t first = turns(request);
  const std::size_t count = usable_.size();
  if (count == 1 || states_.empty()) return first;
  std::size_t second = dice.below(count - 1);
  if (second >= first) ++second;
  if (excluded(request, second)) return first;
  const auto load = [this](std::size_t position) {
    return states_[usable_[position]]->in_flight.load(std::memory_order_relaxed);
  };
  return load(second) < load(first) ? second : first;
}

std::size_t EndpointGroup::weighted_dice(const PickRequest& request, Dice& dice) {
  if (ends_.empty()) return next_allowed(request, dice.below(usable_.size()));
  const std::uint64_t point = dice.below(ends_.back());
  const auto found = std::ranges::upper_bound(ends_, point);
  return next_allowed(request, static_cast<std::size_t>(found - ends_.begin()));
}

std::optional<std::size_t> EndpointGroup::pick(const PickRequest& request, Dice& dice) {
  if (usable_.empty()) return std::nullopt;
  if (table_ != nullptr && request.hash) {
    const auto is_free = [&](std::uint32_t index) {
      return is_usable_[index] &&
             std::ranges::find(request.excluded, index) == request.excluded.end();
    };
    if (const auto found = table_->find(*request.hash, is_free)) return found;
    const auto is_usable = [&](std::uint32_t index) { return is_usable_[index]; };
    if (const auto found = table_->find(*request.hash, is_usable)) return found;
    // Those that have a weight are all ejected.
  }
  if (warm_at_ <= request.now) choose_way(start_, request.now);
  switch (way_) {
    case Way::kTurns:
      return usable_[turns(request)];
    case Way::kDue:
      return usable_[due_.take([&](std::size_t i) { return cost(i, request.now); },
                               [&](std::size_t i) { return excluded(request, i); })];
    case Way::kTwoChoices:
      return usable_[two_choices(request, dice)];
    case Way::kDice:
      break;
  }
  return usable_[weighted_dice(request, dice)];
}

}  // namespace sluice::balance
