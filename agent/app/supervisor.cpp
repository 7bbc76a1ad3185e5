// SPDX-License-Identifier: Apache-2.0
#include "agent/app/supervisor.hpp"

#include <sys/resource.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <functional>

#include "agent/app/settings.hpp"
#include "agent/app/status_view.hpp"
#include "agent/app/version.hpp"
#include "agent/base/log.hpp"
#include "agent/routing/route_table.hpp"

namespace sluice::app {
namespace {

// Two descriptors a proxied request; the soft limit is often 1024, for programs that use select(2).
// Returns the limit in force.
std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur >= limit.rlim_max) return limit.rlim_cur;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return limit.rlim_max;
  log::warn("app", "cannot raise the limit of open files to {}", limit.rlim_max);
  return before;
}

// Clients that come in any number must not take the descriptors by which those already in reach their upstreams, nor
// those of control, metrics and configuration.
std::uint32_t client_descriptors(std::uint64_t limit) {
  const std::uint64_t reserve = std::clamp<std::uint64_t>(limit / 8, 32, 4096);
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(limit - std::min(limit, reserve), UINT32_MAX));
}

}  // namespace

class Supervisor::Watch final : public net::EventHandler {
 public:
  explicit Watch(std::function<void()> ready) : ready_(std::move(ready)) {}
  void on_ready(std::uint32_t) override { ready_(); }

 private:
  std::function<void()> ready_;
};

Supervisor::Supervisor(Options options) : options_(std::move(options)) {}

// Servers first (they call into everything), then workers (they use the kernel path), then the rest.
Supervisor::~Supervisor() {
  control_.reset();
  admin_.reset();
  // All at once: one after the other, the last would end only after as many times the grace. None is left when they
  // have drained, or after a second signal.
  const std::chrono::seconds grace(draining_ ? 0 : options_.drain_seconds);
  for (const auto& worker : workers_) worker->drain(grace);
  for (const auto& worker : workers_) worker->stop(grace);
  workers_.clear();
}

Result<std::unique_ptr<Supervisor>> Supervisor::start(Options options) {
  std::unique_ptr<Supervisor> self(new Supervisor(std::move(options)));
  auto reactor = net::Reactor::create(self->clock_);
  if (!reactor) return tl::unexpected(reactor.error());
  self->reactor_ = std::move(*reactor);
  // Blocked before any thread exists, so that only the signalfd sees them.
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGTERM);
  sigaddset(&mask, SIGINT);
  sigaddset(&mask, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  self->client_descriptors_ = client_descriptors(raise_descriptor_limit());
  self->signals_.reset(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!self->signals_) return fail_errno("signalfd", errno);

  log::info("app", "lb-agent {} on {}: {} workers, configuration from {}", kVersion,
            self->options_.node_name, self->options_.workers,
            self->options_.kubernetes ? "the cluster" : self->options_.config_directory);
  self->find_predecessor();
  for (const auto step :
       {&Supervisor::start_kernel_path, &Supervisor::start_access_log, &Supervisor::start_workers,
        &Supervisor::start_configuration, &Supervisor::start_servers}) {
    if (auto done = (*self.*step)(); !done) return tl::unexpected(done.error());
  }
  return self;
}

Result<void> Supervisor::start_kernel_path() {
  if (options_.kernel_path) {
    preflight_ = datapath::run_preflight(options_.pin_directory);
  } else {
    preflight_.reason = "switched off by --no-kernel-path";
  }
  if (preflight_.kernel_path) {
    auto opened = KernelPath::open(options_, client_descriptors_);
    if (opened) {
      kernel_ = std::move(*opened);
    } else {
      preflight_.kernel_path = false;
      preflight_.reason = opened.error().message;
      path_busy_ = opened.error().code == ErrorCode::kUnavailable;
    }
  }
  if (kernel_) {
    log::info("datapath", "kernel path ready: sk_lookup and {} steering, flows pinned in {}",
              preflight_.tcx ? "tcx" : "clsact", options_.pin_directory);
  } else {
    log::warn("datapath", "no kernel path, serving as a plain userspace proxy: {}",
              preflight_.reason);
  }
  return {};
}

