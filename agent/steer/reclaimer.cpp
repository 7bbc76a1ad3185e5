// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/reclaimer.hpp"

#include <algorithm>

#include "agent/base/log.hpp"
#include "agent/net/socket.hpp"
#include "agent/net/tcp_repair.hpp"
#include "agent/steer/slot_state.hpp"

namespace sluice::steer {
namespace {

using proxy::CarriedId;
using proxy::ReturnFailure;

constexpr Milliseconds kPace{10};  // between looks at connections that may come back idle
constexpr std::uint32_t kQuietTicks{
    5};  // of lb_slot::last_seen, about milliseconds: no packet for so long is idle
constexpr std::uint32_t kAttempts{
    3};  // each one that fails at a turn costs the client a retransmission
constexpr Milliseconds kRetry{250};
constexpr std::size_t kMostIdle{64};           // that come back in one turn: others wait meanwhile
constexpr std::size_t kMostInput{256 * 1024};  // a client's burst; the rest it repeats

std::uint32_t coarse(TimePoint now) {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(now.time_since_epoch().count()) >>
                                    20);
}

}  // namespace

bool Reclaimer::take_back(CarriedId id, proxy::MoveReason reason, bool idle) {
  Entry* const entry = steered_.find(id.slot, id.generation);
  if (entry == nullptr || entry->failures >= kAttempts || !is_movable(slot_of(id))) return false;
  // Outside the range of ports lb_tc would not turn the pod's packets back for our socket.
  if (!entry->has_port && shows_client(slot_of(id))) return false;
  if (!entry->move) {
    entry->move = Entry::Move{reason, false};
    ++asked_[static_cast<std::size_t>(reason)];
  }
  (void)arm(slot_of(id), *entry);
  if (idle && !entry->move->idle) {
    entry->move->idle = true;
    watch(id);
  }
  return true;
}

bool Reclaimer::arm(lb_slot& slot, const Entry& entry) const {
  return clock_.now() >= entry.not_before && change_state(slot, LB_SLOT_NORMAL, LB_SLOT_ARMED);
}

void Reclaimer::watch(CarriedId id) {
  if (std::ranges::find(watched_, id) == watched_.end()) watched_.push_back(id);
}

void Reclaimer::keep(CarriedId id) {
  Entry* const entry = steered_.find(id.slot, id.generation);
  if (entry == nullptr || !entry->move) return;
  lb_slot& slot = slot_of(id);
  // One that has stopped is on its way already.
  if (change_state(slot, LB_SLOT_ARMED, LB_SLOT_NORMAL) || state_of(slot) == LB_SLOT_NORMAL) {
    entry->move.reset();
    write_shared(slot.force, std::uint8_t{0});
  }
}

void Reclaimer::keep_all() {
  for (const auto& [index, entry] : steered_.entries()) {
    keep({index, flows_.slots()[index].generation});
  }
}

void Reclaimer::on_event(const lb_event& event, std::string_view payload) {
  Entry* const entry = steered_.find(event.slot, event.generation);
  if (entry == nullptr || state_of(flows_.slots()[event.slot]) != LB_SLOT_HELD) return;
  if (event.type == LB_EVENT_TURN) turn(event, payload);
  if (event.type == LB_EVENT_DATA) more(event, payload);
}

void Reclaimer::turn(const lb_event& event, std::string_view payload) {
  lb_slot& slot = flows_.slots()[event.slot];
  // One that an earlier agent left in the ring tells of a boundary that is past: the pod has got those bytes since.
  if (read_ordered(slot.track[LB_TO_CLIENT].ack) != event.seq + slot.seq_delta) return;
  if (stopped(event) != nullptr) return;
  Stopped& connection = stopped_.emplace_back();
  connection.id = {event.slot, event.generation};
  connection.at = {event.seq, event.ack, event.window,
                   read_ordered(slot.track[LB_TO_CLIENT].window)};
  connection.input = payload;  // the ring is read-only, and the next record may overwrite this one
}

Reclaimer::Stopped* Reclaimer::stopped(const lb_event& event) {
  const CarriedId id{event.slot, event.generation};
  const auto found = std::ranges::find(stopped_, id, &Stopped::id);
  return found == stopped_.end() ? nullptr : &*found;
}

