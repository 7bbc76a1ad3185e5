// SPDX-License-Identifier: Apache-2.0
#include "agent/app/config_feed.hpp"

#include <algorithm>
#include <cstdlib>

#include "agent/base/log.hpp"

namespace sluice::app {
namespace {

Result<config::KubeAccess> access_of(const Options& options) {
  if (!options.kubeconfig.empty()) {
    return config::kubeconfig_access(options.kubeconfig, options.kube_context);
  }
  return config::in_cluster_access([](const char* name) { return std::getenv(name); });
}

}  // namespace

Result<std::unique_ptr<ConfigFeed>> ConfigFeed::open(const Options& options, const Clock& clock,
                                                     net::Reactor& reactor,
                                                     UpdatePipeline& pipeline) {
  std::unique_ptr<ConfigFeed> self(new ConfigFeed(reactor, pipeline));
  if (!options.kubernetes) {
    auto files = config::FileSource::open(options.config_directory, clock);
    if (!files) return tl::unexpected(files.error());
    self->files_ = std::move(*files);
    return self;
  }
  auto access = access_of(options);
  if (!access) return fail(access.error().code, "--kubernetes: " + access.error().message);
  log::info("config", "following the cluster at {} ({})", access->server, access->origin);
  cluster::Member::Options member;
  member.access = *access;
  member.name_space = options.agent_namespace;
  member.node = options.node_name;
  member.pool = options.address_pool;
  member.announce = options.announce;
  config::KubeSource::Options source;
  source.access = std::move(*access);
  source.cache_directory = options.cache_directory;
  auto cluster = config::KubeSource::open(std::move(source));
  if (!cluster) return tl::unexpected(cluster.error());
  self->cluster_ = std::move(*cluster);
  auto joined = cluster::Member::open(std::move(member));
  if (!joined) return tl::unexpected(joined.error());
  self->member_ = std::move(*joined);
  return self;
}

ConfigFeed::~ConfigFeed() {
  const int fd = files_ ? files_->fd() : cluster_->fd();
  if (fd >= 0) reactor_.remove(fd);
}

Result<void> ConfigFeed::start(std::function<Result<void>()> first) {
  first_ = std::move(first);
  if (files_) {
    pipeline_.reload();
    if (auto done = loaded(); !done) return done;
  }
  const int fd = files_ ? files_->fd() : cluster_->fd();
  if (fd >= 0) {
    if (auto added = reactor_.add(fd, EPOLLIN, *this); !added) return added;
  }
  poll();  // some changes of files show no event and are looked for at a pace
  return {};
}

std::optional<config::KubeStatus> ConfigFeed::kube_status() const {
  if (!cluster_) return std::nullopt;
  return cluster_->status();
}

std::optional<cluster::MemberStatus> ConfigFeed::member_status() const {
  if (!member_) return std::nullopt;
  return member_->status();
}

void ConfigFeed::poll() {
  if (stopped_) return;
  if (files_) {
    poll_files();
  } else {
    poll_cluster();
  }
}

void ConfigFeed::poll_files() {
  const auto urgent = [this](const std::string& name) {
    return pipeline_.holds_only_endpoints(name);
  };
  if (const auto changes = files_->poll(urgent)) pipeline_.reload(*changes);
  const Milliseconds due = files_->next_due();
  if (due.count() >= 0) timer_.arm(std::max(due, Milliseconds(1)));
}

void ConfigFeed::poll_cluster() {
  const auto changes = cluster_->take();
  if (changes.empty() && !(first_ && cluster_->status().ready)) return;
  pipeline_.apply(changes);
  if (auto done = loaded(); !done) log::error("app", "{}", done.error().message);
  tell_member(changes);
}

void ConfigFeed::tell_member(const std::vector<config::ObjectText>& changes) {
  if (!member_ || first_) return;
  std::vector<std::string> touched;
  touched.reserve(changes.size());
  for (const config::ObjectText& change : changes) touched.push_back(change.path);
  member_->post(pipeline_.state().status, pipeline_.unserved_gateways(), std::move(touched));
}

void ConfigFeed::leave(bool taken_over) {
  if (member_) member_->leave(taken_over);
}

Result<void> ConfigFeed::loaded() {
  if (!first_) return {};
  const auto first = std::move(first_);
  first_ = nullptr;
  return first();
}

}  // namespace sluice::app
