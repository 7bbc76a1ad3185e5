// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/connection_queue.hpp"

#include <algorithm>
#include <vector>

#include "agent/proxy/context.hpp"

namespace sluice::proxy {

ConnectionQueue::ConnectionQueue(Context& context) : context_(context) {}

ConnectionQueue::~ConnectionQueue() = default;

void ConnectionQueue::join(health::ClusterRecord& cluster, ConnectionWaiter& waiter) {
  Line& line = lines_[&cluster];
  if (!line.cluster) {
    line.cluster = cluster.shared_from_this();
    context_.registry->ask_for_connection(line.cluster, context_.options.index);
  }
  line.waiters.push_back(&waiter);
  cluster.count_waiting(1);
  if (!timer_) timer_ = std::make_unique<net::Timer>(context_.reactor, [this] { on_timer(); });
  if (!timer_->armed()) timer_->arm(kRetry);
}

void ConnectionQueue::leave(health::ClusterRecord& cluster, ConnectionWaiter& waiter) {
  const auto line = lines_.find(&cluster);
  if (line == lines_.end()) return;
  auto& waiters = line->second.waiters;
  const auto found = std::ranges::find(waiters, &waiter);
  if (found == waiters.end()) return;
  waiters.erase(found);
  cluster.count_waiting(-1);
  if (waiters.empty()) lines_.erase(line);
}

void ConnectionQueue::connection_idle(EndpointPool& pool) {
  health::ClusterRecord& cluster = pool.record().cluster();
  if (cluster.waiting() == 0) return;
  if (const auto line = lines_.find(&cluster); line != lines_.end()) {
    call(line->second);
  } else {
    pool.give_up_one();  // another worker has use for it
  }
}

void ConnectionQueue::connection_closed(EndpointPool& pool) {
  if (lines_.empty()) return;
  if (const auto line = lines_.find(&pool.record().cluster()); line != lines_.end()) {
    call(line->second);
  }
}

// At the end of this turn: whoever frees a connection is in the middle of something.
void ConnectionQueue::call(Line& line) {
  if (line.called) return;
  line.called = true;
  context_.reactor.defer([this, cluster = line.cluster] { serve(cluster.get()); });
}

void ConnectionQueue::serve(health::ClusterRecord* cluster) {
  for (;;) {
    const auto line = lines_.find(cluster);
    if (line == lines_.end()) return;
    line->second.called = false;
    ConnectionWaiter* const first = line->second.waiters.front();
    first->on_turn();
    const auto after = lines_.find(cluster);
    if (after == lines_.end() || after->second.waiters.front() == first) return;
  }
}

void ConnectionQueue::on_timer() {
  std::vector<std::shared_ptr<health::ClusterRecord>> clusters;
  clusters.reserve(lines_.size());
  for (const auto& [cluster, line] : lines_) clusters.push_back(line.cluster);
  for (const auto& cluster : clusters) {
    serve(cluster.get());
    if (lines_.contains(cluster.get())) {
      context_.registry->ask_for_connection(cluster, context_.options.index);
    }
  }
  if (!lines_.empty()) timer_->arm(kRetry);
}

void ConnectionQueue::clear() {
  for (const auto& [cluster, line] : lines_) {
    cluster->count_waiting(-static_cast<int>(line.waiters.size()));
  }
  lines_.clear();
  timer_.reset();
}

}  // namespace sluice::proxy
