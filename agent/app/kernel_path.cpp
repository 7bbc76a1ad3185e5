// SPDX-License-Identifier: Apache-2.0
#include "agent/app/kernel_path.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "agent/base/hash.hpp"
#include "agent/base/log.hpp"
#include "agent/net/socket.hpp"

namespace sluice::app {
namespace {

constexpr std::uint32_t kHeader4 = 40;  // IPv4 and TCP without options
constexpr std::uint32_t kHeader6 = 60;
constexpr std::uint32_t kLeastMtu = 576;
constexpr std::uint32_t kMostMtu = 65'535;
constexpr int kBacklog = 4'096;

// Bound to loopback: reachable from outside only through lb_sk_lookup. A socket bound to ::1 cannot be dual stack
// (inet6_bind makes it IPv6 only), so each family has its own.
Result<UniqueFd> listen_on_loopback(int family) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket", errno);
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // For the connections accepted from it: one that is closing must not keep its port from a later
  // agent that has no kernel path.
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage address{};
  const SocketAddress loopback{*IpAddress::parse(family == AF_INET6 ? "::1" : "127.0.0.1"), 0};
  const socklen_t size = loopback.to_sockaddr(address);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0)
    return fail_errno("bind", errno);
  net::accept_with_data(fd.get());
  if (::listen(fd.get(), kBacklog) != 0) return fail_errno("listen", errno);
  return fd;
}

}  // namespace

KernelPath::KernelPath(const Options& options, std::uint32_t client_descriptors)
    : options_(options),
      client_descriptors_(client_descriptors),
      ports_(steer::divide_ports(options.upstream_port_first, options.upstream_port_last,
                                 options.workers)),
      handles_(options.workers) {}

KernelPath::~KernelPath() = default;

Result<std::unique_ptr<KernelPath>> KernelPath::open(const Options& options,
                                                     std::uint32_t client_descriptors) {
  std::unique_ptr<KernelPath> self(new KernelPath(options, client_descriptors));
  datapath::DatapathOptions datapath;
  datapath.pin_directory = options.pin_directory;
  datapath.workers = options.workers;
  datapath.max_steered = options.max_steered;
  datapath.upstream_port_first = options.upstream_port_first;
  datapath.upstream_port_last = options.upstream_port_last;
  datapath.ignore_interfaces = options.ignore_interfaces;
  auto opened = datapath::Datapath::open(std::move(datapath));
  if (!opened) return tl::unexpected(opened.error());
  self->datapath_ = std::move(*opened);
  self->adopt();
  self->refresh_paths();
  return self;
}

void KernelPath::adopt() {
  shares_ = steer::divide_slots(datapath_->flows().slots(), ports_);
  steer::divide_sources(datapath_->flows().sources(), ports_, shares_);
  for (const steer::SlotShare& share : shares_) adopted_ += share.adopted.size();
  if (adopted_ > 0) {
    log::info("steer", "adopted {} steered connections of an earlier agent", adopted_);
  }
}

proxy::Worker::SteeringFactory KernelPath::steering_factory(std::uint32_t worker) {
  return [this, worker](net::Reactor& reactor) { return make_steering(worker, reactor); };
}

std::unique_ptr<proxy::Steering> KernelPath::make_steering(std::uint32_t worker,
                                                           net::Reactor& reactor) {
  steer::SteerOptions steer;
  steer.worker = worker;
  steer.ports = ports_[worker];
  steer.client_descriptors = client_descriptors_;
  steer.keep.idle_limit = std::chrono::seconds(options_.steer_idle_seconds);
  auto made =
      steer::WorkerSteering::create(steer, datapath_->flows(), std::move(shares_[worker]), reactor);
  MutexLock lock(mutex_);
  made->set_paths(paths_);
  handles_[worker] = {made.get(), &reactor};
  return made;
}

