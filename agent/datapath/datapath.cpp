// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/datapath.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/socket.h>

#include <atomic>
#include <map>

#include "agent/base/log.hpp"
#include "agent/datapath/attacher.hpp"
#include "agent/datapath/first_byte_map.hpp"
#include "agent/datapath/kernel_error.hpp"
#include "agent/datapath/link_monitor.hpp"
#include "agent/datapath/listener_map.hpp"
#include "agent/datapath/mapped_flow_table.hpp"
#include "agent/datapath/objects.hpp"
#include "agent/datapath/pin_store.hpp"
#include "agent/datapath/rings.hpp"
#include "bpf/abi/limits.h"

namespace sluice::datapath {
namespace {

Result<void> check(const DatapathOptions& options) {
  if (options.workers < 1 || options.workers > LB_MAX_WORKERS)
    return fail(ErrorCode::kInvalid,
                "the number of workers must be 1 to " + std::to_string(LB_MAX_WORKERS));
  if (options.max_steered < 1 || options.max_steered > LB_MAX_SLOTS)
    return fail(ErrorCode::kInvalid,
                "the number of steered connections must be 1 to " + std::to_string(LB_MAX_SLOTS));
  if (options.upstream_port_first == 0 || options.upstream_port_first > options.upstream_port_last)
    return fail(ErrorCode::kInvalid,
                "the range of upstream ports is empty: first must not be above last");
  return {};
}

// Members in the order in which they need each other; destroyed the other way round.
class KernelDatapath final : public Datapath {
 public:
  KernelDatapath(DatapathOptions options, PinStore pins)
      : options_(std::move(options)), pins_(std::move(pins)) {}

  Result<void> start();

  FlowTable& flows() override { return *flows_; }
  Result<void> set_worker_socket(std::uint32_t index, int fd) override;
  Result<void> sync_listeners(const std::vector<ListenerEntry>& wanted) override {
    return sync_listener_map(objects_->maps().listeners, wanted);
  }
  void time_clusters(const std::set<std::uint64_t>& clusters) override;
  std::map<std::uint64_t, lb_first_byte> first_bytes() const override {
    return read_first_bytes(objects_->maps().first_bytes);
  }
  int links_fd() const override { return links_->fd(); }
  void poll_links() override {
    if (links_->poll()) follow_links();
  }
  std::vector<InterfaceStatus> interfaces() const override;
  std::array<std::uint64_t, LB_COUNTER_MAX> counters() const override;
  std::vector<MapFill> map_fill() const override;
  int lookup_link() const override { return objects_->lookup_link(); }
  void release_pins() override { pins_.unlock(); }
  void detach_all() override;

 private:
  struct Interface {
    Link link;
    InterfaceStatus status;
    bool failed = false;  // to attach: tried again whenever links change
  };

  void follow_links();
  void follow_link(const Link& link);

