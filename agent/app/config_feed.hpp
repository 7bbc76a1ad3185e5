// SPDX-License-Identifier: Apache-2.0
// ConfigFeed: where configuration comes from, a directory or a cluster, and when the pipeline takes it.
// Owned by Supervisor. Thread: main, status() any.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/app/options.hpp"
#include "agent/app/update_pipeline.hpp"
#include "agent/base/clock.hpp"
#include "agent/base/error.hpp"
#include "agent/cluster/member.hpp"
#include "agent/config/source/file_source.hpp"
#include "agent/config/source/kube_source.hpp"
#include "agent/net/reactor.hpp"

namespace sluice::app {

class ConfigFeed final : private net::EventHandler {
 public:
  // Nothing is asked of the pipeline before start().
  static Result<std::unique_ptr<ConfigFeed>> open(const Options& options, const Clock& clock,
                                                  net::Reactor& reactor, UpdatePipeline& pipeline);
  ~ConfigFeed();
  ConfigFeed(const ConfigFeed&) = delete;
  ConfigFeed& operator=(const ConfigFeed&) = delete;

  // `first` is called once a first configuration is in force: at once for a directory, and when all kinds of a cluster
  // are known, or a cache was read. Its failure is start()'s where it is called at once, else it is logged.
  Result<void> start(std::function<Result<void>()> first);
  // Changes wait from now on: the agent ends.
  void stop() { stopped_ = true; }
  // What is in force changed without a change of configuration: the other agents are to know.
  void report() { tell_member({}); }
  // Leaves the other agents of the cluster; `taken_over`: to the next one of this node.
  void leave(bool taken_over);

  [[nodiscard]] std::optional<config::KubeStatus> kube_status() const;
  [[nodiscard]] std::optional<cluster::MemberStatus> member_status() const;

 private:
  ConfigFeed(net::Reactor& reactor, UpdatePipeline& pipeline)
      : reactor_(reactor), pipeline_(pipeline), timer_(reactor, [this] { poll(); }) {}
  void on_ready(std::uint32_t) override { poll(); }
  void poll();
  void poll_files();
  void poll_cluster();
  Result<void> loaded();
  void tell_member(const std::vector<config::ObjectText>& changes);

  net::Reactor& reactor_;
  UpdatePipeline& pipeline_;
  std::unique_ptr<config::FileSource> files_;  // one of these two
  std::unique_ptr<config::KubeSource> cluster_;
  std::unique_ptr<cluster::Member> member_;  // with cluster_
  net::Timer timer_;
  std::function<Result<void>()> first_;
  bool stopped_ = false;
};

}  // namespace sluice::app
