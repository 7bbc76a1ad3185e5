// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/carried_policy.hpp"

#include <algorithm>

#include "agent/proxy/access_record.hpp"
#include "agent/proxy/carried_watch.hpp"
#include "agent/proxy/context.hpp"
#include "agent/proxy/resume.hpp"

namespace sluice::proxy {
namespace {

// Looks are this many times as far apart as they take.
constexpr int kRest = 25;
// Of the time that connections have to leave an endpoint in peace.
constexpr double kShortestGrace = 0.8;
constexpr double kLongestGrace = 1.2;

double seconds(Nanoseconds time) { return std::chrono::duration<double>(time).count(); }

bool endpoint_goes(MoveReason reason) {
  return reason == MoveReason::kEndpointDrains || reason == MoveReason::kEndpointGone;
}

// What is wrong with the endpoint or with the connection to it, not with where the next request has to go.
bool also_idle(MoveReason reason) {
  return reason != MoveReason::kConfig && reason != MoveReason::kShare;
}

}  // namespace

struct CarriedPolicy::Known {
  CarriedId id;
  std::uint64_t serial = 0;    // of the generation that it was placed by
  CarriedVerdict verdict;      // of that generation
  std::uint64_t requests = 1;  // accounted for; the promoted one was picked
  balance::RequestRate rate;
  TimePoint seen_at;
  // Of the connection to the endpoint.
  TimePoint opened_at;
  std::uint64_t requests_before = 0;
  std::shared_ptr<health::EndpointRecord> record;
  health::Token in_flight;
  health::Token connection;
  bool silent = false;  // no answer came in time, and that is reported
  // Why and when it was last asked back by this policy.
  std::optional<MoveReason> asked;
  TimePoint ask_at;
  TimePoint cut_at = TimePoint::max();
  bool may_move = false;  // by the last look
  bool adopted = false;   // an earlier agent handed it over
  bool logged = false;    // the promoted request has a line in the access log
};

CarriedPolicy::CarriedPolicy(Context& context)
    : context_(context), timer_(context.reactor, [this] { look(); }) {}

CarriedPolicy::~CarriedPolicy() = default;

void CarriedPolicy::began() {
  known_.clear();
  look();
}

void CarriedPolicy::settle() {
  if (!context_.steering || !judge_) return;
  now_ = context_.reactor.clock().now();
  context_.steering->visit([this](const Carried& carried) {
    const auto found = known_.find(carried.id.slot);
    if (found != known_.end() && found->second.id == carried.id) {
      account(found->second, carried.requests);
    }
  });
}

void CarriedPolicy::published() {
  judge_.emplace(*context_.generation);
  look();
}

void CarriedPolicy::promoted(CarriedId id, const Promotion& promotion, Upstream& upstream,
                             const Generation& generation, const CarriedPlace& place, bool logged) {
  if (CarriedWatch* const watch = context_.options.carried_watch; watch && watch->wants()) {
    CarriedChange change;
    change.id = id;
    change.client = promotion.client;
    change.local = promotion.local;
    change.endpoint = upstream.pool().address();
    change.cluster = promotion.cluster;
    watch->changed(change);
  }
  Known known;
  known.id = id;
  known.serial = generation.serial();
  known.verdict.place = place;
  known.seen_at = context_.reactor.now();
  known.opened_at = upstream.opened_at;
  known.requests_before = upstream.requests - 1;
  known.record = upstream.pool().shared_record();
  known.in_flight = known.record->begin_request();
  known.connection = std::move(upstream.slot);
  known.logged = logged;
  known_.insert_or_assign(id.slot, std::move(known));
  if (!timer_.armed()) timer_.arm(kLook);
}

void CarriedPolicy::returned(Returned connection) {
  resume_connection(context_, std::move(connection));
}

void CarriedPolicy::ended(const CarriedEnd& end) {
  const auto found = known_.find(end.last.id.slot);
  const bool is_known = found != known_.end() && found->second.id == end.last.id;
  now_ = context_.reactor.clock().now();
  record(end, is_known ? &found->second : nullptr);
  tell(end, is_known ? &found->second : nullptr);
  if (!is_known) return;
  Known& known = found->second;
  account(known, end.last.requests);
  if (end.how == CarriedEnd::How::kResetByEndpoint && end.last.answering) {
    report(known, health::Outcome::kLocalFailure);
  }
  known_.erase(found);
}

std::string_view CarriedPolicy::cluster_of(const CarriedEnd& end, const Known* known) const {
  if (!end.cluster.empty() || known == nullptr) return end.cluster;
  const auto* place = current_place(*known);
  return place != nullptr ? std::string_view(place->target->share->cluster) : end.cluster;
}

void CarriedPolicy::tell(const CarriedEnd& end, const Known* known) const {
  CarriedWatch* const watch = context_.options.carried_watch;
  if (watch == nullptr || !watch->wants()) return;
  CarriedChange change;
  change.kind = end.moved ? CarriedChange::Kind::kTakenBack : CarriedChange::Kind::kEnded;
  change.id = end.last.id;
  change.client = end.last.client;
  change.local = end.last.local;
  change.endpoint = end.last.endpoint;
  change.cluster = cluster_of(end, known);
  change.reason = end.moved ? label_of(*end.moved) : label_of(end.how);
  change.requests = end.last.requests;
  change.bytes_in = end.bytes_in;
  change.bytes_out = end.bytes_out;
  change.age = end.last.last_packet - end.last.since;
  watch->changed(change);
}

// A connection has a line where the request has one that it was handed over with, so that a sample holds both.
void CarriedPolicy::record(const CarriedEnd& end, const Known* known) const {
  AccessSink* const sink = context_.options.access_sink;
  if (sink == nullptr) return;
  const bool promoted_here = known != nullptr && !known->adopted;
  if (!(promoted_here ? known->logged : sink->wants())) return;
  CarriedRecord record;
  const Nanoseconds age = now_ - end.last.since;
  record.start = std::chrono::system_clock::now() -
                 std::chrono::duration_cast<std::chrono::system_clock::duration>(age);
  record.client = end.last.client;
  record.endpoint = end.last.endpoint;
  record.cluster = cluster_of(end, known);
  record.reason = end.moved ? label_of(*end.moved) : label_of(end.how);
  record.requests = end.last.requests;
  record.bytes_in = end.bytes_in;
  record.bytes_out = end.bytes_out;
  record.total = end.last.last_packet - end.last.since;
  sink->record(record);
}

void CarriedPolicy::look() {
  if (!context_.steering || !judge_) return;
  const Clock& clock = context_.reactor.clock();
  now_ = clock.now();
  sets_.clear();
  overdue_.clear();
  context_.steering->visit([this](const Carried& carried) { see(carried); });
  balance();
  cut_overdue();
  looked_at_ = now_;
  if (known_.empty()) return;
  const auto took = std::chrono::duration_cast<Milliseconds>(clock.now() - now_);
  timer_.arm(std::max(kLook, kRest * took));
}

void CarriedPolicy::see(const Carried& carried) {
  Known& known = know(carried);
  if (known.serial != context_.generation->serial()) place(known, carried);
  account(known, carried.requests);
  const bool waits =
      carried.answering && now_ - carried.last_packet >= context_.options.stream_timeout;
  if (waits && !known.silent) report(known, health::Outcome::kLocalFailure);
  known.silent = waits;
  decide(known, carried);
  if (!known.verdict.place) return;
  const bool leaves = carried.armed || known.asked;
  known.may_move = carried.movable && !leaves;
  const CarriedPlace& place = *known.verdict.place;
  begin_set(place.set);
  context_.generation->turns(place.set).keeper->add(place.choice, known.rate.per_second(), leaves);
}

CarriedPolicy::Known& CarriedPolicy::know(const Carried& carried) {
  const auto [found, is_new] = known_.try_emplace(carried.id.slot);
  Known& known = found->second;
  if (!is_new && known.id == carried.id) return known;
  // An earlier agent handed it over; nobody knows for how long its endpoint's connection was there before.
  known = Known();
  known.id = carried.id;
  known.seen_at = now_;
  known.opened_at = carried.since;
  known.adopted = true;
  known.requests = carried.requests;
  return known;
}

void CarriedPolicy::place(Known& known, const Carried& carried) {
  known.serial = context_.generation->serial();
  known.verdict = judge_->judge(carried, *context_.steering);
  if (!known.verdict.place) return;
  const CarriedPlace& place = *known.verdict.place;
  ClusterUse& use = *place.target->use;
  if (!known.record) {
    known.record = use.shared_record(place.endpoint);
    known.in_flight = known.record->begin_request();
  }
  const bool limited = use.policy().connection_pool.max_connections.has_value();
  if (limited && !known.connection) known.connection = use.record().adopt_connection();
}

// Of the turns since the last time.
void CarriedPolicy::account(Known& known, std::uint64_t requests) {
  const std::uint64_t more = requests > known.requests ? requests - known.requests : 0;
  known.requests += more;
  known.rate.add(more, seconds(now_ - known.seen_at));
  known.seen_at = now_;
  if (more == 0) return;
  const CarriedPlace* const place = current_place(known);
  if (place == nullptr) return;
  context_.generation->turns(place->set).pick.credit(place->choice, more);
  place->target->report->carried_requests += more;
  report(known, health::Outcome::kOk);
}

// nullptr: there is none, or it is of a generation that is gone.
const CarriedPlace* CarriedPolicy::current_place(const Known& known) const {
  if (!known.verdict.place || known.serial != context_.generation->serial()) return nullptr;
  return &*known.verdict.place;
}

void CarriedPolicy::report(const Known& known, health::Outcome outcome) const {
  const CarriedPlace* const place = current_place(known);
  if (place == nullptr) return;
  const auto& policy = place->target->use->policy().outlier_detection;
  if (policy) known.record->report(outcome, *policy, now_);
}

std::optional<MoveReason> CarriedPolicy::reason_for(const Known& known,
                                                    const Carried& carried) const {
  if (known.verdict.reason) return known.verdict.reason;
  const CarriedPlace& place = *known.verdict.place;
  ClusterUse& use = *place.target->use;
  if (!use.uses(place.endpoint, now_)) {
    return known.record->state().ejected ? MoveReason::kEjected : MoveReason::kConfig;
  }
  // Whatever goes on until the look after the next one is within the limits.
  const model::ConnectionPool& limits = use.policy().connection_pool;
  if (limits.max_connection_duration &&
      now_ + 2 * kLook >= known.opened_at + *limits.max_connection_duration) {
    return MoveReason::kMaxAge;
  }
  const double soon = 2 * seconds(kLook) * known.rate.per_second();
  const auto served = static_cast<double>(known.requests_before + carried.requests);
  if (limits.max_requests_per_connection > 0 &&
      served + soon >= limits.max_requests_per_connection) {
    return MoveReason::kMaxRequests;
  }
  return std::nullopt;
}

void CarriedPolicy::decide(Known& known, const Carried& carried) {
  const auto reason = reason_for(known, carried);
  if (!reason) {
    let_stay(known, carried);
    return;
  }
  if (!endpoint_goes(*reason)) {
    known.cut_at = TimePoint::max();
  } else if (known.cut_at == TimePoint::max()) {
    std::uniform_real_distribution<double> jitter(kShortestGrace, kLongestGrace);
    known.cut_at = now_ + std::chrono::duration_cast<Nanoseconds>(context_.options.carried_grace *
                                                                  jitter(context_.random));
  } else if (now_ >= known.cut_at) {
    overdue_.push_back(carried.id);
  }
  if (carried.armed && (!known.asked || known.asked == reason))
    return;  // or somebody else wants it back
  if (!carried.movable || (known.asked == reason && now_ < known.ask_at)) return;
  ask(known, *reason);
}

// Nothing speaks against it, or nothing does any more.
void CarriedPolicy::let_stay(Known& known, const Carried& carried) {
  known.cut_at = TimePoint::max();
  if (!known.asked) return;
  if (carried.armed) {
    const CarriedPlace& place = *known.verdict.place;
    const auto& pick = context_.generation->turns(place.set).pick;
    if (known.asked == MoveReason::kShare && pick.ahead(place.choice) > 0) return;
    context_.steering->keep(carried.id);
  }
  known.asked.reset();
}

void CarriedPolicy::ask(Known& known, MoveReason reason) {
  known.ask_at = now_ + kAskAgain;
  known.asked = reason;
  if (!context_.steering->take_back(known.id, reason, also_idle(reason))) known.may_move = false;
}

// The first connection of the set in this look.
void CarriedPolicy::begin_set(std::uint32_t set) {
  SetTurns& turns = context_.generation->turns(set);
  if (turns.looked_at == now_) return;
  const Nanoseconds since = turns.looked_at == TimePoint{} ? kLook : now_ - turns.looked_at;
  if (!turns.keeper) turns.keeper.emplace();
  turns.keeper->begin(turns.weights, turns.picked, seconds(since));
  turns.looked_at = now_;
  turns.picked = 0;
  sets_.push_back(set);
}

void CarriedPolicy::balance() {
  Generation& generation = *context_.generation;
  bool moves = false;
  for (const std::uint32_t set : sets_) {
    SetTurns& turns = generation.turns(set);
    moves = turns.keeper->wants_moves(turns.pick) || moves;
  }
  if (!moves) return;
  for (const auto& [slot, known] : known_) {
    if (!known.may_move || !known.verdict.place) continue;
    const CarriedPlace& place = *known.verdict.place;
    generation.turns(place.set).keeper->offer(place.choice, known.rate.per_second(), slot);
  }
  for (const std::uint32_t set : sets_) {
    for (const std::uint32_t slot : generation.turns(set).keeper->chosen()) {
      ask(known_.at(slot), MoveReason::kShare);
    }
  }
}

void CarriedPolicy::cut_overdue() {
  cuts_allowed_ =
      std::min(cuts_allowed_ + kCutsPerSecond * seconds(now_ - looked_at_), kCutsPerSecond);
  for (const CarriedId id : overdue_) {
    if (cuts_allowed_ < 1) return;
    cuts_allowed_ -= 1;
    context_.steering->cut(id);
  }
}

void CarriedPolicy::add_to(WorkerReport& report) const {
  for (const std::uint32_t set : sets_) {
    const SetTurns& turns = context_.generation->turns(set);
    const auto targets = context_.generation->targets(set);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      report.clusters[targets[i].share->cluster].ahead += turns.pick.ahead(i);
    }
  }
}

}  // namespace sluice::proxy