Result<std::vector<KernelPath::MadeSocket>> KernelPath::make_worker_sockets(std::uint32_t worker,
                                                                            Inherited& inherited) {
  std::vector<MadeSocket> sockets;
  for (const int family : {AF_INET, AF_INET6}) {
    auto& earlier = family == AF_INET ? inherited.v4 : inherited.v6;
    const bool is_inherited = worker < earlier.size() && earlier[worker];
    auto socket =
        is_inherited ? Result<UniqueFd>(std::move(earlier[worker])) : listen_on_loopback(family);
    if (!socket) {
      if (family == AF_INET6 && !sockets.empty()) continue;  // a host without IPv6
      return fail(ErrorCode::kSystem, "no listening socket for worker " + std::to_string(worker) +
                                          ": " + socket.error().message);
    }
    if (auto set = datapath_->set_worker_socket(worker, socket->get()); !set) {
      return tl::unexpected(set.error());
    }
    net::accept_with_data(socket->get(), clients_speak_first_);
    sockets_.push_back({family, UniqueFd(::fcntl(socket->get(), F_DUPFD_CLOEXEC, 0))});
    sockets.push_back({std::move(*socket), is_inherited});
  }
  return sockets;
}

std::vector<int> KernelPath::worker_sockets(int family) const {
  std::vector<int> sockets;
  for (const WorkerSocket& socket : sockets_) {
    if (socket.family == family && socket.fd) sockets.push_back(socket.fd.get());
  }
  return sockets;
}

void KernelPath::release() {
  released_ = true;
  datapath_->release_pins();
}

Result<void> KernelPath::publish(const snapshot::SnapshotPtr& snapshot) {
  if (released_) return {};
  published_ = snapshot;
  // A server behind a TCP listener may be the one to speak first; the sockets serve all listeners.
  clients_speak_first_ = !std::ranges::any_of(
      snapshot->listeners, [](const auto& listener) { return listener->config.protocol == "TCP"; });
  for (const WorkerSocket& socket : sockets_) {
    net::accept_with_data(socket.fd.get(), clients_speak_first_);
  }
  std::vector<datapath::ListenerEntry> wanted;
  for (const snapshot::ListenerPtr& shared : snapshot->listeners) {
    const snapshot::Listener& listener = *shared;
    if (listener.transport() == snapshot::Transport::kUdp) continue;  // DatagramListeners
    datapath::ListenerEntry entry;
    entry.bind = listener.config.bind;
    entry.port = listener.config.port;
    entry.steer = listener.tier == snapshot::Tier::kConnection;
    entry.mss4 = entry.steer ? mss4_ : std::uint16_t{0};
    entry.mss6 = entry.steer ? mss6_ : std::uint16_t{0};
    wanted.push_back(entry);
  }
  time_clusters(*snapshot);
  return datapath_->sync_listeners(wanted);
}

void KernelPath::time_clusters(const snapshot::Snapshot& snapshot) {
  std::set<std::uint64_t> clusters;
  for (const snapshot::ListenerPtr& listener : snapshot.listeners) {
    if (listener->tier != snapshot::Tier::kConnection) continue;
    for (const snapshot::Share& share : snapshot.destination_sets[listener->steer_set]->shares)
      clusters.insert(cluster_hash(share.cluster));
  }
  datapath_->time_clusters(clusters);
}

void KernelPath::on_links() {
  if (released_) return;
  datapath_->poll_links();
  const auto before = std::pair(mss4_, mss6_);
  refresh_paths();
  if (published_ && before != std::pair(mss4_, mss6_)) {
    if (auto synced = publish(published_); !synced) {
      log::warn("datapath", "listeners keep their old segment size: {}", synced.error().message);
    }
  }
}

void KernelPath::refresh_paths() {
  auto paths = std::make_shared<steer::Paths>();
  std::uint32_t mtu = kMostMtu;
  for (const datapath::InterfaceStatus& link : datapath_->interfaces()) {
    const bool attached = link.mode != datapath::AttachMode::kNone;
    paths->by_index[link.index] = {attached, link.peer_redirect};
    if (attached && link.mtu >= kLeastMtu) mtu = std::min(mtu, link.mtu);
  }
  mss4_ = static_cast<std::uint16_t>(mtu - kHeader4);
  mss6_ = static_cast<std::uint16_t>(mtu - kHeader6);
  // A connection made before the cap sank may still send what it was promised then.
  largest_mss4_ = std::max(largest_mss4_, mss4_);
  largest_mss6_ = std::max(largest_mss6_, mss6_);
  paths->mss4 = largest_mss4_;
  paths->mss6 = largest_mss6_;
  MutexLock lock(mutex_);
  paths_ = paths;
  for (const Handle& handle : handles_) {
    if (handle.steering == nullptr) continue;
    handle.reactor->post([steering = handle.steering, paths] { steering->set_paths(paths); });
  }
}

}  // namespace sluice::app
