// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/endpoint_picker.hpp"

#include <algorithm>

#include "agent/balance/priority_load.hpp"

namespace sluice::balance {

EndpointPicker::EndpointPicker(const PickerOptions& options, TimePoint now)
    : tables_(options.tables),
      changes_(options.changes),
      min_health_percent_(options.min_health_percent),
      worker_(options.worker),
      dice_(options.seed) {
  auto members = priority_groups(options.endpoints);
  groups_.reserve(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    const HashTable* table = tables_ && i < tables_->groups() ? &tables_->group(i) : nullptr;
    groups_.emplace_back(options.endpoints, options.states, *options.policy, std::move(members[i]),
                         table);
  }
  if (changes_ != nullptr) seen_changes_ = changes_->count.load(std::memory_order_acquire);
  refresh(now);
}

void EndpointPicker::refresh(TimePoint now) {
  std::vector<GroupHealth> health;
  for (const EndpointGroup& group : groups_) {
    health.push_back({.endpoints = group.members().size(), .healthy = group.healthy()});
  }
  const auto loads = priority_loads(health, min_health_percent_);
  loads_.clear();
  only_group_ = groups_.size();
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    groups_[i].use(loads[i].panic, worker_, now);
    loads_.push_back(loads[i].percent);
    if (loads[i].percent == 100) only_group_ = i;
  }
  group_turns_ = WeightedPick(loads_);
}

void EndpointPicker::refresh_if_changed(TimePoint now) {
  if (changes_ == nullptr) return;
  const auto changes = changes_->count.load(std::memory_order_acquire);
  if (changes == seen_changes_) return;
  seen_changes_ = changes;
  refresh(now);
}

bool EndpointPicker::uses(std::size_t index, TimePoint now) {
  refresh_if_changed(now);
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    // An endpoint is in one group.
    if (groups_[i].uses(index)) return loads_[i] > 0;
  }
  return false;
}

std::size_t EndpointPicker::choose_group(const PickRequest& request) {
  if (only_group_ < groups_.size()) return only_group_;
  if (!request.hash || !tables_) return group_turns_.pick().value_or(0);
  // Not the bits that choose the endpoint or, through remix(), the subset.
  std::uint64_t point = scale_to(remix(*request.hash + 1), 100);
  std::size_t group = 0;
  while (group + 1 < loads_.size() && point >= loads_[group]) point -= loads_[group++];
  return group;
}

// The nearest group with somebody to serve and nobody who was tried; `chosen` when there is none.
std::size_t EndpointPicker::untried_group(const PickRequest& request, std::size_t chosen) const {
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const bool tried = std::ranges::any_of(
        groups_[i].members(), [&](std::uint32_t member) { return excludes(request, member); });
    if (!tried && groups_[i].healthy() > 0) return i;
  }
  return chosen;
}

bool EndpointPicker::excludes(const PickRequest& request, std::size_t index) {
  return std::ranges::find(request.excluded, static_cast<std::uint32_t>(index)) !=
         request.excluded.end();
}

std::optional<std::size_t> EndpointPicker::pick(const PickRequest& request) {
  if (groups_.empty()) return std::nullopt;
  refresh_if_changed(request.now);
  std::size_t chosen = choose_group(request);
  if (request.other_localities) chosen = untried_group(request, chosen);
  auto picked = groups_[chosen].pick(request, dice_);
  if (picked && !excludes(request, *picked)) return picked;
  // All of the group were tried: any other group before the same again.
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (i == chosen) continue;
    const auto other = groups_[i].pick(request, dice_);
    if (other && !excludes(request, *other)) return other;
    if (!picked) picked = other;
  }
  return picked;
}

}  // namespace sluice::balance