Result<void> Supervisor::start_access_log() {
  const AccessLogOptions& wanted = options_.http.access_log;
  if (!wanted.enabled()) return {};
  auto started = telemetry::AccessLog::start(
      {.target = wanted.target, .json = wanted.json, .sample = wanted.sample}, options_.workers);
  if (!started) {
    return fail(started.error().code,
                started.error().message + "; name another file with --access-log PATH");
  }
  access_log_ = std::move(*started);
  for (std::uint32_t i = 0; i < options_.workers; ++i) {
    access_sinks_.push_back(std::make_unique<AccessSink>(access_log_->lane(i)));
  }
  return {};
}

Result<void> Supervisor::start_workers() {
  listener_loads_ = std::make_shared<proxy::ListenerLoads>();
  for (std::uint32_t i = 0; i < options_.workers; ++i) {
    proxy::WorkerOptions worker_options;
    worker_options.index = i;
    worker_options.client_descriptors = client_descriptors_;
    worker_options.listener_loads = listener_loads_;
    worker_options.registry = health_;
    worker_options.trusted_cidrs = options_.trusted_cidrs;
    worker_options.trust.cidrs = options_.trusted_cidrs;
    worker_options.node_name = options_.node_name;
    worker_options.carried_grace = std::chrono::seconds(options_.drain_seconds);
    apply(options_.http, worker_options);
    worker_options.carried_watch = &flow_feed_;
    if (access_log_) worker_options.access_sink = access_sinks_[i].get();
    proxy::Worker::SteeringFactory steering = [](net::Reactor&) { return nullptr; };
    if (kernel_) steering = kernel_->steering_factory(i);
    auto worker = proxy::Worker::create(worker_options, clock_, std::move(steering));
    if (!worker) return tl::unexpected(worker.error());
    (*worker)->start();
    workers_.push_back(std::move(*worker));
  }
  return {};
}

// After the first publish: connections may wait in inherited sockets. `all`: inherited ones as well, which workers that
// waited for the kernel path have already.
Result<void> Supervisor::give_sockets(bool all) {
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    auto sockets = kernel_->make_worker_sockets(i, lookup_sockets_);
    if (!sockets) return tl::unexpected(sockets.error());
    for (auto& socket : *sockets) {
      if (all || !socket.inherited) workers_[i]->add_listening_socket(std::move(socket.fd));
    }
  }
  // Of workers that are more than ours: nobody is sent there any more, but somebody may wait.
  for (auto* const family : {&lookup_sockets_.v4, &lookup_sockets_.v6}) {
    for (std::size_t i = 0; i < family->size(); ++i) {
      UniqueFd& socket = (*family)[i];
      if (all && socket) workers_[i % workers_.size()]->add_listening_socket(std::move(socket));
    }
    family->clear();
  }
  return {};
}

Result<void> Supervisor::start_configuration() {
  config::TranslateOptions translate;
  translate.gateway_labels = options_.gateway_labels;
  translate.node_name = options_.node_name;
  translate.locality = options_.locality;
  if (options_.kubernetes) {
    translate.gateway_addresses = config::GatewayAddresses::kAssigned;
    direct_.bind_ahead();
  }
  translate.check_regex = [](std::string_view text) { return routing::check_regex(text); };
  translate.check_rewrite = [](std::string_view pattern, std::string_view substitution) {
    return routing::check_rewrite(pattern, substitution);
  };
  snapshot::BuildOptions build;
  build.kernel_path = kernel_ != nullptr;
  build.kernel_reason = preflight_.reason;
  build.steer_after = options_.steer_after;
  build.forwarded_headers = options_.forwarded_headers;
  build.client_address = options_.client_address;
  apply(options_.http, build);
  pipeline_ = std::make_unique<UpdatePipeline>(
      options_.config_directory, std::move(translate), std::move(build),
      [this](const snapshot::SnapshotPtr& snapshot) { return publish(snapshot); });

  listener_retry_ = std::make_unique<ListenerRetry>(*reactor_, [this] {
    pipeline_->set_listener_errors(serve_listeners(pipeline_->current()));
    feed_->report();
    return pipeline_->listener_errors().empty();
  });
  auto feed = ConfigFeed::open(options_, clock_, *reactor_, *pipeline_);
  if (!feed) return tl::unexpected(feed.error());
  feed_ = std::move(*feed);
  health_timer_ = std::make_unique<net::Timer>(*reactor_, [this] { on_health(); });
  on_health();
  if (auto added = watch(signals_.get(), [this] { on_signal(); }); !added) return added;
  if (kernel_) return watch(kernel_->links_fd(), [this] { kernel_->on_links(); });
  return {};
}

