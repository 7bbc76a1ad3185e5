// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/source_set.hpp"

#include <algorithm>

#include "agent/base/log.hpp"
#include "agent/net/tcp_exists.hpp"

namespace sluice::steer {
namespace {

using proxy::Shown;

constexpr std::chrono::seconds kRouteLife{1};
// Connections that show the node are kept and shared for so long, instead of one being opened for each request.
constexpr std::chrono::seconds kFullPause{1};
constexpr Milliseconds kForeignPace{500};   // between looks at what an earlier agent left ...
constexpr std::size_t kMostForeign = 256;   // ... at so many
constexpr std::size_t kMostRoutes = 4'096;  // remembered

// A pod has no route to such a peer, or takes it for itself.
bool is_special(const IpAddress& ip) {
  if (ip.is_loopback() || ip.is_unspecified()) return true;
  const auto& b = ip.bytes;
  if (!ip.is_v4()) return b[0] == 0xff || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
  return b[12] == 0 || b[12] >= 224 || (b[12] == 169 && b[13] == 254);
}

}  // namespace

SourceSet::SourceSet(const Clock& clock, datapath::FlowTable& flows, const SlotShare& share,
                     const PortPool& ports)
    : clock_(clock), flows_(flows) {
  if (auto finder = datapath::RouteFinder::open()) {
    finder_.emplace(std::move(*finder));
  } else {
    log::warn("steer", "pods see the node's address instead of their clients': {}",
              finder.error().message);
  }
  for (const datapath::SourcePair& keys : share.sources) {
    pairs_.insert_or_assign(place_of(keys.answer), Pair{keys, true, TimePoint::max()});
  }
  for (const std::uint32_t index : share.adopted) {
    const lb_tuple& answer = flows.slots()[index].pod;
    const auto found = pairs_.find(place_of(answer));
    if (found == pairs_.end()) continue;
    const lb_tuple& known = found->second.keys.answer;
    if (datapath::destination_of(known) == datapath::destination_of(answer) &&
        ports.owns(datapath::destination_of(answer).port))
      found->second.foreign = false;
  }
  for (const auto& [place, pair] : pairs_) {
    if (pair.foreign) foreign_.push_back(place);
  }
}

SourceSet::Place SourceSet::place_of(const lb_tuple& answer) {
  return {datapath::source_of(answer), datapath::destination_of(answer).port};
}

void SourceSet::set_paths(PathsPtr paths) {
  paths_ = std::move(paths);
  routes_.clear();
}

std::optional<datapath::Route> SourceSet::route_to(const IpAddress& endpoint) {
  const TimePoint now = clock_.now();
  const auto known = routes_.find(endpoint);
  if (known != routes_.end() && now < known->second.until) return known->second.route;
  if (routes_.size() >= kMostRoutes) routes_.clear();
  KnownRoute& entry = routes_[endpoint];
  entry.until = now + kRouteLife;
  entry.route = finder_ ? finder_->find(endpoint) : std::nullopt;
  return entry.route;
}

Shown SourceSet::judge(const IpAddress& client, const SocketAddress& endpoint,
                       datapath::Route& route) {
  if (let_go_ || !finder_) return Shown::kSystem;
  if (client.is_v4() != endpoint.ip.is_v4()) return Shown::kFamily;
  if (client == endpoint.ip) return Shown::kSelf;
  if (is_special(client)) return Shown::kSpecial;
  if (clock_.now() < full_until_) return Shown::kFull;
  const auto found = route_to(endpoint.ip);
  if (!found || !found->on_link) return Shown::kRemote;
  const auto path = paths_->by_index.find(found->ifindex);
  if (path == paths_->by_index.end() || !path->second.attached || !path->second.peer_redirect)
    return Shown::kRemote;
  route = *found;
  return Shown::kClient;
}

bool SourceSet::claim(const SocketAddress& endpoint, std::uint16_t port) {
  const auto found = pairs_.find({endpoint, port});
  if (found == pairs_.end()) return true;
  if (found->second.foreign) return false;
  flows_.remove_source(found->second.keys);
  pairs_.erase(found);
  return true;
}

Shown SourceSet::add(const IpAddress& client, const SocketAddress& endpoint, std::uint16_t port,
                     const datapath::Route& route) {
  const datapath::SourcePair keys{datapath::make_tuple({route.source, port}, endpoint),
                                  datapath::make_tuple(endpoint, {client, port})};
  if (auto added = flows_.add_source(keys, route.ifindex); !added) {
    if (added.error().code == ErrorCode::kExhausted) {
      full_until_ = clock_.now() + kFullPause;
      return Shown::kFull;
    }
    log::warn("steer", "{} sees the node's address: {}", to_string(endpoint),
              added.error().message);
    return Shown::kSystem;
  }
  pairs_.insert_or_assign({endpoint, port}, Pair{keys, false, TimePoint::max()});
  return Shown::kClient;
}

void SourceSet::retire(const SocketAddress& endpoint, std::uint16_t port, TimePoint ready) {
  const auto found = pairs_.find({endpoint, port});
  if (let_go_ || found == pairs_.end() || found->second.foreign) return;
  found->second.ready = ready;
  due_.push({ready, {endpoint, port}});
}

// Not all at once: a question to the kernel each.
void SourceSet::look_after_foreign() {
  if (foreign_.empty() || clock_.now() < next_look_) return;
  next_look_ = clock_.now() + kForeignPace;
  const std::size_t count = std::min(foreign_.size(), kMostForeign);
  std::rotate(foreign_.begin(), foreign_.begin() + static_cast<std::ptrdiff_t>(count),
              foreign_.end());
  const auto looked_at =
      std::remove_if(foreign_.end() - static_cast<std::ptrdiff_t>(count), foreign_.end(),
                     [this](const Place& place) {
                       const datapath::SourcePair keys = pairs_.at(place).keys;
                       if (net::tcp_socket_exists(datapath::source_of(keys.sent),
                                                  datapath::destination_of(keys.sent)))
                         return false;
                       flows_.remove_source(keys);
                       pairs_.erase(place);
                       return true;
                     });
  foreign_.erase(looked_at, foreign_.end());
}

void SourceSet::tick() {
  look_after_foreign();
  while (!due_.empty() && due_.top().ready <= clock_.now()) {
    const Due due = due_.top();
    due_.pop();
    const auto found = pairs_.find(due.place);
    // The port may be in use again.
    if (found == pairs_.end() || found->second.ready != due.ready) continue;
    flows_.remove_source(found->second.keys);
    pairs_.erase(found);
  }
}

void SourceSet::let_go() {
  let_go_ = true;
  pairs_.clear();
  foreign_.clear();
  due_ = {};
}

}  // namespace sluice::steer
