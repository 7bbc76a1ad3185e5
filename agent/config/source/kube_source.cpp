// SPDX-License-Identifier: Apache-2.0
#include "agent/config/source/kube_source.hpp"

#include <fmt/core.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>
#include <thread>
#include <unordered_map>

#include "agent/base/hash.hpp"
#include "agent/base/log.hpp"
#include "agent/base/thread_role.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/config/source/kube_client.hpp"
#include "agent/config/source/object_cache.hpp"

namespace sluice::config {
namespace {

constexpr Milliseconds kLongestTurn{1'000};
constexpr std::chrono::seconds kConfirmPace{10};

std::string path_of(const KubeResource& resource, const std::string& name_space,
                    const std::string& name) {
  return fmt::format("{}/{}/{}", resource.name(), name_space, name);
}

class Source final : public KubeSource, public KubeSink {
 public:
  Source(Options options, std::unique_ptr<KubeClient> client, UniqueFd news);
  ~Source() override {
    stop_ = true;
    client_->wake();
    thread_.join();
  }

  // Before start().
  Result<void> open_cache();
  void start() {
    thread_ = std::thread([this] { run(); });
  }

  [[nodiscard]] int fd() const override { return news_.get(); }
  std::vector<ObjectText> take() override;
  [[nodiscard]] KubeStatus status() const override;

 private:
  void changed(const KubeResource& resource, ApiObject object) override;
  void removed(const KubeResource& resource, const std::string& name_space,
               const std::string& name) override;
  void synced(const KubeResource& resource) override;

  void run();
  void ask(KubeWatch& watch, TimePoint now);
  void note(KubeWatch& watch);
  [[nodiscard]] bool settled() const;
  void give(std::string path, std::string text, bool urgent);
  void announce(TimePoint now);
  void publish_status(TimePoint now);
  [[nodiscard]] Milliseconds pause(TimePoint now) const;

  Options options_;
  std::unique_ptr<KubeClient> client_;
  UniqueFd news_;
  std::optional<ObjectCache> cache_;
  std::vector<std::unique_ptr<KubeWatch>> watches_;
  std::unordered_map<std::string, std::uint64_t> hashes_;  // by path, of the newest text
  std::unordered_map<std::string, std::string> troubles_;  // logged ones, by resource
  SteadyClock clock_;
  bool from_cache_ = false;
  TimePoint next_confirm_{};
  std::atomic<bool> stop_{false};
  std::thread thread_;

  mutable Mutex mutex_;
  // By path: what main has not taken. Texts of several changes of one object are not kept.
  std::unordered_map<std::string, std::string> pending_ LB_GUARDED_BY(mutex_);
  bool urgent_ LB_GUARDED_BY(mutex_) = false;
  bool rung_ LB_GUARDED_BY(mutex_) = false;
  bool ready_ LB_GUARDED_BY(mutex_) = false;
  TimePoint taken_ LB_GUARDED_BY(mutex_){};
  KubeStatus status_ LB_GUARDED_BY(mutex_);
};

Source::Source(Options options, std::unique_ptr<KubeClient> client, UniqueFd news)
    : options_(std::move(options)), client_(std::move(client)), news_(std::move(news)) {
  std::uint64_t seed = static_cast<std::uint64_t>(clock_.now().time_since_epoch().count());
  for (const KubeResource& resource : options_.resources) {
    watches_.push_back(std::make_unique<KubeWatch>(resource, options_.watch, *this, ++seed));
  }
  const MutexLock lock(mutex_);
  status_.server = options_.access.server;
  status_.origin = options_.access.origin;
}

Result<void> Source::open_cache() {
  if (options_.cache_directory.empty()) return {};
  std::size_t count = 0;
  auto cache = ObjectCache::open(
      options_.cache_directory, options_.access.server,
      [this, &count](const std::string& path, std::string text) {
        const auto first = path.find('/');
        const auto second = first == path.npos ? path.npos : path.find('/', first + 1);
        if (second == path.npos) return;
        const auto resource = path.substr(0, first);
        const auto known = std::ranges::find_if(watches_, [&resource](const auto& watch) {
          return watch->resource().name() == resource;
        });
        if (known == watches_.end()) return;
        (*known)->know(path.substr(first + 1, second - first - 1), path.substr(second + 1));
        hashes_[path] = fnv1a(text);
        ++count;
        const MutexLock lock(mutex_);
        pending_[path] = std::move(text);
      });
  if (!cache) return tl::unexpected(cache.error());
  cache_.emplace(std::move(*cache));
  if (!cache_->damage().empty()) log::warn("config", "{}", cache_->damage());
  from_cache_ = count > 0;
  if (from_cache_) {
    log::info("config", "{} objects from the cache in {}, until the API server says otherwise",
              count, options_.cache_directory);
  }
  return {};
}

std::vector<ObjectText> Source::take() {
  std::uint64_t rings = 0;
  static_cast<void>(::read(news_.get(), &rings, sizeof(rings)));
  std::vector<ObjectText> out;
  {
    const MutexLock lock(mutex_);
    rung_ = false;
    urgent_ = false;
    if (!ready_) return out;
    taken_ = clock_.now();
    out.reserve(pending_.size());
    for (auto& [path, text] : pending_) out.push_back({path, std::move(text)});
    pending_.clear();
  }
  std::ranges::sort(out, {}, &ObjectText::path);
  return out;
}

KubeStatus Source::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

void Source::give(std::string path, std::string text, bool urgent) {
  const MutexLock lock(mutex_);
  pending_[std::move(path)] = std::move(text);
  urgent_ = urgent_ || urgent;
}

void Source::changed(const KubeResource& resource, ApiObject object) {
  std::string path = path_of(resource, object.name_space, object.name);
  const std::uint64_t hash = fnv1a(object.text);
  const auto [place, added] = hashes_.try_emplace(path, hash);
  if (!added && place->second == hash) return;  // what changed is nothing that is read
  place->second = hash;
  if (cache_) cache_->put(path, object.text);
  // An endpoint may have gone: waiting would send it requests.
  give(std::move(path), std::move(object.text), resource.kind == "EndpointSlice");
}

void Source::removed(const KubeResource& resource, const std::string& name_space,
                     const std::string& name) {
  std::string path = path_of(resource, name_space, name);
  hashes_.erase(path);
  if (cache_) cache_->remove(path);
  give(std::move(path), {}, true);
}

void Source::synced(const KubeResource& resource) {
  log::debug("config", "{} is in step with the API server", resource.name());
}

bool Source::settled() const {
  return std::ranges::all_of(watches_, [](const auto& watch) {
    return watch->synced() || watch->health() == KubeWatch::Health::kAbsent ||
           watch->health() == KubeWatch::Health::kForbidden;
  });
}

void Source::ask(KubeWatch& watch, TimePoint now) {
  const auto path = watch.next_request(now);
  if (!path) return;
  const bool list = watch.phase() == KubeWatch::Phase::kList;
  KubeClient::Request request;
  request.path = *path;
  request.limit = watch.limit();
  request.compressed = list;
  client_->send(
      request,
      [this, &watch](std::string_view data) {
        const bool more = watch.on_data(data, clock_.now());
        if (watch.health() == KubeWatch::Health::kSynced) note(watch);
        return more;
      },
      [this, &watch](const KubeReply& reply) {
        watch.on_end(reply, clock_.now());
        note(watch);
      });
}

// Each trouble once, and once when it is over.
void Source::note(KubeWatch& watch) {
  std::string& logged = troubles_[watch.resource().name()];
  if (watch.trouble() == logged) return;
  if (watch.trouble().empty()) {
    log::info("config", "{} is in step with the API server again", watch.resource().name());
  } else {
    log::warn("config", "{}", watch.trouble());
  }
  logged = watch.trouble();
}

Milliseconds Source::pause(TimePoint now) const {
  auto limit = std::chrono::duration_cast<Milliseconds>(kLongestTurn);
  for (const auto& watch : watches_) {
    if (!watch->busy()) {
      limit = std::min(limit, std::chrono::ceil<Milliseconds>(
                                  std::max(watch->due() - now, TimePoint::duration(0))));
    }
  }
  const MutexLock lock(mutex_);
  if (!pending_.empty() && ready_ && !rung_) limit = std::min(limit, options_.pace);
  return limit;
}

void Source::announce(TimePoint now) {
  const MutexLock lock(mutex_);
  ready_ = ready_ || from_cache_ || settled();
  status_.ready = ready_;
  if (!ready_ || rung_ || pending_.empty()) return;
  if (!urgent_ && now - taken_ < options_.pace) return;
  rung_ = true;
  const std::uint64_t one = 1;
  static_cast<void>(::write(news_.get(), &one, sizeof(one)));
}

void Source::publish_status(TimePoint now) {
  const bool all = std::ranges::all_of(watches_, [](const auto& watch) { return watch->synced(); });
  const bool fine = std::ranges::all_of(
      watches_, [](const auto& watch) { return watch->trouble().empty() || !watch->synced(); });
  if (cache_ && fine && settled() && now >= next_confirm_) {
    cache_->confirm();
    next_confirm_ = now + kConfirmPace;
  }
  KubeStatus next;
  next.server = options_.access.server;
  next.origin = options_.access.origin;
  next.cached = from_cache_ && !all && !settled();
  if (next.cached) {
    next.cache_seconds =
        std::chrono::duration<double>(std::chrono::system_clock::now() - cache_->confirmed_at())
            .count();
  }
  if (cache_) next.cache_trouble = cache_->trouble();
  for (const auto& watch : watches_) {
    const bool confirmed = watch->confirmed_at() != TimePoint{};
    next.kinds.push_back(
        {watch->resource().name(), watch->health(), watch->objects(), watch->lists(),
         watch->failures(), watch->trouble(),
         confirmed ? std::chrono::duration<double>(now - watch->confirmed_at()).count() : -1});
  }
  const MutexLock lock(mutex_);
  next.ready = ready_;
  status_ = std::move(next);
}

void Source::run() {
  while (!stop_) {
    const TimePoint now = clock_.now();
    for (const auto& watch : watches_) ask(*watch, now);
    client_->poll(pause(now));
    announce(clock_.now());
    publish_status(clock_.now());
  }
}

}  // namespace

std::vector<KubeResource> kube_resources() {
  const std::string istio = "networking.istio.io";
  const std::vector<std::string> versions{"v1", "v1beta1", "v1alpha3"};
  const std::string gateway_api = "gateway.networking.k8s.io";
  const std::vector<std::string> since_beta{"v1", "v1beta1"};
  const std::vector<std::string> since_alpha{"v1", "v1alpha3", "v1alpha2"};
  return {
      {"", {"v1"}, "namespaces", "Namespace", false},
      {"", {"v1"}, "services", "Service", false},
      {"discovery.k8s.io", {"v1"}, "endpointslices", "EndpointSlice", false},
      {"", {"v1"}, "pods", "Pod", false},
      {"", {"v1"}, "nodes", "Node", false},
      {istio, versions, "gateways", "Gateway", true},
      {istio, versions, "virtualservices", "VirtualService", true},
      {istio, versions, "destinationrules", "DestinationRule", true},
      {istio, versions, "serviceentries", "ServiceEntry", true},
      {istio, versions, "workloadentries", "WorkloadEntry", true},
      {gateway_api, since_beta, "gatewayclasses", "GatewayClass", true},
      {gateway_api, since_beta, "gateways", "Gateway", true},
      {gateway_api, {"v1"}, "listenersets", "ListenerSet", true},
      {gateway_api, since_beta, "httproutes", "HTTPRoute", true},
      {gateway_api, {"v1"}, "grpcroutes", "GRPCRoute", true},
      {gateway_api, since_alpha, "tlsroutes", "TLSRoute", true},
      {gateway_api, since_alpha, "tcproutes", "TCPRoute", true},
      {gateway_api, since_alpha, "udproutes", "UDPRoute", true},
      {gateway_api, since_beta, "referencegrants", "ReferenceGrant", true},
      {gateway_api, since_alpha, "backendtlspolicies", "BackendTLSPolicy", true},
  };
}

Result<std::unique_ptr<KubeSource>> KubeSource::open(Options options) {
  UniqueFd news(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!news) return fail_errno("eventfd", errno);
  auto client = KubeClient::create(options.access);
  if (!client) return tl::unexpected(client.error());
  auto source = std::make_unique<Source>(std::move(options), std::move(*client), std::move(news));
  if (auto cache = source->open_cache(); !cache) {
    return fail(cache.error().code, "the cache of objects: " + cache.error().message +
                                        "; name another with --cache DIR");
  }
  source->start();
  return source;
}

}  // namespace sluice::config
