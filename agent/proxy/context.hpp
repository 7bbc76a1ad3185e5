// SPDX-License-Identifier: Apache-2.0
// Context: what all sessions of one worker share.
// Callers: everything behind the Worker. Thread: worker. Invariants: outlives every session, upstream and pool;
// `generation` is null until the first publish.
#pragma once
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agent/health/registry.hpp"
#include "agent/net/reactor.hpp"
#include "agent/proxy/action_shares.hpp"
#include "agent/proxy/carried_policy.hpp"
#include "agent/proxy/channel.hpp"
#include "agent/proxy/cluster_use.hpp"
#include "agent/proxy/connection.hpp"
#include "agent/proxy/connection_queue.hpp"
#include "agent/proxy/endpoint_pool.hpp"
#include "agent/proxy/exchange.hpp"
#include "agent/proxy/generation.hpp"
#include "agent/proxy/h1_output.hpp"
#include "agent/proxy/mirrors.hpp"
#include "agent/proxy/steering.hpp"
#include "agent/proxy/worker.hpp"
#include "agent/proxy/worker_report.hpp"

namespace sluice::proxy {

class H1Exchange;
class Stream;

struct Context {
  Context(const WorkerOptions& worker_options, net::Reactor& worker_reactor);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // From free lists: parsers and strings keep their memory from request to request.
  [[nodiscard]] Stream* acquire_stream();
  void release_stream(Stream* stream);
  [[nodiscard]] http::H1RequestParser* acquire_parser();  // reset
  void release_parser(http::H1RequestParser* parser);
  // The exchange of an HTTP/1 connection.
  [[nodiscard]] ExchangePtr make_exchange(std::unique_ptr<Upstream> upstream);
  void release_exchange(H1Exchange* exchange);

  // Connections register themselves. A closed one is destroyed by its own drive().
  void add(Connection& connection);
  void remove(Connection& connection);
  // Drives it again in the next turn, so that one busy connection does not hold up the others.
  void drive_later(Connection& connection);
  // How many connections the listener (of the current generation) has, on all workers.
  [[nodiscard]] const std::shared_ptr<ListenerLoad>& load_of(const snapshot::Listener& listener);

  void steer_by(std::unique_ptr<Steering> by);  // may be null
  void publish(snapshot::SnapshotPtr snapshot);
  [[nodiscard]] Generation* use_generation();  // counted; current
  void release_generation(Generation* used);

  void count(Ending ending) { ++report.endings[static_cast<std::size_t>(ending)]; }
  void count(Refusal refusal) { ++report.refusals[static_cast<std::size_t>(refusal)]; }
  // A random UUID (RFC 9562 5.4).
  void append_request_id(std::string& out);

  WorkerOptions options;
  net::Reactor& reactor;
  std::unique_ptr<Steering> steering;
  WorkerReport report;
  ChannelMemory memory;
  SharedText compose;                          // heads and chunks on their way to a socket
  std::shared_ptr<health::Registry> registry;  // never null
  ConnectionQueue queue;
  EndpointPools pools;
  EndpointPools mirror_pools;
  ActionShares shares;
  ClusterUses cluster_uses;
  Mirrors mirrors;
  CarriedPolicy carried;
  std::unique_ptr<Generation> generation;
  bool draining = false;
  std::function<void()> drained;  // while draining: called once the last connection is gone
  std::unordered_set<Connection*> connections;
  std::mt19937_64 random{std::random_device{}()};

 private:
  void arm_later();
  void drive_postponed();

  std::vector<std::unique_ptr<Generation>> retired_;  // with users
  std::vector<std::unique_ptr<Stream>> free_streams_;
  std::vector<std::unique_ptr<http::H1RequestParser>> free_parsers_;
  std::vector<std::unique_ptr<H1Exchange>> free_exchanges_;
  std::vector<Connection*> later_;
  std::unordered_map<const snapshot::Listener*, std::shared_ptr<ListenerLoad>> loads_;
  bool later_armed_ = false;
  std::uint64_t serial_ = 0;
};

}  // namespace sluice::proxy
