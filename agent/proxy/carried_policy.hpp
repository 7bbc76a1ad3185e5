// SPDX-License-Identifier: Apache-2.0
// CarriedPolicy: which connections that the kernel carries have to come back, and why (docs/adr/0004). It looks at all
// of them after each publish and many times a second ("a look"): credits what they did to the shares of their set and
// to the health of their endpoints, and takes back those whose requests a proxy would send elsewhere by now.
// Callers: Context (publish), Stream (promotion), Steering. Thread: worker. Invariants: a connection that it knows
// counts as one request in flight at its endpoint, and as one of the cluster's maxConnections, while it is carried.
#pragma once
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "agent/base/clock.hpp"
#include "agent/health/outcome.hpp"
#include "agent/net/reactor.hpp"
#include "agent/proxy/carried_judge.hpp"
#include "agent/proxy/steering.hpp"

namespace sluice::proxy {

struct Context;
class Upstream;

class CarriedPolicy final : public SteeringUser {
 public:
  static constexpr Milliseconds kLook{
      50};  // between two, or longer: looks take a 25th of the time at most
  static constexpr Milliseconds kAskAgain{1000};  // one that could not come back
  static constexpr double kCutsPerSecond = 200;   // of a worker; each is an RST to a client

  explicit CarriedPolicy(Context& context);
  ~CarriedPolicy();
  CarriedPolicy(const CarriedPolicy&) = delete;
  CarriedPolicy& operator=(const CarriedPolicy&) = delete;

  // There is a (new) Steering, which may carry connections of an earlier agent.
  void began();
  // Before another generation is current, and once it is.
  void settle();
  void published();
  // The kernel has a connection now that goes where `upstream` went; `place` is of that generation;
  // `logged`: the promoted request has a line in the access log.
  void promoted(CarriedId id, const Promotion& promotion, Upstream& upstream,
                const Generation& generation, const CarriedPlace& place, bool logged);

  // How far the subsets of sets with carried connections are from their shares.
  void add_to(WorkerReport& report) const;

  // SteeringUser
  void returned(Returned connection) override;
  void ended(const CarriedEnd& end) override;

 private:
  struct Known;

  void look();
  void see(const Carried& carried);
  [[nodiscard]] Known& know(const Carried& carried);
  void place(Known& known, const Carried& carried);
  [[nodiscard]] const CarriedPlace* current_place(const Known& known) const;
  [[nodiscard]] std::string_view cluster_of(const CarriedEnd& end, const Known* known) const;
  void record(const CarriedEnd& end, const Known* known) const;
  void tell(const CarriedEnd& end, const Known* known) const;
  void account(Known& known, std::uint64_t requests);
  void report(const Known& known, health::Outcome outcome) const;
  [[nodiscard]] std::optional<MoveReason> reason_for(const Known& known,
                                                     const Carried& carried) const;
  void decide(Known& known, const Carried& carried);
  void let_stay(Known& known, const Carried& carried);
  void ask(Known& known, MoveReason reason);
  void begin_set(std::uint32_t set);
  void balance();
  void cut_overdue();

  Context& context_;
  net::Timer timer_;
  std::optional<CarriedJudge> judge_;               // of the current generation
  std::unordered_map<std::uint32_t, Known> known_;  // by slot
  std::vector<std::uint32_t> sets_;                 // that the last look has seen connections of
  std::vector<CarriedId> overdue_;
  TimePoint now_;
  TimePoint looked_at_;
  double cuts_allowed_ = 0;
};

}  // namespace sluice::proxy
