// SPDX-License-Identifier: Apache-2.0
#include "agent/balance/due_queue.hpp"

#include <algorithm>

namespace sluice::balance {
namespace {

// Smallest due first; equal ones in the order of the choices, so that runs repeat.
constexpr auto kLater = [](const auto& a, const auto& b) {
  return a.due != b.due ? a.due > b.due : a.choice > b.choice;
};

}  // namespace

DueQueue::DueQueue(std::span<const double> costs, std::size_t start) {
  const std::size_t count = costs.size();
  heap_.reserve(count);
  skipped_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t turn = (i + count - start % count) % count;
    heap_.push_back({costs[i] * static_cast<double>(turn + 1) / static_cast<double>(count),
                     static_cast<std::uint32_t>(i)});
  }
  std::ranges::make_heap(heap_, kLater);
}

DueQueue::Entry DueQueue::pop() {
  std::ranges::pop_heap(heap_, kLater);
  const Entry entry = heap_.back();
  heap_.pop_back();
  return entry;
}

void DueQueue::push(Entry entry) {
  heap_.push_back(entry);
  std::ranges::push_heap(heap_, kLater);
}

}  // namespace sluice::balance
