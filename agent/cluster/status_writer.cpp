// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster/status_writer.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "agent/cluster/status_merge.hpp"
#include "agent/config/source/kube_source.hpp"

namespace sluice::cluster {
namespace {

constexpr std::size_t kAtOnce = 8;
constexpr double kPerSecond = 100;
constexpr Milliseconds kFirstPause{100};
constexpr Milliseconds kLongestPause{30'000};
constexpr std::chrono::seconds kLimit{10};

struct TargetOf {
  const config::StatusTarget& operator()(const config::GatewayClassStatus& wish) const {
    return wish.target;
  }
  const config::StatusTarget& operator()(const GatewayWish& wish) const {
    return wish.status.target;
  }
  const config::StatusTarget& operator()(const config::RouteStatus& wish) const {
    return wish.target;
  }
};

std::string group_of(const config::StatusTarget& target) {
  return target.api_version.substr(0, target.api_version.find('/'));
}

// As in URLs.
std::string plural_of(const config::StatusTarget& target) {
  static const std::vector<config::KubeResource> kResources = config::kube_resources();
  const std::string group = group_of(target);
  for (const config::KubeResource& resource : kResources) {
    if (resource.kind == target.kind && resource.group == group) return resource.plural;
  }
  return {};
}

std::string url_of(const config::StatusTarget& target) {
  return fmt::format("/apis/{}{}/{}/{}", target.api_version,
                     target.name_space.empty() ? "" : "/namespaces/" + target.name_space,
                     plural_of(target), target.name);
}

Patch patch_for(const StatusWish& wish, const std::string& object) {
  const WallTime now = std::chrono::system_clock::now();
  if (const auto* const gateway = std::get_if<GatewayWish>(&wish)) {
    return merge_status(object, gateway->status, gateway->patient, now);
  }
  if (const auto* const route = std::get_if<config::RouteStatus>(&wish)) {
    return merge_status(object, *route, now);
  }
  return merge_status(object, std::get<config::GatewayClassStatus>(wish), now);
}

}  // namespace

std::string StatusWriter::path_of(const config::StatusTarget& target) {
  return fmt::format("{}.{}/{}/{}", plural_of(target), group_of(target), target.name_space,
                     target.name);
}

void StatusWriter::want(std::map<std::string, StatusWish> wishes) {
  std::erase_if(items_, [&wishes](const auto& item) {
    return !item.second.busy && !wishes.contains(item.first);
  });
  for (auto& [path, wish] : wishes) {
    const auto [place, added] = items_.try_emplace(path);
    if (!added && place->second.wish == wish) continue;
    place->second.wish = std::move(wish);
    dirty_.insert(path);
  }
  std::erase_if(dirty_, [this](const std::string& path) { return !items_.contains(path); });
}

void StatusWriter::touched(const std::string& path) {
  if (items_.contains(path)) dirty_.insert(path);
}

void StatusWriter::turn() {
  const TimePoint now = clock_.now();
  const double passed = std::chrono::duration<double>(now - counted_).count();
  budget_ = std::min(budget_ + passed * kPerSecond, kPerSecond);
  counted_ = now;
  for (auto at = dirty_.begin(); at != dirty_.end() && under_way_ < kAtOnce && budget_ >= 1;) {
    Item& item = items_.at(*at);
    if (item.busy || now < item.not_before) {
      ++at;
      continue;
    }
    const std::string path = *at;
    at = dirty_.erase(at);
    budget_ -= 1;
    look(path, item);
  }
}

void StatusWriter::look(const std::string& path, Item& item) {
  item.busy = true;
  ++under_way_;
  const auto& target = std::visit(TargetOf(), item.wish);
  config::KubeClient::Request request;
  request.path = url_of(target);
  request.limit = kLimit;
  calls_.call(plural_of(target) + "." + group_of(target), std::move(request),
              [this, path](const config::KubeReply& reply, const std::string& text) {
                if (succeeded(reply)) {
                  compare(path, text);
                } else {
                  failed(path, reply);
                }
              });
}

void StatusWriter::compare(const std::string& path, const std::string& object) {
  Item& item = items_.at(path);
  auto patch = patch_for(item.wish, object);
  if (!patch) {
    item.pause = {};
    finished(path);
    return;
  }
  budget_ -= 1;
  const auto& target = std::visit(TargetOf(), item.wish);
  config::KubeClient::Request request;
  request.path = url_of(target) + "/status?fieldManager=sluice";
  request.method = "PATCH";
  request.content_type = "application/merge-patch+json";
  request.body = std::move(*patch);
  request.limit = kLimit;
  calls_.call(plural_of(target) + "." + group_of(target) + "/status", std::move(request),
              [this, path](const config::KubeReply& reply, const std::string&) {
                if (!succeeded(reply)) {
                  failed(path, reply);
                  return;
                }
                ++writes_;
                items_.at(path).pause = {};
                finished(path);
              });
}

// Of an object that is gone the report will be silent soon.
void StatusWriter::failed(const std::string& path, const config::KubeReply& reply) {
  Item& item = items_.at(path);
  item.pause = std::clamp(2 * item.pause, kFirstPause, kLongestPause);
  item.not_before = clock_.now() + std::max(item.pause, reply.retry_after);
  dirty_.insert(path);
  finished(path);
}

void StatusWriter::finished(const std::string& path) {
  --under_way_;
  items_.at(path).busy = false;
}

}  // namespace sluice::cluster
