// SPDX-License-Identifier: Apache-2.0
// LeaseClaims: the leases that this process wants to hold: takes those that are free, renews those that it has, deletes
// those that it no longer wants. Owned by Member. Thread: cluster. Invariants: one write of a lease at a time, each for
// the version that was read, so two agents never both take one.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>

#include "agent/base/clock.hpp"
#include "agent/cluster/api_calls.hpp"
#include "agent/cluster/lease_book.hpp"

namespace sluice::cluster {

struct Claim {
  std::string holder;
  std::chrono::seconds duration{0};
  Milliseconds renew{0};    // after the last renewal
  Milliseconds patience{};  // how long it must have been free before it is taken
  std::string note;
  bool by_force = false;  // takes it from whoever has it
};

class LeaseClaims {
 public:
  LeaseClaims(std::string name_space, const Clock& clock, LeaseBook& book, ApiCalls& calls)
      : name_space_(std::move(name_space)), clock_(clock), book_(book), calls_(calls) {}

  // A claim with another note is renewed soon, but no lease more than once a second.
  void want(const std::string& name, Claim claim);
  // Given back where it is held. `keep`: left as it is, somebody else goes on with it.
  void drop(const std::string& name, bool keep = false);
  [[nodiscard]] bool holds(const std::string& name) const;
  [[nodiscard]] std::set<std::string> names(const std::string& prefix) const;
  void turn();

 private:
  struct State {
    Claim claim;
    bool busy = false;
    bool renewed = false;  // by this process, at `written`
    TimePoint written{};
    TimePoint not_before{};
    std::optional<TimePoint> free_since;
  };

  void write(const std::string& name, State& state, Lease lease);
  [[nodiscard]] std::string path_of(const std::string& name) const;

  std::string name_space_;
  const Clock& clock_;
  LeaseBook& book_;
  ApiCalls& calls_;
  std::map<std::string, State> states_;
};

}  // namespace sluice::cluster