// What the client sent while nothing reached it: the part that continues what is there. It repeats the rest.
void Reclaimer::more(const lb_event& event, std::string_view payload) {
  Stopped* const connection = stopped(event);
  if (connection == nullptr) return;
  const auto next = static_cast<std::uint32_t>(connection->at.client_next +
                                               connection->input.size() + connection->added);
  const std::uint32_t known = next - event.seq;
  if (known >= payload.size()) return;
  payload.remove_prefix(known);
  if (connection->client.valid()) {
    if (net::append_received(connection->client.get(), payload))
      connection->added += payload.size();
  } else if (connection->input.size() + payload.size() <= kMostInput) {
    connection->input += payload;
  }
}

Milliseconds Reclaimer::tick() {
  std::erase_if(watched_, [this](CarriedId id) {
    Entry* const entry = steered_.find(id.slot, id.generation);
    if (entry == nullptr || !entry->move) return true;
    (void)arm(slot_of(id), *entry);
    if (entry->move->idle && stopped_.size() < kMostIdle) stop_if_idle(id);
    return !entry->move->idle && clock_.now() >= entry->not_before;
  });
  return watched_.empty() ? Milliseconds(-1) : kPace;
}

// As lb_tc does at a packet: first HELD, then the look at the tracking that counts.
void Reclaimer::stop_if_idle(CarriedId id) {
  lb_slot& slot = slot_of(id);
  const auto quiet = static_cast<std::int32_t>(coarse(clock_.now()) - read_shared(slot.last_seen));
  if (quiet < static_cast<std::int32_t>(kQuietTicks)) return;
  if (state_of(slot) != LB_SLOT_ARMED || !is_quiescent(slot, read_tracking(slot))) return;
  if (!change_state(slot, LB_SLOT_ARMED, LB_SLOT_HELD)) return;
  const Tracking tracking = read_tracking(slot);
  if (!is_quiescent(slot, tracking)) {
    (void)change_state(slot, LB_SLOT_HELD, LB_SLOT_ARMED);
    count(ReturnFailure::kWokeUp);
    return;
  }
  Stopped& connection = stopped_.emplace_back();
  connection.id = id;
  connection.at = {tracking.client_end, tracking.client_ack, tracking.client_window,
                   tracking.pod_window};
  connection.idle = true;
}

void Reclaimer::finish(const std::function<void()>& consume) {
  while (!stopped_.empty()) {
    auto endpoint = restore(stopped_.front());
    if (endpoint) consume();
    Stopped ready = std::move(stopped_.front());
    stopped_.pop_front();
    if (endpoint) give_back(ready, std::move(*endpoint));
  }
}

Result<UniqueFd> Reclaimer::restore_endpoint(const lb_slot& slot, const Boundary& at) {
  net::TcpImage image = endpoint_image(slot, at);
  if (shows_client(slot)) {
    const auto node = flows_.node_behind(slot.pod);
    if (!node) return fail(ErrorCode::kUnavailable, "it is not known which address was replaced");
    image.local.ip = *node;
  }
  return net::restore_tcp(image);
}

std::optional<UniqueFd> Reclaimer::restore(Stopped& next) {
  Entry* const entry = steered_.find(next.id.slot, next.id.generation);
  if (entry == nullptr) return std::nullopt;  // swept meanwhile
  const lb_slot& slot = slot_of(next.id);
  // The pod has acknowledged the promoted request; the socket that would have repeated it is in the way.
  net::silent_close(std::move(entry->held));
  auto client =
      net::restore_tcp(client_image(slot, next.at, static_cast<std::uint32_t>(next.input.size())));
  if (!client) {
    failed(next, ReturnFailure::kClientSocket, client.error().message);
    return std::nullopt;
  }
  auto endpoint = restore_endpoint(slot, next.at);
  if (!endpoint) {
    failed(next, ReturnFailure::kEndpointSocket, endpoint.error().message);
    return std::nullopt;
  }
  // They are given out from the lowest on, so the number says how many are in use.
  const auto number = static_cast<std::uint32_t>(std::max(client->get(), endpoint->get()));
  if (descriptors_ != 0 && number >= descriptors_) {
    failed(next, ReturnFailure::kNoDescriptor, "clients use all descriptors that they may");
    return std::nullopt;
  }
  next.client = std::move(*client);
  return std::move(*endpoint);
}

