// SPDX-License-Identifier: Apache-2.0
// DueQueue: takes choices in the order in which they are due, each with a cost that may differ from turn to turn
// (earliest deadline first). For weights that change with time or load, where WeightedPick's exactness has no meaning.
// Called by EndpointGroup. Thread: worker. Invariants: holds every choice once; no allocation after construction.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice::balance {

class DueQueue {
 public:
  DueQueue() = default;
  // One choice for each cost, first due somewhere in its first round; `start` turns the order.
  DueQueue(std::span<const double> costs, std::size_t start);

  [[nodiscard]] bool empty() const { return heap_.empty(); }
  // Takes the choice that is due first, puts it back `cost(choice)` later and returns it. `skip(choice)`: leave this
  // one where it is and look at the next. All skipped: takes the first all the same.
  template <typename Cost, typename Skip>
  std::size_t take(Cost cost, Skip skip) {
    skipped_.clear();
    Entry taken = pop();
    while (skip(taken.choice) && !heap_.empty()) {
      skipped_.push_back(taken);
      taken = pop();
    }
    if (skip(taken.choice) && !skipped_.empty()) {
      push(taken);
      taken = skipped_.front();
      skipped_.erase(skipped_.begin());
    }
    for (const Entry& entry : skipped_) push(entry);
    const std::size_t choice = taken.choice;
    push({taken.due + cost(choice), taken.choice});
    return choice;
  }

 private:
  struct Entry {
    double due = 0;
    std::uint32_t choice = 0;
  };
  Entry pop();
  void push(Entry entry);

  std::vector<Entry> heap_;
  std::vector<Entry> skipped_;
};

}  // namespace sluice::balance
