// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/worker_steering.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "agent/base/hash.hpp"
#include "agent/base/log.hpp"
#include "agent/net/socket.hpp"
#include "agent/steer/carried_view.hpp"
#include "agent/steer/slot_state.hpp"

namespace sluice::steer {
namespace {

using proxy::PromoteOutcome;
using proxy::PromoteResult;
using proxy::Refusal;

// The largest segment that nearly every path carries (Ethernet). Announcing more to pods with jumbo
// frames would make their connections unfit for ordinary clients.
constexpr std::uint16_t kUsualMss4 = 1460;
constexpr std::uint16_t kUsualMss6 = 1440;
constexpr std::uint16_t kLeastMss = 88;  // the kernel's own minimum for TCP_MAXSEG
constexpr Milliseconds kTimeWait{60'000};
constexpr int kPortTries = 16;
constexpr Milliseconds kIdlePace{10};
constexpr Milliseconds kSourcePace{1'000};

std::uint16_t usual_mss(const IpAddress& ip) { return ip.is_v4() ? kUsualMss4 : kUsualMss6; }

// `asked` as the proxy gave it: 0 = one that suits most clients.
std::uint16_t segment_cap(std::uint16_t asked, const IpAddress& ip) {
  return asked == 0 ? usual_mss(ip) : std::max(asked, kLeastMss);
}

struct Opened {
  UniqueFd fd;
  int error = 0;  // errno when there is no fd
};

// `source`: unspecified where the kernel may choose it.
Opened open_upstream(const SocketAddress& endpoint, const SocketAddress& source,
                     std::uint16_t mss) {
  const int family = endpoint.ip.is_v4() ? AF_INET : AF_INET6;
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return {{}, errno};
  const int on = 1;
  const int segment = mss;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // one port, many endpoints
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
  // Bound explicitly: IP_LOCAL_PORT_RANGE would be clamped to the namespace's sysctl without a word.
  sockaddr_storage address{};
  socklen_t size = source.to_sockaddr(address);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return {{}, errno};
  size = endpoint.to_sockaddr(address);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 &&
      errno != EINPROGRESS) {
    return {{}, errno};
  }
  return {std::move(fd), 0};
}

}  // namespace

std::unique_ptr<WorkerSteering> WorkerSteering::create(SteerOptions options,
                                                       datapath::FlowTable& flows, SlotShare share,
                                                       net::Reactor& reactor) {
  std::unique_ptr<WorkerSteering> self(
      new WorkerSteering(options, flows, std::move(share), reactor));
  auto ring = datapath::EventRing::open(
      flows.ring_fd(options.worker),
      [raw = self.get()](const lb_event& event, std::string_view payload) {
        raw->steered_.on_event(event);
        raw->reclaimer_.on_event(event, payload);
      });
  if (ring && reactor.add((*ring)->epoll_fd(), EPOLLIN, *self)) {
    self->ring_ = std::move(*ring);
  } else {
    // Ends are found by looking at the slots now and then, which is too late for new connections but not for old ones.
    self->retiring_ = true;
    log::error("steer", "worker {} hands nothing to the kernel, serving as a proxy: {}",
               options.worker, ring ? "its event ring cannot be watched" : ring.error().message);
  }
  self->tick();
  return self;
}

WorkerSteering::WorkerSteering(SteerOptions options, datapath::FlowTable& flows, SlotShare share,
                               net::Reactor& reactor)
    : options_(options),
      flows_(flows),
      reactor_(reactor),
      ports_(options.ports.first, options.ports.last,
             static_cast<std::uint32_t>(reactor.clock().now().time_since_epoch().count() >> 10)),
      sources_(reactor.clock(), flows, share, ports_),
      steered_(options.keep, reactor.clock(), flows, share, ports_,
               [this](const SteeredSet::Gone& connection) { gone(connection); }),
      reclaimer_(reactor.clock(), flows, steered_, options.client_descriptors,
                 [this](proxy::Returned connection) { returned(std::move(connection)); }),
      timer_(reactor, [this] { tick(); }),
      idle_timer_(reactor, [this] { look_for_idle(); }) {
  ports_.on_release([this](const SocketAddress& endpoint, std::uint16_t port, TimePoint ready) {
    sources_.retire(endpoint, port, ready);
    if (sources_.size() != 0 && !timer_.armed()) timer_.arm(kSourcePace);
  });
}

WorkerSteering::~WorkerSteering() {
  if (ring_) reactor_.remove(ring_->epoll_fd());
}

void WorkerSteering::set_paths(PathsPtr paths) {
  sources_.set_paths(paths);
  paths_ = std::move(paths);
}

void WorkerSteering::on_ready(std::uint32_t) {
  ring_->consume();
  finish_returns();
  tick();
}

void WorkerSteering::look_for_idle() {
  const Milliseconds next = reclaimer_.tick();
  finish_returns();
  if (next.count() >= 0) idle_timer_.arm(next);
}

void WorkerSteering::finish_returns() {
  reclaimer_.finish([this] {
    if (ring_) ring_->consume();
  });
}

void WorkerSteering::returned(proxy::Returned connection) {
  if (user_ != nullptr) return user_->returned(std::move(connection));
  net::reset_close(std::move(connection.client));
  close_upstream(std::move(connection.endpoint), true);
}

void WorkerSteering::gone(const SteeredSet::Gone& connection) {
  // One that came back is not over; its session will say how many requests there were in the end.
  if (connection.listener && connection.end.how != proxy::CarriedEnd::How::kReturned) {
    const proxy::Carried& last = connection.end.last;
    connection_finished(*connection.listener, last.requests_before + last.requests);
  }
  if (user_ != nullptr) user_->ended(connection.end);
}

bool WorkerSteering::take_back(proxy::CarriedId id, proxy::MoveReason reason, bool idle) {
  if (retiring_ || !reclaimer_.take_back(id, reason, idle)) return false;
  if (!idle_timer_.armed()) idle_timer_.arm(kIdlePace);
  return true;
}

void WorkerSteering::visit(const std::function<void(const proxy::Carried&)>& see) const {
  for (const auto& [index, entry] : steered_.entries()) {
    see(carried(index, flows_.slots()[index], entry));
  }
}

void WorkerSteering::tick() {
  sources_.tick();
  Milliseconds next = steered_.tick();
  if (next.count() < 0 && sources_.size() != 0) next = kSourcePace;
  if (next.count() >= 0) timer_.arm(next);
}

std::uint32_t WorkerSteering::listener_id(const std::string& name) {
  const auto next = static_cast<std::uint32_t>(learners_.size());
  const auto [place, added] = listener_ids_.try_emplace(name, next);
  if (added) learners_.emplace_back();
  return place->second;
}

bool WorkerSteering::wants(std::uint32_t listener, const model::SteerAfter& after,
                           std::uint64_t request_number) {
  if (retiring_ || listener >= learners_.size()) return false;
  switch (after.mode) {
    case model::SteerAfter::Mode::kNever:
      return false;
    case model::SteerAfter::Mode::kCount:
      return request_number >= after.count;
    case model::SteerAfter::Mode::kAuto:
      return request_number >= learners_[listener].threshold();
  }
  return false;
}

void WorkerSteering::connection_finished(std::uint32_t listener, std::uint64_t requests) {
  // Steering that begins under a running worker is told of listeners with the next generation only.
  if (listener < learners_.size()) learners_[listener].connection_finished(requests);
}

bool WorkerSteering::can_show(const IpAddress& client, const SocketAddress& endpoint) {
  datapath::Route route;
  return sources_.judge(client, endpoint, route) == proxy::Shown::kClient;
}

Result<proxy::SteerUpstream> WorkerSteering::connect_upstream(
    const SocketAddress& endpoint, std::uint16_t mss, const std::optional<IpAddress>& client) {
  if (retiring_) return fail(ErrorCode::kUnavailable, "steering ends");
  sources_.tick();
  const std::uint16_t cap = segment_cap(mss, endpoint.ip);
  datapath::Route route;
  const auto shown = client ? sources_.judge(*client, endpoint, route) : proxy::Shown::kSystem;
  const auto count = [&](proxy::Shown became) {
    if (client) ++shown_[static_cast<std::size_t>(became)];
  };
  for (int i = 0; i < kPortTries; ++i) {
    const auto port = ports_.take(endpoint, reactor_.now());
    if (!port) {
      count(proxy::Shown::kNoPort);
      return fail(ErrorCode::kExhausted, "no upstream port is free for " + to_string(endpoint));
    }
    if (!sources_.claim(endpoint, *port)) {
      ports_.release(endpoint, *port, reactor_.now(), kTimeWait);
      continue;
    }
    proxy::SteerUpstream made{{}, *port, endpoint, mss, std::nullopt};
    SocketAddress source{endpoint.ip.is_v4() ? IpAddress::v4({}) : IpAddress{}, *port};
    auto became = shown;
    if (became == proxy::Shown::kClient) became = sources_.add(*client, endpoint, *port, route);
    if (became == proxy::Shown::kClient) {
      made.shown = client;
      source.ip = route.source;
    }
    Opened opened = open_upstream(endpoint, source, cap);
    if (opened.fd) {
      made.fd = std::move(opened.fd);
      count(became);
      return made;
    }
    // A socket of someone else, or one of ours in TIME_WAIT: leave that port alone for as long as that lasts. Any
    // other failure (no descriptor, no route) is not the port's.
    const bool taken = opened.error == EADDRINUSE || opened.error == EADDRNOTAVAIL;
    ports_.release(endpoint, *port, reactor_.now(), taken ? kTimeWait : Milliseconds(0));
    if (!taken) {
      count(proxy::Shown::kSystem);
      return fail_errno("connect to " + to_string(endpoint), opened.error);
    }
  }
  count(proxy::Shown::kNoPort);
  return fail(ErrorCode::kExhausted,
              "upstream ports to " + to_string(endpoint) + " are in TIME_WAIT");
}

void WorkerSteering::close_upstream(proxy::SteerUpstream upstream, bool reset) {
  if (reset) {
    net::reset_close(std::move(upstream.fd));
  } else {
    upstream.fd.reset();
  }
  if (upstream.port == 0) return;  // left by an earlier agent with another range of ports
  ports_.release(upstream.remote, upstream.port, reactor_.now(),
                 reset ? options_.keep.port_rest : kTimeWait);
}

std::uint16_t WorkerSteering::upstream_mss_for(int client_fd, const SocketAddress& client) {
  const auto state = net::tcp_state(client_fd);
  if (!state || state->mss_send >= usual_mss(client.ip)) return 0;
  const auto leg = flows_.leg(datapath::make_tuple(client, net::local_address(client_fd)));
  const std::uint32_t taken = leg && leg->mss != 0 ? leg->mss : state->mss_send;
  if (taken >= usual_mss(client.ip)) return 0;
  return static_cast<std::uint16_t>(std::max<std::uint32_t>(taken, kLeastMss));
}

std::optional<Refusal> WorkerSteering::read_legs(const proxy::Promotion& promotion, int client_fd,
                                                 const proxy::SteerUpstream& upstream, Leg& client,
                                                 Leg& up) {
  const auto client_tcp = net::tcp_state(client_fd);
  const auto up_tcp = net::tcp_state(upstream.fd.get());
  SocketAddress up_local = net::local_address(upstream.fd.get());
  if (upstream.shown) up_local.ip = *upstream.shown;  // on the wire, where lb_tc sees it
  if (!client_tcp || !up_tcp || up_local.port == 0) return Refusal::kSystem;
  client = {promotion.local, promotion.client, *client_tcp, {}, 0, 0, 0};
  up = {up_local, upstream.remote, *up_tcp, {}, segment_cap(upstream.mss, upstream.remote.ip), 0,
        0};
  const std::uint16_t promised = client.local.ip.is_v4() ? paths_->mss4 : paths_->mss6;
  const auto client_leg = flows_.leg(datapath::make_tuple(client.remote, client.local));
  const auto up_leg = flows_.leg(datapath::make_tuple(up.remote, up.local));
  if (!client_leg || !up_leg) return Refusal::kNoLeg;
  client.handshake = *client_leg;
  up.handshake = *up_leg;
  correct_restored(client);
  if (auto refusal = refusal_of(client, up, promotion.request.size(), promised)) return refusal;
  // 0 bytes of an earlier response may be under way: after the hand-over nobody would send them
  // again.
  if (net::unacknowledged_bytes(client_fd).value_or(1) != 0) return Refusal::kClientUnacked;
  // The agent counts bytes from the handshake's numbers; sequence numbers wrap, so the low 32 bits
  // are all there is.
  client.next_send = client_leg->local_next + static_cast<std::uint32_t>(promotion.client_sent);
  client.next_receive =
      client_leg->remote_next +
      static_cast<std::uint32_t>(promotion.client_received - promotion.request.size());
  up.next_send = up_leg->local_next + static_cast<std::uint32_t>(promotion.upstream_sent);
  up.next_receive = up_leg->remote_next + static_cast<std::uint32_t>(promotion.upstream_received);
  return std::nullopt;
}

PromoteResult WorkerSteering::promote(const proxy::Promotion& promotion, UniqueFd& client,
                                      proxy::SteerUpstream& upstream) {
  if (retiring_) return {PromoteOutcome::kRefused, Refusal::kReplaced};
  Leg client_leg;
  Leg up_leg;
  if (const auto refusal = read_legs(promotion, client.get(), upstream, client_leg, up_leg)) {
    return {PromoteOutcome::kRefused, *refusal};
  }
  const auto index = steered_.take_slot();
  if (!index) return {PromoteOutcome::kRefused, Refusal::kNoRoom};
  lb_slot& slot = flows_.slots()[*index];
  set_state(slot, LB_SLOT_USED);
  slot.owner = options_.worker;
  // Before anything of the new connection: whoever lists flows tells by it that the slot changed under the copy.
  __atomic_store_n(&slot.generation, slot.generation + 1, __ATOMIC_SEQ_CST);
  const FlowPair pair = prepare(client_leg, up_leg, promotion.request.size(), *paths_, *index,
                                cluster_hash(promotion.cluster), reactor_.clock().now(), slot);
  set_state(slot, LB_SLOT_NORMAL);
  if (!flows_.install(slot.client, pair.to_pod, slot.pod, pair.to_client)) {
    set_state(slot, LB_SLOT_USED);
    steered_.give_back_slot(*index);
    return {PromoteOutcome::kRefused, Refusal::kNoRoom};
  }
  // From here on TC has the client's packets. What reached the socket before that shows now, and is
  // never acknowledged (lb_tc drops the agent's bare ACKs on a steered tuple), so it is enough to
  // look once.
  if (!net::nothing_to_read(client.get())) return undo(*index, upstream, Refusal::kRace);
  // What a kept connection's endpoint said meanwhile would be lost: mostly its FIN, when it was idle for too long.
  if (!net::nothing_to_read(upstream.fd.get())) {
    return undo(*index, upstream, Refusal::kUpstreamState);
  }
  // If the agent dies from here on: RSTs, which lb_tc drops, instead of orphans. Those would own the addresses for
  // minutes, and the next agent could not take the connection back.
  for (const int fd : {client.get(), upstream.fd.get()}) net::reset_on_close(fd);
  const auto sent =
      ::send(upstream.fd.get(), promotion.request.data(), promotion.request.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(promotion.request.size())) {
    net::reset_on_close(client.get(), false);
    return undo(*index, upstream, Refusal::kUpstreamWindow);
  }
  finish(promotion, *index, client_leg.next_receive, client, upstream);
  return {PromoteOutcome::kPromoted, Refusal::kSystem, {*index, slot.generation}};
}

void WorkerSteering::finish(const proxy::Promotion& promotion, std::uint32_t index,
                            std::uint32_t request_start, UniqueFd& client,
                            proxy::SteerUpstream& upstream) {
  lb_slot& slot = flows_.slots()[index];
  SteeredSet::Entry entry;
  entry.cluster = promotion.cluster;
  entry.listener = promotion.listener;
  entry.requests_before = promotion.request_number - 1;
  const auto acknowledged = net::freeze_and_acknowledged(client.get());
  // The client still holds every byte that it was not told has arrived. If that is the whole
  // request, its own stack repairs a loss; otherwise the agent's socket must, until the pod has
  // acknowledged.
  if (acknowledged && static_cast<std::int32_t>(*acknowledged - request_start) <= 0) {
    write_shared(slot.hold, std::uint8_t{0});
    net::silent_close(std::move(upstream.fd));
  } else {
    entry.held = std::move(upstream.fd);
  }
  net::silent_close(std::move(client));
  steered_.add(index, std::move(entry));
  timer_.arm(steered_.tick());
}

PromoteResult WorkerSteering::undo(std::uint32_t index, proxy::SteerUpstream& upstream,
                                   Refusal refusal) {
  lb_slot& slot = flows_.slots()[index];
  for (const lb_slot_state state : {LB_SLOT_NORMAL, LB_SLOT_ARMED, LB_SLOT_HELD}) {
    if (change_state(slot, state, LB_SLOT_PASS)) break;
  }
  flows_.remove(slot.client, slot.pod);
  steered_.give_back_slot(index);
  // Packets of the client may have reached the pod by the new way already: that connection must not
  // be used again.
  close_upstream(std::move(upstream), true);
  return {PromoteOutcome::kUndone, refusal};
}

bool WorkerSteering::retire(bool now) {
  retiring_ = true;
  reclaimer_.keep_all();
  if (ring_) ring_->consume();
  finish_returns();
  if (!now && steered_.holding()) return false;
  if (ring_) reactor_.remove(ring_->epoll_fd());
  ring_.reset();
  timer_.cancel();
  idle_timer_.cancel();
  steered_.let_go();
  sources_.let_go();
  return true;
}

void WorkerSteering::add_to(proxy::WorkerReport& report) const {
  steered_.add_to(report);
  reclaimer_.add_to(report);
  report.addresses_shown = shown_;
  report.sources = sources_.size();
}

}  // namespace sluice::steer
