// SPDX-License-Identifier: Apache-2.0
// Supervisor: starts the agent's parts in order, runs the main loop (configuration changes, links, signals) and takes
// the parts down again. supervisor_upgrade.cpp: taking over from an agent that runs, and draining. Thread: main.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/app/access_sink.hpp"
#include "agent/app/agent_service.hpp"
#include "agent/app/config_feed.hpp"
#include "agent/app/datagram_listeners.hpp"
#include "agent/app/direct_listeners.hpp"
#include "agent/app/flow_feed.hpp"
#include "agent/app/handover.hpp"
#include "agent/app/kernel_path.hpp"
#include "agent/app/listener_retry.hpp"
#include "agent/app/options.hpp"
#include "agent/app/update_pipeline.hpp"
#include "agent/base/clock.hpp"
#include "agent/control/server.hpp"
#include "agent/datapath/preflight.hpp"
#include "agent/health/registry.hpp"
#include "agent/net/reactor.hpp"
#include "agent/proxy/worker.hpp"
#include "agent/telemetry/admin_server.hpp"

namespace sluice::app {

class Supervisor {
 public:
  // Fails when there is nothing to serve with: no configuration directory, no control or admin socket.
  static Result<std::unique_ptr<Supervisor>> start(Options options);
  ~Supervisor();

  // Until SIGTERM or SIGINT, then drains. Returns the exit code.
  int run();

 private:
  // One file descriptor of the main loop, with what to do when it is ready.
  class Watch;

  explicit Supervisor(Options options);
  void find_predecessor();
  Result<void> start_kernel_path();
  Result<void> start_access_log();
  Result<void> start_workers();
  Result<void> start_configuration();
  Result<void> give_sockets(bool all);
  Result<void> start_servers();
  Result<void> serve_control();
  Result<void> watch(int fd, std::function<void()> ready);
  std::map<std::string, std::string> publish(const snapshot::SnapshotPtr& snapshot);
  Result<void> on_first_configuration();
  std::map<std::string, std::string> serve_listeners(const snapshot::SnapshotPtr& snapshot);
  void on_health();
  void on_signal();

  // supervisor_upgrade.cpp
  [[nodiscard]] std::string upgrade_socket() const { return options_.control_socket + ".upgrade"; }
  void await_successor();
  void go_on_alone();
  void say_serving();
  [[nodiscard]] std::vector<Bequest> bequests();
  void on_predecessor();
  void wait_for_path();
  void take_path_over();
  void use_path();
  void begin_drain();
  void let_go_of_path();
  void stop_accepting();
  void await_workers();

  Options options_;
  SteadyClock clock_;
  FlowFeed flow_feed_{clock_};
  const std::shared_ptr<health::Registry> health_ = std::make_shared<health::Registry>(clock_);
  std::uint32_t client_descriptors_ = 0;
  std::unique_ptr<net::Reactor> reactor_;
  datapath::PreflightReport preflight_;
  std::unique_ptr<KernelPath> kernel_;
  std::shared_ptr<proxy::ListenerLoads> listener_loads_;
  std::unique_ptr<telemetry::AccessLog> access_log_;  // null: off
  std::vector<std::unique_ptr<AccessSink>> access_sinks_;
  std::vector<std::unique_ptr<proxy::Worker>> workers_;
  DirectListeners direct_{workers_};
  DatagramListeners datagrams_{workers_};
  std::unique_ptr<UpdatePipeline> pipeline_;
  std::unique_ptr<ConfigFeed> feed_;
  std::unique_ptr<ListenerRetry> listener_retry_;
  std::unique_ptr<AgentService> service_;
  std::unique_ptr<control::Server> control_;
  std::unique_ptr<telemetry::AdminServer> admin_;
  UniqueFd signals_;
  std::vector<std::unique_ptr<Watch>> watches_;
  bool configured_ = false;  // a first configuration is in force
  std::unique_ptr<net::Timer> health_timer_;

  std::unique_ptr<Predecessor> predecessor_;
  std::unique_ptr<Successors> successors_;
  KernelPath::Inherited lookup_sockets_;  // of an agent that still has the kernel path
  UniqueFd lookup_link_;                  // that agent's, until there is one of our own
  bool path_busy_ = false;                // another agent has the pin directory
  std::unique_ptr<net::Timer> path_timer_;
  Milliseconds path_pause_{0};
  bool draining_ = false;
  std::size_t retiring_ = 0;  // workers
  std::unique_ptr<net::Timer> drained_timer_;
};

}  // namespace sluice::app