void Reclaimer::give_back(Stopped& connection, UniqueFd endpoint) {
  lb_slot& slot = slot_of(connection.id);
  if (!net::go_live(connection.client.get())) {
    failed(connection, ReturnFailure::kClientSocket, "it does not leave repair mode");
    return;
  }
  if (!net::go_live(endpoint.get())) {
    net::silent_close(std::move(connection.client));
    failed(connection, ReturnFailure::kEndpointSocket, "it does not leave repair mode");
    return;
  }
  set_state(slot, LB_SLOT_PASS);
  flows_.remove(slot.client, slot.pod);
  // From here on a channel counts the bytes of the client's leg anew, `input` being the first it receives.
  lb_leg leg{};
  leg.local_next = connection.at.client_ack;
  leg.remote_next = connection.at.client_next;
  leg.ifindex = slot.client_ifindex;
  leg.flags = LB_LEG_CLEAN;
  leg.mss = slot.client_mss;
  flows_.set_leg(slot.client, leg);
  ++(connection.idle ? idle_ : at_turn_);

  proxy::Returned returned;
  returned.client = std::move(connection.client);
  returned.peer = datapath::source_of(slot.client);
  returned.local = datapath::destination_of(slot.client);
  returned.input = std::move(connection.input);
  returned.endpoint.fd = std::move(endpoint);
  returned.endpoint.remote = datapath::source_of(slot.pod);
  if (shows_client(slot)) returned.endpoint.shown = returned.peer.ip;
  const Entry& entry = *steered_.find(connection.id.slot, connection.id.generation);
  returned.requests = entry.requests_before + read_shared(slot.turns);
  if (entry.move) returned.reason = entry.move->reason;
  returned.endpoint.port = steered_.hand_on(connection.id.slot);
  deliver_(std::move(returned));
}

// The kernel goes on with it: what was dropped meanwhile is sent again, to the same endpoint.
void Reclaimer::failed(const Stopped& connection, ReturnFailure why, const std::string& message) {
  count(why);
  lb_slot& slot = slot_of(connection.id);
  Entry& entry = *steered_.find(connection.id.slot, connection.id.generation);
  log::warn("steer", "{} stays with the kernel for now: {}",
            to_string(datapath::source_of(slot.client)), message);
  set_state(slot, LB_SLOT_NORMAL);
  entry.not_before = clock_.now() + kRetry * (1U << entry.failures);
  if (++entry.failures >= kAttempts) {
    entry.move.reset();
    count(ReturnFailure::kGivenUp);
  } else {
    watch(connection.id);
  }
}

void Reclaimer::cut(CarriedId id) {
  Entry* const entry = steered_.find(id.slot, id.generation);
  if (entry == nullptr) return;
  lb_slot& slot = slot_of(id);
  // One that has stopped comes back instead, and one that has ended is gone already.
  if (!change_state(slot, LB_SLOT_NORMAL, LB_SLOT_HELD) &&
      !change_state(slot, LB_SLOT_ARMED, LB_SLOT_HELD)) {
    return;
  }
  net::silent_close(std::move(entry->held));
  // The RST must not lie behind what a side has received. If it lies ahead, because something was lost, that side asks
  // back (RFC 5961 3.2) and gets its RST from the stack, which knows no such connection.
  const Tracking tracking = read_tracking(slot);
  const Boundary at{tracking.client_end, tracking.pod_end - slot.ack_delta, tracking.client_window,
                    tracking.pod_window};
  auto client = net::restore_tcp(client_image(slot, at, 0));
  auto endpoint = restore_endpoint(slot, at);
  set_state(slot, LB_SLOT_PASS);
  flows_.remove(slot.client, slot.pod);
  for (auto* const side : {&client, &endpoint}) {
    if (!*side) continue;
    (void)net::go_live((*side)->get());
    net::reset_close(std::move(**side));
  }
  steered_.cut(id.slot);
}

void Reclaimer::add_to(proxy::WorkerReport& report) const {
  report.returned_at_turn = at_turn_;
  report.returned_idle = idle_;
  report.moves_asked = asked_;
  report.return_failures = failures_;
}

}  // namespace sluice::steer