// Nobody is sent here before: an agent without configuration would answer 404 to what another one serves.
Result<void> Supervisor::on_first_configuration() {
  configured_ = true;
  if (kernel_) {
    if (auto given = give_sockets(true); !given) return given;
  } else {
    wait_for_path();
  }
  say_serving();
  return {};
}

Result<void> Supervisor::watch(int fd, std::function<void()> ready) {
  watches_.push_back(std::make_unique<Watch>(std::move(ready)));
  return reactor_->add(fd, EPOLLIN, *watches_.back());
}

Result<void> Supervisor::start_servers() {
  service_ = std::make_unique<AgentService>(options_, *reactor_, workers_, *pipeline_,
                                            kernel_.get(), preflight_, access_log_.get(),
                                            listener_loads_, health_, *listener_retry_);
  service_->use_feed(feed_.get());
  service_->use_flow_feed(&flow_feed_);
  if (auto serving = serve_control(); !serving) return serving;
  await_successor();
  return feed_->start([this] { return on_first_configuration(); });
}

// Also when a successor that had taken this over is gone.
Result<void> Supervisor::serve_control() {
  auto control =
      control::Server::start(options_.control_socket, *service_, predecessor_ != nullptr);
  if (!control) return tl::unexpected(control.error());
  control_ = std::move(*control);
  telemetry::AdminCallbacks callbacks;
  callbacks.metrics = [this] { return service_->metrics(); };
  callbacks.health = [this] { return service_->health(); };
  callbacks.ready = [this] { return service_->ready(); };
  UniqueFd inherited;
  if (predecessor_) {
    auto sockets = predecessor_->take("admin", "");
    if (!sockets.empty()) inherited = std::move(sockets.front());
  }
  auto admin =
      telemetry::AdminServer::start(options_.admin, std::move(callbacks), std::move(inherited));
  if (!admin) return tl::unexpected(admin.error());
  admin_ = std::move(*admin);
  log::info("app", "ready: lbctl on {}, metrics on http://{}/metrics", options_.control_socket,
            to_string(admin_->address()));
  return {};
}

// Workers first: a listener must not be promised by the kernel before a worker knows it.
std::map<std::string, std::string> Supervisor::publish(const snapshot::SnapshotPtr& snapshot) {
  for (const auto& worker : workers_) worker->publish(snapshot);
  auto errors = serve_listeners(snapshot);
  listener_retry_->begin(errors.empty());
  return errors;
}

std::map<std::string, std::string> Supervisor::serve_listeners(
    const snapshot::SnapshotPtr& snapshot) {
  auto errors = datagrams_.publish(*snapshot);
  // Without the path, but with the sockets of the agent that has it, connections come through those.
  const bool lookup = path_busy_ && !lookup_sockets_.v4.empty();
  if (kernel_) {
    if (auto synced = kernel_->publish(snapshot); !synced)
      errors[kAllListeners] = synced.error().message;
  } else if (!lookup) {
    errors.merge(direct_.publish(*snapshot));
  }
  return errors;
}

// Ejections end within this of their time.
void Supervisor::on_health() {
  constexpr Milliseconds kSweep{250};
  health_->sweep();
  pipeline_->tidy();
  health_timer_->arm(kSweep);
}

void Supervisor::on_signal() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == SIGHUP) {
      if (access_log_) access_log_->reopen();
      continue;
    }
    if (draining_) {
      log::warn("app", "signal {} again: stopping at once", info.ssi_signo);
      reactor_->stop();
      return;
    }
    log::info("app", "signal {}: draining for at most {} s", info.ssi_signo,
              options_.drain_seconds);
    begin_drain();
  }
}

int Supervisor::run() {
  reactor_->run();
  return 0;
}

}  // namespace sluice::app
