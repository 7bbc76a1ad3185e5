// SPDX-License-Identifier: Apache-2.0
// How one agent follows another without losing a connection, in this order (docs/operations.md, "Stopping and
// upgrading"): the new one gets the old one's listening sockets and serves as a proxy; it takes over control and
// metrics; the old one is told to stop, lets go of the kernel path, which the new one takes, and drains.
#include <fcntl.h>

#include <algorithm>

#include "agent/app/supervisor.hpp"
#include "agent/base/log.hpp"

namespace sluice::app {
namespace {

constexpr Milliseconds kShortestPause{50};  // between two looks at the pin directory
constexpr Milliseconds kLongestPause{2'000};
constexpr Milliseconds kDrainPace{10};

UniqueFd duplicate(const UniqueFd& fd) { return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)); }

std::vector<int> numbers_of(const std::vector<UniqueFd>& sockets) {
  std::vector<int> numbers;
  for (const UniqueFd& socket : sockets) {
    if (socket) numbers.push_back(socket.get());
  }
  return numbers;
}

}  // namespace

void Supervisor::find_predecessor() {
  predecessor_ = Predecessor::find(upgrade_socket());
  if (!predecessor_) return;
  log::info("app", "taking over from the agent that answers at {}", upgrade_socket());
  lookup_sockets_ = {predecessor_->take("lookup", "4"), predecessor_->take("lookup", "6")};
  if (auto link = predecessor_->take("link", ""); !link.empty()) {
    lookup_link_ = std::move(link.front());
  }
  for (auto& [name, sockets] : predecessor_->take_all("direct")) {
    direct_.inherit(name, std::move(sockets));
  }
}

void Supervisor::await_successor() {
  Successors::Callbacks callbacks;
  callbacks.bequests = [this] { return bequests(); };
  callbacks.serving = [this] {
    log::info("app", "another agent serves now; control and metrics are its own");
    control_.reset();
    admin_.reset();
  };
  // Not in the call of the object that is replaced.
  callbacks.gone = [this] { reactor_->defer([this] { go_on_alone(); }); };
  auto successors = Successors::listen(upgrade_socket(), *reactor_, std::move(callbacks));
  if (successors) {
    successors_ = std::move(*successors);
  } else {
    log::warn("app", "the next agent cannot take over from this one: {}",
              successors.error().message);
  }
}

void Supervisor::say_serving() {
  if (!predecessor_) return;
  predecessor_->say_serving();
  direct_.forget_inherited();
  if (!watch(predecessor_->fd(), [this] { on_predecessor(); })) predecessor_.reset();
}

void Supervisor::go_on_alone() {
  if (draining_) return;
  log::warn("app", "the agent that was to follow is gone; going on alone");
  successors_.reset();
  if (auto serving = serve_control(); !serving) log::error("app", "{}", serving.error().message);
  await_successor();
}

std::vector<Bequest> Supervisor::bequests() {
  std::vector<Bequest> out;
  if (draining_) return out;
  for (const auto& [name, bound] : direct_.bound()) {
    out.push_back({"direct", name, numbers_of(bound.sockets)});
  }
  out.push_back(
      {"lookup", "4", kernel_ ? kernel_->worker_sockets(AF_INET) : numbers_of(lookup_sockets_.v4)});
  out.push_back({"lookup", "6",
                 kernel_ ? kernel_->worker_sockets(AF_INET6) : numbers_of(lookup_sockets_.v6)});
  const int link = kernel_ ? kernel_->datapath().lookup_link() : lookup_link_.get();
  if (link >= 0) out.push_back({"link", "", {link}});
  if (admin_) out.push_back({"admin", "", {admin_->descriptor()}});
  return out;
}

void Supervisor::on_predecessor() {
  if (!predecessor_) return;
  const auto news = predecessor_->read();
  if (news == Predecessor::News::kNone) return;
  if (news == Predecessor::News::kGone) {
    reactor_->remove(predecessor_->fd());
    // This may be its own watch's call: what it stands on goes at the end of the turn.
    reactor_->defer([this] { predecessor_.reset(); });
  }
  if (path_busy_) take_path_over();
}

