// SPDX-License-Identifier: Apache-2.0
// snapshot::build: from desired state to one generation. Called by the update pipeline. Thread: any.
#include <algorithm>
#include <tuple>

#include "agent/snapshot/destination_sets.hpp"
#include "agent/snapshot/resolve.hpp"
#include "agent/snapshot/snapshot.hpp"
#include "agent/snapshot/tier.hpp"

namespace sluice::snapshot {
namespace {

const Listener* find_by_name(const Snapshot* snapshot, const std::string& name) {
  if (snapshot == nullptr) return nullptr;
  for (const ListenerPtr& listener : snapshot->listeners) {
    if (listener->config.name == name) return listener.get();
  }
  return nullptr;
}

// Keys of the clusters that are other objects than in `previous`, and of those whose endpoints depend on others.
DestinationSets::Changed changed_clusters(const model::World& world, const Snapshot* previous) {
  DestinationSets::Changed out;
  if (previous == nullptr) return out;
  auto now = world.clusters.begin();
  auto before = previous->clusters.begin();
  while (now != world.clusters.end() || before != previous->clusters.end()) {
    const bool gone = now == world.clusters.end() ||
                      (before != previous->clusters.end() && before->first < now->first);
    if (gone) {
      out.insert((before++)->first);
    } else if (before == previous->clusters.end() || now->first < before->first) {
      out.insert((now++)->first);
    } else {
      if (now->second != before->second) out.insert(now->first);
      ++now;
      ++before;
    }
  }
  for (const auto& [key, endpoints] : previous->kept) out.insert(key);
  if (previous->place != world.place) {  // which endpoints are near depends on it
    for (const auto& [key, cluster] : world.clusters) out.insert(key);
  }
  return out;
}

struct Draft {
  Listener listener;
  const Listener* before = nullptr;      // of the same name in the previous generation
  std::vector<std::uint32_t> positions;  // of the virtual hosts in `before`
};

class Builder {
 public:
  Builder(const model::World& world, const Snapshot* previous, const BuildOptions& options)
      : world_(world),
        previous_(previous),
        options_(options),
        changed_(changed_clusters(world, previous)),
        resolver_(world, previous),
        sets_(world, resolver_, previous, changed_) {}

  [[nodiscard]] Result<std::shared_ptr<Snapshot>> build();

 private:
  [[nodiscard]] Result<Draft> draft(const model::Listener& config);
  // Fills in the sets of the hosts that the previous generation has too, or those of all others.
  [[nodiscard]] Result<void> assign_sets(Draft& draft, bool known);
  [[nodiscard]] Result<void> assign_mirrors(Draft& draft, const model::Route& route,
                                            std::uint32_t id, std::uint32_t old_id, bool known);
  [[nodiscard]] std::map<std::string, model::EndpointList> kept();
  [[nodiscard]] ListenerPtr finish(Draft draft, const std::vector<DestinationSetPtr>& sets) const;

