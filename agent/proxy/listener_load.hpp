// SPDX-License-Identifier: Apache-2.0
// ListenerLoads: how many connections each listener has on all workers together, so that its limit holds for the whole
// agent. Callers: Generation (looks up by name), Acceptor (takes a place). Thread: any.
// Invariants: a load is never above its limit by what take() let in; a place gives back what it took exactly once.
#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/base/thread_role.hpp"

namespace sluice::proxy {

using ListenerLoad = std::atomic<std::uint32_t>;

// One connection's place; empty when moved from.
class ListenerPlace {
 public:
  ListenerPlace() = default;
  ~ListenerPlace() { give_back(); }
  ListenerPlace(ListenerPlace&&) noexcept = default;
  ListenerPlace& operator=(ListenerPlace&& other) noexcept {
    give_back();
    load_ = std::move(other.load_);
    return *this;
  }

  // nullopt: the listener has `limit` connections already.
  static std::optional<ListenerPlace> take(const std::shared_ptr<ListenerLoad>& load,
                                           std::optional<std::uint32_t> limit) {
    const std::uint32_t before = load->fetch_add(1, std::memory_order_relaxed);
    ListenerPlace place(load);
    if (limit && before >= *limit) return std::nullopt;
    return place;
  }

 private:
  explicit ListenerPlace(std::shared_ptr<ListenerLoad> load) : load_(std::move(load)) {}
  void give_back() {
    if (load_) load_->fetch_sub(1, std::memory_order_relaxed);
    load_.reset();
  }

  std::shared_ptr<ListenerLoad> load_;
};

class ListenerLoads {
 public:
  // The load of the listener of that name: one object while anybody holds it.
  [[nodiscard]] std::shared_ptr<ListenerLoad> get(const std::string& name) {
    MutexLock lock(mutex_);
    std::erase_if(loads_, [](const auto& entry) { return entry.second.expired(); });
    auto& slot = loads_[name];
    auto load = slot.lock();
    if (!load) slot = load = std::make_shared<ListenerLoad>(0);
    return load;
  }

  // Connections by listener, of those that have any.
  [[nodiscard]] std::map<std::string, std::uint32_t> counts() {
    MutexLock lock(mutex_);
    std::map<std::string, std::uint32_t> out;
    for (const auto& [name, slot] : loads_) {
      const auto load = slot.lock();
      if (load && load->load(std::memory_order_relaxed) > 0) out[name] = *load;
    }
    return out;
  }

 private:
  Mutex mutex_;
  std::map<std::string, std::weak_ptr<ListenerLoad>> loads_ LB_GUARDED_BY(mutex_);
};

}  // namespace sluice::proxy