// Somebody has the pin directory: serves as a proxy until it is free, and asks again and again.
void Supervisor::wait_for_path() {
  if (!path_busy_) {
    lookup_sockets_ = {};  // this agent is not to have a kernel path
    lookup_link_.reset();
    return;
  }
  for (const auto* const family : {&lookup_sockets_.v4, &lookup_sockets_.v6}) {
    for (std::size_t i = 0; i < family->size(); ++i) {
      workers_[i % workers_.size()]->add_listening_socket(duplicate((*family)[i]));
    }
  }
  path_timer_ = std::make_unique<net::Timer>(*reactor_, [this] { take_path_over(); });
  path_pause_ = kShortestPause;
  path_timer_->arm(path_pause_);
}

void Supervisor::take_path_over() {
  if (draining_ || !path_busy_) return;
  auto opened = KernelPath::open(options_, client_descriptors_);
  if (!opened && opened.error().code == ErrorCode::kUnavailable) {
    path_timer_->arm(path_pause_);
    path_pause_ = std::min(2 * path_pause_, kLongestPause);
    return;
  }
  path_busy_ = false;
  if (opened) {
    kernel_ = std::move(*opened);
    use_path();
    return;
  }
  lookup_sockets_ = {};
  lookup_link_.reset();
  preflight_.reason = opened.error().message;
  log::warn("datapath", "no kernel path, serving as a plain userspace proxy: {}",
            preflight_.reason);
  pipeline_->set_kernel_path(false, preflight_.reason);
}

void Supervisor::use_path() {
  preflight_.kernel_path = true;
  preflight_.reason.clear();
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->use_steering(kernel_->steering_factory(i));
  }
  pipeline_->set_kernel_path(true, {});
  feed_->report();
  // Before the first configuration workers must not accept; they get their sockets then.
  if (configured_) {
    if (auto given = give_sockets(false); !given) log::error("app", "{}", given.error().message);
  }
  lookup_link_.reset();
  direct_.unbind_all();
  service_->use_kernel_path(kernel_.get());
  if (auto watched = watch(kernel_->links_fd(), [this] { kernel_->on_links(); }); !watched) {
    log::error("app", "{}", watched.error().message);
  }
  log::info("datapath", "kernel path taken over: {} steered connections", kernel_->adopted());
}

void Supervisor::begin_drain() {
  draining_ = true;
  feed_->stop();
  // Whoever has control now is the next agent of this node, which goes on with what this one held.
  feed_->leave(control_ == nullptr);
  listener_retry_->stop();
  service_->begin_drain();
  if (!kernel_) {
    stop_accepting();
    return;
  }
  retiring_ = workers_.size();
  for (const auto& worker : workers_) {
    worker->retire_steering([this] {
      reactor_->post([this] {
        if (--retiring_ == 0) let_go_of_path();
      });
    });
  }
}

void Supervisor::let_go_of_path() {
  kernel_->release();
  if (successors_) successors_->say_released();
  stop_accepting();
}

// Duplicates first, so that the workers' closing is the last and what waits in the queues is accepted before.
void Supervisor::stop_accepting() {
  direct_.forget_sockets();
  lookup_sockets_ = {};
  lookup_link_.reset();
  if (kernel_) kernel_->forget_worker_sockets();
  const std::chrono::seconds grace(options_.drain_seconds);
  for (const auto& worker : workers_) worker->drain(grace);
  drained_timer_ = std::make_unique<net::Timer>(*reactor_, [this] { await_workers(); });
  await_workers();
}

void Supervisor::await_workers() {
  const bool over = std::ranges::all_of(workers_, [](const auto& w) { return w->finished(); });
  if (over) {
    reactor_->stop();
  } else {
    drained_timer_->arm(kDrainPace);
  }
}

}  // namespace sluice::app
