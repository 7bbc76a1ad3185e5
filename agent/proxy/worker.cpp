// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/worker.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <random>
#include <thread>

#include "agent/base/log.hpp"
#include "agent/net/socket.hpp"
#include "agent/proxy/acceptor.hpp"
#include "agent/proxy/context.hpp"
#include "agent/proxy/udp_listener.hpp"

namespace sluice::proxy {
namespace {

constexpr Milliseconds kRetireLimit{1'000};
constexpr Milliseconds kRetirePace{5};

// "Every address" is :: or, on a host without IPv6, 0.0.0.0.
bool same_place(const SocketAddress& own, const SocketAddress& other) {
  return own == other ||
         (own.ip.is_unspecified() && other.ip.is_unspecified() && own.port == other.port);
}

class WorkerImpl final : public Worker {
 public:
  WorkerImpl(const WorkerOptions& options, std::unique_ptr<net::Reactor> reactor,
             SteeringFactory steering)
      : reactor_(std::move(reactor)),
        steering_(std::move(steering)),
        context_(std::make_unique<Context>(options, *reactor_)) {}
  ~WorkerImpl() override { WorkerImpl::stop(Milliseconds(0)); }

  void start() override {
    thread_ = std::thread([this] { run(); });
  }
  void drain(Milliseconds grace) override;
  void stop(Milliseconds grace) override;
  [[nodiscard]] bool finished() const override { return finished_.load(); }
  void use_steering(SteeringFactory steering) override;
  void retire_steering(std::function<void()> done) override;
  std::optional<std::uint64_t> take_back(std::function<bool(const Carried&)> wanted,
                                         Milliseconds limit) override;
  void publish(snapshot::SnapshotPtr snapshot) override;
  void add_listening_socket(UniqueFd socket) override;
  void remove_listening_socket(const SocketAddress& local) override;
  void add_datagram_socket(UniqueFd socket) override;
  void remove_datagram_socket(const SocketAddress& local) override;
  std::optional<WorkerReport> report(Milliseconds limit) override;

 private:
  void run();
  void begin_drain(Milliseconds grace);
  void drain_connections(Milliseconds grace);
  void try_to_retire(const std::function<void()>& done, TimePoint limit);
  void close_all();
  void arm_sweep();
  [[nodiscard]] WorkerReport copy_report() const;
  // What `ask` says on the worker's thread.
  template <typename Answer>
  std::optional<Answer> answer(std::function<Answer()> ask, Milliseconds limit);

  std::unique_ptr<net::Reactor> reactor_;
  SteeringFactory steering_;
  std::unique_ptr<Context> context_;  // the worker thread's from start() until it is joined
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::vector<std::unique_ptr<UdpListener>> udp_listeners_;  // they serve until the end of a drain
  std::unique_ptr<net::Timer> sweep_;
  std::unique_ptr<net::Timer> grace_;
  std::unique_ptr<net::Timer> retire_;
  std::atomic<bool> finished_{false};
  std::thread thread_;
};

void WorkerImpl::run() {
  if (steering_) context_->steer_by(steering_(*reactor_));
  sweep_ = std::make_unique<net::Timer>(*reactor_, [this] {
    context_->pools.expire(reactor_->now());
    context_->mirror_pools.expire(reactor_->now());
    arm_sweep();
  });
  grace_ = std::make_unique<net::Timer>(*reactor_, [this] { reactor_->stop(); });
  arm_sweep();
  context_->registry->add_worker(context_->options.index, [this](auto cluster) {
    reactor_->post([this, cluster] { context_->pools.give_up_one(*cluster); });
  });
  reactor_->run();
  context_->registry->remove_worker(context_->options.index);
  close_all();
  finished_ = true;
}

void WorkerImpl::arm_sweep() {
  sweep_->arm(std::clamp(context_->options.upstream_idle_timeout / 4, Milliseconds(10),
                         Milliseconds(1000)));
}

void WorkerImpl::drain(Milliseconds grace) {
  if (!thread_.joinable()) return;
  reactor_->post([this, grace] { begin_drain(grace); });
}

void WorkerImpl::stop(Milliseconds grace) {
  if (!thread_.joinable()) return;
  drain(grace);
  thread_.join();
}

void WorkerImpl::begin_drain(Milliseconds grace) {
  if (context_->draining) {
    grace_->arm(grace);  // the time that is left was changed
    return;
  }
  context_->draining = true;
  // Clients whose connections the kernel has established, but nobody accepted yet, would get a reset.
  for (const auto& acceptor : acceptors_) acceptor->accept_all();
  acceptors_.clear();
  context_->drained = [this] { reactor_->stop(); };
  context_->pools.clear();
  context_->mirror_pools.clear();
  drain_connections(grace);
  if (context_->connections.empty()) {
    reactor_->stop();
  } else {
    log::info("proxy", "worker {}: {} connections have {} ms to finish", context_->options.index,
              context_->connections.size(), grace.count());
    grace_->arm(grace);
  }
}

// Idle connections end between a quarter and three quarters of the grace, spread evenly: their clients do not all
// connect again at once.
void WorkerImpl::drain_connections(Milliseconds grace) {
  std::mt19937_64 random(std::random_device{}());
  std::uniform_int_distribution<std::int64_t> delay(grace.count() / 4, grace.count() * 3 / 4);
  const TimePoint now = reactor_->now();
  const std::vector<Connection*> connections(context_->connections.begin(),
                                             context_->connections.end());
  for (Connection* const connection : connections) {
    // One that is drained may end others.
    if (!context_->connections.contains(connection)) continue;
    connection->drain(now + Milliseconds(delay(random)));
  }
}

void WorkerImpl::close_all() {
  acceptors_.clear();
  udp_listeners_.clear();
  context_->draining = true;
  context_->drained = nullptr;
  while (!context_->connections.empty()) (*context_->connections.begin())->close_now();
  context_->mirrors.clear();
  context_->pools.clear();
  context_->mirror_pools.clear();
  context_->queue.clear();
  sweep_.reset();
  grace_.reset();
  retire_.reset();
  context_->steering.reset();
}

void WorkerImpl::use_steering(SteeringFactory steering) {
  reactor_->post([this, steering = std::move(steering)] {
    if (!context_->draining) context_->steer_by(steering(*reactor_));
  });
}

void WorkerImpl::retire_steering(std::function<void()> done) {
  const bool posted =
      reactor_->post([this, done] { try_to_retire(done, reactor_->clock().now() + kRetireLimit); });
  if (!posted) done();
}

void WorkerImpl::try_to_retire(const std::function<void()>& done, TimePoint limit) {
  const bool now = reactor_->clock().now() >= limit;
  if (!context_->steering || context_->steering->retire(now)) return done();
  // The pods' acknowledgements are a round trip away, mostly.
  retire_ =
      std::make_unique<net::Timer>(*reactor_, [this, done, limit] { try_to_retire(done, limit); });
  retire_->arm(kRetirePace);
}

void WorkerImpl::publish(snapshot::SnapshotPtr snapshot) {
  reactor_->post([this, snapshot = std::move(snapshot)] { context_->publish(snapshot); });
}

void WorkerImpl::add_listening_socket(UniqueFd socket) {
  // std::function wants a copyable task.
  auto shared = std::make_shared<UniqueFd>(std::move(socket));
  reactor_->post([this, shared] {
    acceptors_.push_back(std::make_unique<Acceptor>(*context_, std::move(*shared)));
    acceptors_.back()->resume();
  });
}

void WorkerImpl::add_datagram_socket(UniqueFd socket) {
  auto shared = std::make_shared<UniqueFd>(std::move(socket));
  reactor_->post([this, shared] {
    udp_listeners_.push_back(std::make_unique<UdpListener>(*context_, std::move(*shared)));
  });
}

void WorkerImpl::remove_listening_socket(const SocketAddress& local) {
  reactor_->post([this, local] {
    std::erase_if(acceptors_, [&](const auto& each) { return same_place(each->local(), local); });
  });
}

void WorkerImpl::remove_datagram_socket(const SocketAddress& local) {
  reactor_->post([this, local] {
    std::erase_if(udp_listeners_,
                  [&](const auto& each) { return same_place(each->local(), local); });
  });
}

WorkerReport WorkerImpl::copy_report() const {
  WorkerReport report = context_->report;
  report.buffer_bytes = context_->memory.buffer_bytes;
  if (context_->steering) {
    context_->steering->add_to(report);
    context_->carried.add_to(report);
  }
  for (auto& [key, cluster] : report.clusters) {
    // Of connections that outlived their cluster, or were adopted without one.
    if (!context_->report.clusters.contains(key)) cluster.unused_for = ClusterReport::kHide;
  }
  return report;
}

template <typename Answer>
std::optional<Answer> WorkerImpl::answer(std::function<Answer()> ask, Milliseconds limit) {
  // Shared with the task: should the worker be late, it still has somewhere to write.
  auto promise = std::make_shared<std::promise<Answer>>();
  auto future = promise->get_future();
  if (!reactor_->post([ask = std::move(ask), promise] { promise->set_value(ask()); })) {
    return std::nullopt;
  }
  if (future.wait_for(limit) != std::future_status::ready) return std::nullopt;
  return future.get();
}

std::optional<WorkerReport> WorkerImpl::report(Milliseconds limit) {
  if (!thread_.joinable()) return copy_report();
  return answer<WorkerReport>([this] { return copy_report(); }, limit);
}

std::optional<std::uint64_t> WorkerImpl::take_back(std::function<bool(const Carried&)> wanted,
                                                   Milliseconds limit) {
  if (!thread_.joinable()) return 0;
  return answer<std::uint64_t>(
      [this, wanted = std::move(wanted)] {
        std::uint64_t asked = 0;
        if (!context_->steering) return asked;
        context_->steering->visit([&](const Carried& carried) {
          if (!wanted(carried)) return;
          if (context_->steering->take_back(carried.id, MoveReason::kAsked, true)) ++asked;
        });
        return asked;
      },
      limit);
}

}  // namespace

Result<std::unique_ptr<Worker>> Worker::create(WorkerOptions options, const Clock& clock,
                                               SteeringFactory steering) {
  auto reactor = net::Reactor::create(clock);
  if (!reactor) return tl::unexpected(std::move(reactor.error()));
  return std::make_unique<WorkerImpl>(options, std::move(*reactor), std::move(steering));
}

Result<UniqueFd> make_listening_socket(std::optional<IpAddress> bind, std::uint16_t port) {
  return net::listen_tcp(bind, port);
}

}  // namespace sluice::proxy
