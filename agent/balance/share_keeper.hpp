// SPDX-License-Identifier: Apache-2.0
// ShareKeeper: which connections have to change their subset so that the shares of requests come true although the
// kernel carries connections, each to one subset, and some are far busier than others.
// Called by the proxy, many times a second and set ("a look"): begin(), add() each connection, wants_moves(), and if so
// offer() those that may move, then chosen(). Thread: worker (one object a set and worker). Pure: no clock, no I/O.
//
// A subset is asked for connections when it is ahead of its share by more than kBand of the set's traffic, or will be
// by the next look, and by at least kHandful of requests. It gives up so much traffic that what it is ahead by is gone
// within kRepair: the connections that come closest to that. A client that makes most of the requests by itself goes
// from subset to subset in turn.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "agent/balance/weighted_pick.hpp"
#include "agent/base/clock.hpp"

namespace sluice::balance {

// Requests a second, from counts at irregular times: the mean since the start, later that of about the last second.
class RequestRate {
 public:
  void add(std::uint64_t requests, double seconds);
  [[nodiscard]] double per_second() const { return per_second_; }

 private:
  double per_second_ = 0;
  double known_for_ = 0;  // seconds
};

class ShareKeeper {
 public:
  static constexpr double kBand = 0.01;      // seconds of the set's traffic
  static constexpr double kHandful = 4;      // requests
  static constexpr double kRepair = 1;       // seconds
  static constexpr double kMemory = 0.1;     // seconds of traffic that are made up for at most
  static constexpr std::size_t kMost = 128;  // moves a look: each costs the worker 50 to 100 us

  // A look begins; `picked`: requests that were picked for one by one since the last one.
  void begin(std::span<const std::uint64_t> weights, std::uint64_t picked, double seconds);
  // A connection that the kernel carries. `leaving`: it comes back with its next request anyway.
  void add(std::size_t choice, double rate, bool leaving);
  // Some subset has to give up connections. Bounds what `pick` makes up for.
  [[nodiscard]] bool wants_moves(WeightedPick& pick);
  // Whether that subset is one of them.
  [[nodiscard]] bool gives(std::size_t choice) const { return choices_[choice].excess > 0; }
  // A connection of such a subset that may move; `id` is the caller's.
  void offer(std::size_t choice, double rate, std::uint32_t id);
  // Those to move, by id. Valid until the next begin().
  [[nodiscard]] std::span<const std::uint32_t> chosen();

 private:
  struct Choice {
    double share = 0;
    double carried = 0;  // requests a second that stay if nothing is done
    double ahead = 0;    // requests
    double excess = 0;   // requests a second to give up; 0: none
  };
  struct Offer {
    std::size_t choice;
    double rate;
    std::uint32_t id;
  };

  void choose(std::span<const Offer> offers, const Choice& from);

  std::vector<Choice> choices_;
  std::vector<Offer> offers_;
  std::vector<std::uint32_t> chosen_;
  RequestRate picked_;
  double total_ = 0;    // requests a second
  double seconds_ = 0;  // since the last look
};

}  // namespace sluice::balance