  const model::World& world_;
  const Snapshot* previous_;
  const BuildOptions& options_;
  DestinationSets::Changed changed_;
  Resolver resolver_;
  DestinationSets sets_;
};

// Each mirror is a set of its own, with one cluster. `old_id` is the route's in the previous generation, if known.
Result<void> Builder::assign_mirrors(Draft& draft, const model::Route& route, std::uint32_t id,
                                     std::uint32_t old_id, bool known) {
  for (std::size_t i = 0; i < route.mirrors.size(); ++i) {
    model::Route to;
    to.name = route.name;
    to.destinations.push_back(
        {.cluster = route.mirrors[i].cluster, .origin = route.mirrors[i].origin});
    auto set = known ? sets_.keep(draft.before->mirror_sets.at(old_id)[i], to) : sets_.intern(to);
    if (!set) return tl::unexpected(std::move(set).error());
    draft.listener.mirror_sets[id].push_back(*set);
  }
  return {};
}

Result<void> Builder::assign_sets(Draft& draft, bool known) {
  const auto& routes = draft.listener.routes;
  for (std::size_t h = 0; h < draft.positions.size(); ++h) {
    const std::uint32_t position = draft.positions[h];
    if ((position != routing::kNowhere) != known) continue;
    const std::size_t first = routes.first_route(h);
    const std::size_t old = known ? draft.before->routes.first_route(position) : 0;
    const auto& host = *routes.virtual_hosts()[h];
    for (std::size_t r = 0; r < host.routes.size(); ++r) {
      auto set = known ? sets_.keep(draft.before->route_sets[old + r], host.routes[r])
                       : sets_.intern(host.routes[r]);
      if (!set) return tl::unexpected(std::move(set).error());
      draft.listener.route_sets[first + r] = *set;
      auto mirrors = assign_mirrors(draft, host.routes[r], static_cast<std::uint32_t>(first + r),
                                    static_cast<std::uint32_t>(old + r), known);
      if (!mirrors) return mirrors;
    }
  }
  if (known) return {};
  for (const model::TcpRoute& route : draft.listener.config.tcp_routes) {
    auto set = sets_.intern(route);
    if (!set) return tl::unexpected(std::move(set).error());
    draft.listener.tcp_sets.push_back(*set);
  }
  return {};
}

Result<Draft> Builder::draft(const model::Listener& config) {
  Draft out;
  out.before = find_by_name(previous_, config.name);
  const auto* const table = out.before != nullptr ? &out.before->routes : nullptr;
  auto routes = routing::RouteTable::compile(config.virtual_hosts, config.port, table);
  if (!routes) return tl::unexpected(std::move(routes).error());
  out.listener.config = config;
  out.listener.routes = std::move(*routes);
  if (config.bind && config.bind->is_unspecified()) out.listener.config.bind.reset();
  out.listener.route_sets.resize(out.listener.routes.routes().size());
  out.positions.assign(config.virtual_hosts.size(), routing::kNowhere);
  if (table != nullptr) {
    out.positions = routing::positions_in(table->virtual_hosts(), config.virtual_hosts);
  }
  return out;
}

ListenerPtr Builder::finish(Draft draft, const std::vector<DestinationSetPtr>& sets) const {
  choose_tier(draft.listener, sets, world_.clusters, options_);
  if (draft.before == nullptr || !(*draft.before == draft.listener)) {
    return std::make_shared<const Listener>(std::move(draft.listener));
  }
  return *std::ranges::find(previous_->listeners, draft.before,
                            [](const ListenerPtr& each) { return each.get(); });
}

std::map<std::string, model::EndpointList> Builder::kept() {
  // Without a previous generation nothing can be kept; unchanged clusters were not kept before either.
  for (const std::string_view key : changed_) {
    if (const auto now = world_.clusters.find(std::string(key)); now != world_.clusters.end()) {
      (void)resolver_.of(now->first);
    }
  }
  return resolver_.kept();
}

Result<std::shared_ptr<Snapshot>> Builder::build() {
  std::vector<Draft> drafts;
  for (const auto& config : world_.listeners) {
    auto drafted = draft(config);
    if (!drafted) return tl::unexpected(std::move(drafted).error());
    drafts.push_back(std::move(*drafted));
  }
  std::ranges::sort(drafts, [](const Draft& a, const Draft& b) {
    const model::Listener& left = a.listener.config;
    const model::Listener& right = b.listener.config;
    return std::tie(left.port, left.bind, left.name) < std::tie(right.port, right.bind, right.name);
  });
  // Known ones first, so that a set that a new route also leads to stays the same object.
  for (const bool known : {true, false}) {
    for (Draft& each : drafts) {
      if (auto assigned = assign_sets(each, known); !assigned) {
        return tl::unexpected(std::move(assigned).error());
      }
    }
  }
  auto out = std::make_shared<Snapshot>();
  out->kept = kept();
  out->destination_sets = sets_.take_sets();
  out->conditions = conditions_of(out->destination_sets);
  for (Draft& each : drafts) {
    out->listeners.push_back(finish(std::move(each), out->destination_sets));
  }
  out->clusters = world_.clusters;
  out->place = world_.place;
  return out;
}

}  // namespace

Result<SnapshotPtr> build(const model::World& world, std::uint64_t generation,
                          const SnapshotPtr& previous, const BuildOptions& options) {
  auto out = Builder(world, previous.get(), options).build();
  if (!out) return tl::unexpected(std::move(out).error());
  (*out)->generation = generation;
  return SnapshotPtr(std::move(*out));
}

}  // namespace sluice::snapshot