  DatapathOptions options_;
  PinStore pins_;
  std::unique_ptr<Objects> objects_;
  Rings rings_;
  std::unique_ptr<MappedFlowTable> flows_;
  std::optional<Attacher> attacher_;
  std::optional<LinkMonitor> links_;
  std::map<std::uint32_t, Interface> interfaces_;
};

Result<void> KernelDatapath::start() {
  auto objects = Objects::load(options_, pins_);
  if (!objects) return tl::unexpected(objects.error());
  objects_ = std::move(*objects);
  const ObjectMaps maps = objects_->maps();
  auto rings = Rings::open(pins_, maps.rings, options_.workers);
  if (!rings) return tl::unexpected(rings.error());
  rings_ = std::move(*rings);
  auto flows = MappedFlowTable::open({.flows = maps.flows,
                                      .slots = maps.slots,
                                      .legs = maps.legs,
                                      .sources = maps.sources,
                                      .slot_count = maps.slot_count,
                                      .rings = rings_.fds()});
  if (!flows) return tl::unexpected(flows.error());
  flows_ = std::move(*flows);
  if (auto attached = objects_->attach_lookup(); !attached) return attached;
  auto links = LinkMonitor::open();
  if (!links) return tl::unexpected(links.error());
  links_ = std::move(*links);
  attacher_.emplace(pins_, objects_->programs(), options_.prefer_tcx);
  for (std::uint32_t index : attacher_->pinned())
    if (!links_->links().contains(index)) attacher_->forget(index);
  follow_links();
  return {};
}

void KernelDatapath::follow_links() {
  const auto& present = links_->links();
  for (auto it = interfaces_.begin(); it != interfaces_.end();) {
    if (present.contains(it->first)) {
      ++it;
      continue;
    }
    attacher_->forget(it->first);
    it = interfaces_.erase(it);
  }
  for (const auto& [index, link] : present) follow_link(link);
}

void KernelDatapath::follow_link(const Link& link) {
  const auto known = interfaces_.find(link.index);
  if (known != interfaces_.end() && known->second.link == link && !known->second.failed) return;
  const bool attached =
      known != interfaces_.end() && known->second.status.mode != AttachMode::kNone;
  InterfaceStatus status{.name = link.name,
                         .index = link.index,
                         .mtu = link.mtu,
                         .mode = attached ? known->second.status.mode : AttachMode::kNone,
                         .peer_redirect = link.peer_elsewhere && !link.leads_on,
                         .reason = not_eligible(link, options_.ignore_interfaces)};
  bool failed = false;
  if (!status.reason.empty()) {
    attacher_->detach(link.index);  // also what an agent with other options left there
    status.mode = AttachMode::kNone;
  } else if (!attached) {
    if (auto mode = attacher_->attach(link)) {
      status.mode = *mode;
      log::debug("datapath", "attached to {}", link.name);
    } else {
      failed = true;
      status.reason = mode.error().message;
      if (known == interfaces_.end() || known->second.status.reason != status.reason)
        log::warn("datapath",
                  "cannot attach to {}: {}; connections through it stay in the request tier",
                  link.name, status.reason);
    }
  }
  interfaces_[link.index] = {.link = link, .status = std::move(status), .failed = failed};
}

Result<void> KernelDatapath::set_worker_socket(std::uint32_t index, int fd) {
  if (index >= options_.workers)
    return fail(ErrorCode::kInvalid, "there is no worker " + std::to_string(index));
  int family = 0;
  socklen_t size = sizeof family;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0)
    return fail_errno("the socket of worker " + std::to_string(index), errno);
  const std::uint32_t place = LB_SOCKET_OF(index, family == AF_INET6 ? 1U : 0U);
  const std::uint64_t value = static_cast<std::uint64_t>(fd);
  if (const int result = bpf_map_update_elem(objects_->maps().sockets, &place, &value, BPF_ANY);
      result < 0)
    return kernel_failure("cannot enter the socket of worker " + std::to_string(index), result);
  return {};
}

void KernelDatapath::time_clusters(const std::set<std::uint64_t>& clusters) {
  const std::size_t missed =
      sync_first_bytes(objects_->maps().first_bytes, clusters, flows_->slots());
  if (missed == 0) return;
  log::warn("datapath",
            "{} clusters are without sluice_request_first_byte_seconds of steered requests: the "
            "kernel times {} at most",
            missed, LB_MAX_CLUSTERS);
}

std::vector<InterfaceStatus> KernelDatapath::interfaces() const {
  std::vector<InterfaceStatus> result;
  for (const auto& [index, entry] : interfaces_) result.push_back(entry.status);
  return result;
}

std::array<std::uint64_t, LB_COUNTER_MAX> KernelDatapath::counters() const {
  std::array<std::uint64_t, LB_COUNTER_MAX> result{};
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return result;
  std::vector<std::uint64_t> values(static_cast<std::size_t>(cpus));
  for (std::uint32_t counter = 0; counter < LB_COUNTER_MAX; ++counter) {
    if (bpf_map_lookup_elem(objects_->maps().counters, &counter, values.data()) != 0) continue;
    for (const std::uint64_t value : values) result[counter] += value;
  }
  return result;
}

std::vector<MapFill> KernelDatapath::map_fill() const {
  std::uint64_t used = 0;
  std::uint64_t with_entries = 0;
  for (lb_slot& slot : flows_->slots()) {
    const std::uint32_t state = std::atomic_ref(slot.state).load(std::memory_order_relaxed);
    used += state != LB_SLOT_FREE ? 1U : 0U;
    with_entries += state >= LB_SLOT_NORMAL && state <= LB_SLOT_PASS ? 1U : 0U;
  }
  const ObjectMaps maps = objects_->maps();
  return {
      {.name = "slots", .used = used, .capacity = maps.slot_count},
      {.name = "flows", .used = 2 * with_entries, .capacity = maps.flow_count},
      {.name = "listeners", .used = count_listeners(maps.listeners), .capacity = LB_MAX_LISTENERS}};
}

void KernelDatapath::detach_all() {
  objects_->detach_lookup();
  for (const auto& [index, entry] : interfaces_) attacher_->detach(index);
  interfaces_.clear();
  pins_.remove_all();
}

}  // namespace

Result<std::unique_ptr<Datapath>> Datapath::open(DatapathOptions options) {
  if (auto valid = check(options); !valid) return tl::unexpected(valid.error());
  auto pins = PinStore::open(options.pin_directory);
  if (!pins) return tl::unexpected(pins.error());
  auto datapath = std::make_unique<KernelDatapath>(std::move(options), std::move(*pins));
  if (auto started = datapath->start(); !started) return tl::unexpected(started.error());
  return std::unique_ptr<Datapath>(std::move(datapath));
}

}  // namespace sluice::datapath
