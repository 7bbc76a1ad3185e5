// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/steered_set.hpp"

#include <algorithm>

#include "agent/base/assert.hpp"
#include "agent/net/tcp_repair.hpp"
#include "agent/steer/carried_view.hpp"
#include "agent/steer/slot_state.hpp"

namespace sluice::steer {

using How = proxy::CarriedEnd::How;
using proxy::MoveReason;

namespace {

constexpr Milliseconds kSlotRest{100};
constexpr Milliseconds kHoldTick{5};
constexpr Milliseconds kLingerTick{100};
constexpr Milliseconds kSweepTick{1'000};
constexpr char kAdoptedName[] = "(adopted)";

// As lb_tc writes last_seen: nanoseconds of CLOCK_MONOTONIC >> 20.
std::uint32_t coarse(TimePoint now) {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(now.time_since_epoch().count()) >>
                                    20);
}

}  // namespace

SteeredSet::SteeredSet(KeepOptions options, const Clock& clock, datapath::FlowTable& flows,
                       const SlotShare& share, PortPool& ports, Finished finished)
    : options_(options),
      clock_(clock),
      flows_(flows),
      slots_(flows.slots()),
      pool_(share.free),
      ports_(ports),
      finished_(std::move(finished)) {
  adopt(share);
}

void SteeredSet::adopt(const SlotShare& share) {
  for (const std::uint32_t index : share.adopted) {
    const lb_slot& slot = slots_[index];
    Entry entry;
    entry.has_port =
        ports_.take_exactly(datapath::source_of(slot.pod), datapath::destination_of(slot.pod).port);
    entry.cluster = kAdoptedName;
    entry.adopted = true;
    ++adopted_;
    steered_.emplace(index, std::move(entry));
  }
  for (const std::uint32_t index : share.given_back) {
    lb_slot& slot = slots_[index];
    flows_.remove(slot.client, slot.pod);
    give_back_slot(index);
  }
}

std::optional<std::uint32_t> SteeredSet::take_slot() {
  wake_rested();
  return pool_.take();
}

void SteeredSet::wake_rested() {
  while (!resting_.empty() && resting_.front().when <= clock_.now()) {
    set_state(slots_[resting_.front().slot], LB_SLOT_FREE);
    pool_.give_back(resting_.front().slot);
    resting_.pop_front();
  }
}

// ENDED says that no entries are left: the client may be steered again by another slot while this one rests, and an
// agent that finds it must not remove the entries of that one.
void SteeredSet::give_back_slot(std::uint32_t slot) {
  set_state(slots_[slot], LB_SLOT_ENDED);
  resting_.push_back({clock_.now() + kSlotRest, slot, slots_[slot].generation});
}

void SteeredSet::add(std::uint32_t slot, Entry entry) {
  if (entry.held.valid()) {
    entry.held_since = clock_.now();
    held_.push_back(slot);
  }
  const auto [place, inserted] = steered_.emplace(slot, std::move(entry));
  LB_ASSERT(inserted);
  if (is_over(slots_[slot])) start_linger(slot, place->second);
}

void SteeredSet::on_event(const lb_event& event) {
  const auto found = steered_.find(event.slot);
  // A slot that is being filled right now is not in the set yet; add() looks at its flags itself.
  if (found == steered_.end() || slots_[event.slot].generation != event.generation) return;
  if (event.type == LB_EVENT_ENDING) start_linger(event.slot, found->second);
  if (event.type == LB_EVENT_ENDED) remove(event.slot, How::kReplaced);
}

void SteeredSet::start_linger(std::uint32_t slot, Entry& entry) {
  if (entry.lingering) return;
  entry.lingering = true;
  lingering_.push_back({clock_.now() + options_.linger, slot, slots_[slot].generation});
}

Milliseconds SteeredSet::tick() {
  release_holds();
  finish_lingering();
  wake_rested();
  if (clock_.now() >= next_sweep_) {
    sweep();
    next_sweep_ = clock_.now() + kSweepTick;
  }
  if (!held_.empty()) return kHoldTick;
  if (!lingering_.empty() || !resting_.empty()) return kLingerTick;
  if (!steered_.empty()) return kSweepTick;
  return Milliseconds(-1);
}

void SteeredSet::release_holds() {
  std::erase_if(held_, [this](std::uint32_t index) {
    const auto found = steered_.find(index);
    if (found == steered_.end() || !found->second.held.valid()) return true;
    lb_slot& slot = slots_[index];
    Entry& entry = found->second;
    const bool answered = read_shared(slot.hold) == 0 || read_shared(slot.reset) != 0;
    if (!answered && clock_.now() - entry.held_since < options_.hold_limit) return false;
    write_shared(slot.hold, std::uint8_t{0});
    net::silent_close(std::move(entry.held));
    return true;
  });
}

void SteeredSet::finish_lingering() {
  while (!lingering_.empty() && lingering_.front().when <= clock_.now()) {
    const Due due = lingering_.front();
    lingering_.pop_front();
    const auto found = steered_.find(due.slot);
    if (found == steered_.end() || slots_[due.slot].generation != due.generation) continue;
    found->second.lingering = false;
    // An RST that the endpoint did not believe is followed by data, and lb_tc clears the flag: then
    // it goes on.
    if (is_over(slots_[due.slot])) remove(due.slot, end_of(slots_[due.slot]));
  }
}

// Catches what no event told: a full ring, a dead agent's flows, ends that vanished.
void SteeredSet::sweep() {
  const std::uint32_t now = coarse(clock_.now());
  const auto limit =
      static_cast<std::uint32_t>((options_.idle_limit / Milliseconds(1)) * 1'000'000 >> 20);
  std::vector<std::uint32_t> idle;
  std::vector<std::uint32_t> replaced;
  for (auto& [index, entry] : steered_) {
    lb_slot& slot = slots_[index];
    press(slot, entry);
    if (state_of(slot) == LB_SLOT_ENDED) {
      replaced.push_back(index);
    } else if (is_over(slot)) {
      start_linger(index, entry);
    } else if (const auto age = static_cast<std::int32_t>(now - read_shared(slot.last_seen));
               age > 0 && static_cast<std::uint32_t>(age) >= limit) {
      idle.push_back(index);
    }
  }
  for (const std::uint32_t index : replaced) remove(index, How::kReplaced);
  for (const std::uint32_t index : idle) remove(index, How::kIdle);
}

// A client that once sent what may have been two requests at a time would never come back. Most such clients only write
// their requests in small pieces; those that do pipeline may lose their connection by a late answer, but never get a
// wrong one.
void SteeredSet::press(lb_slot& slot, Entry& entry) {
  if (!entry.move || state_of(slot) != LB_SLOT_ARMED || read_shared(slot.pipelined) == 0) return;
  if (entry.move->waits) write_shared(slot.force, std::uint8_t{1});
  entry.move->waits = true;
}

SteeredSet::Totals& SteeredSet::Totals::operator+=(const Totals& other) {
  turns += other.turns;
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  resent_in += other.resent_in;
  resent_out += other.resent_out;
  return *this;
}

// The promoted request was counted by the proxy's pick; the kernel carried those behind it.
SteeredSet::Totals SteeredSet::carried_by(lb_slot& slot) {
  const std::uint32_t turns = read_shared(slot.turns);
  return {turns > 0 ? turns - 1 : 0, read_shared(slot.track[LB_TO_POD].bytes),
          read_shared(slot.track[LB_TO_CLIENT].bytes), read_shared(slot.retransmissions[LB_TO_POD]),
          read_shared(slot.retransmissions[LB_TO_CLIENT])};
}

How SteeredSet::end_of(lb_slot& slot) {
  switch (read_shared(slot.reset)) {  // 1 + the direction of the RST
    case 0:
      return How::kClosed;
    case 1 + LB_TO_POD:
      return How::kResetByClient;
    default:
      return How::kResetByEndpoint;
  }
}

SteeredSet::Entry* SteeredSet::find(std::uint32_t slot, std::uint32_t generation) {
  const auto found = steered_.find(slot);
  if (found == steered_.end() || slots_[slot].generation != generation) return nullptr;
  return &found->second;
}

void SteeredSet::cut(std::uint32_t slot) {
  const auto found = steered_.find(slot);
  LB_ASSERT(found != steered_.end());
  release_port(slots_[slot], found->second);
  collect(slot, found->second, How::kCut);
  steered_.erase(found);
}

std::uint16_t SteeredSet::hand_on(std::uint32_t slot) {
  const auto found = steered_.find(slot);
  LB_ASSERT(found != steered_.end());
  const bool has_port = found->second.has_port;
  collect(slot, found->second, How::kReturned);
  steered_.erase(found);
  return has_port ? datapath::destination_of(slots_[slot].pod).port : std::uint16_t{0};
}

void SteeredSet::remove(std::uint32_t index, How how) {
  const auto found = steered_.find(index);
  LB_ASSERT(found != steered_.end());
  lb_slot& slot = slots_[index];
  // lb_tc removes the entries itself when a SYN takes over the tuple; whoever wins the CAS does it.
  bool ours = false;
  for (const lb_slot_state state : {LB_SLOT_NORMAL, LB_SLOT_ARMED, LB_SLOT_HELD}) {
    ours = ours || change_state(slot, state, LB_SLOT_PASS);
  }
  if (ours) flows_.remove(slot.client, slot.pod);
  release_port(slot, found->second);
  collect(index, found->second, how);
  steered_.erase(found);
}

void SteeredSet::release_port(lb_slot& slot, const Entry& entry) {
  if (!entry.has_port) return;
  ports_.release(datapath::source_of(slot.pod), datapath::destination_of(slot.pod).port,
                 clock_.now(), options_.port_rest);
}

void SteeredSet::collect(std::uint32_t index, Entry& entry, How how) {
  lb_slot& slot = slots_[index];
  const proxy::Carried last = carried(index, slot, entry);
  const Totals totals = carried_by(slot);
  totals_[entry.cluster] += totals;
  ++ends_[static_cast<std::size_t>(how)];
  if (entry.adopted) --adopted_;
  net::silent_close(std::move(entry.held));
  give_back_slot(index);
  Gone gone;
  gone.end.how = how;
  gone.end.last = last;
  if (how == How::kReturned) gone.end.moved = entry.move ? entry.move->reason : MoveReason::kAsked;
  if (!entry.adopted) gone.end.cluster = entry.cluster;
  gone.end.bytes_in = totals.bytes_in;
  gone.end.bytes_out = totals.bytes_out;
  gone.listener = entry.listener;
  finished_(gone);
}

void SteeredSet::let_go() {
  for (const auto& [index, entry] : steered_) {
    lb_slot& slot = slots_[index];
    // What was to come back, or has stopped for that, goes on with the kernel: the next agent decides anew.
    if (!change_state(slot, LB_SLOT_ARMED, LB_SLOT_NORMAL)) {
      (void)change_state(slot, LB_SLOT_HELD, LB_SLOT_NORMAL);
    }
    totals_[entry.cluster] += carried_by(slot);
  }
  steered_.clear();
  held_.clear();
  lingering_.clear();
  resting_.clear();
  adopted_ = 0;
}

void SteeredSet::forget_clusters(const proxy::WorkerReport& known) {
  std::erase_if(totals_,
                [&known](const auto& entry) { return !known.clusters.contains(entry.first); });
}

void SteeredSet::add_to(proxy::WorkerReport& report) const {
  report.steered_open = steered_.size();
  report.steered_adopted = adopted_;
  report.steered_held = held_.size();
  report.slots_free = pool_.available() + resting_.size();
  report.upstream_ports_in_use = ports_.in_use();
  report.steered_closed = ends_[static_cast<std::size_t>(How::kClosed)];
  report.steered_reset = ends_[static_cast<std::size_t>(How::kResetByClient)] +
                         ends_[static_cast<std::size_t>(How::kResetByEndpoint)];
  report.steered_replaced = ends_[static_cast<std::size_t>(How::kReplaced)];
  report.steered_idle = ends_[static_cast<std::size_t>(How::kIdle)];
  report.steered_returned = ends_[static_cast<std::size_t>(How::kReturned)];
  report.steered_cut = ends_[static_cast<std::size_t>(How::kCut)];
  const auto count = [&report](const std::string& cluster, const Totals& totals) {
    proxy::ClusterReport& out = report.clusters[cluster];
    out.steered_turns += totals.turns;
    out.steered_bytes_in += totals.bytes_in;
    out.steered_bytes_out += totals.bytes_out;
    out.steered_resent_in += totals.resent_in;
    out.steered_resent_out += totals.resent_out;
  };
  for (const auto& [cluster, totals] : totals_) count(cluster, totals);
  for (const auto& [index, entry] : steered_) count(entry.cluster, carried_by(slots_[index]));
}

}  // namespace sluice::steer
