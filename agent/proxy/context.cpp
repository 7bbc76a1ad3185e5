// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/context.hpp"

#include <algorithm>
#include <utility>

#include "agent/proxy/stream.hpp"

namespace sluice::proxy {
namespace {

constexpr std::size_t kMaxFreeStreams = 4096;
constexpr std::uint32_t kSmallestRead = 4096;
constexpr std::uint32_t kLargestRead = 1024 * 1024;

}  // namespace

Context::Context(const WorkerOptions& worker_options, net::Reactor& worker_reactor)
    : options(worker_options),
      reactor(worker_reactor),
      memory(std::clamp(worker_options.buffer_bytes, kSmallestRead, kLargestRead)),
      pools(*this) {
  report.worker = options.index;
  if (!options.listener_loads) options.listener_loads = std::make_shared<ListenerLoads>();
}

Context::~Context() = default;

Stream* Context::acquire_stream() {
  if (free_streams_.empty()) return new Stream(*this);
  Stream* const stream = free_streams_.back().release();
  free_streams_.pop_back();
  return stream;
}

void Context::release_stream(Stream* stream) {
  std::unique_ptr<Stream> owned(stream);
  if (free_streams_.size() < kMaxFreeStreams) free_streams_.push_back(std::move(owned));
}

void Context::add(Connection& connection) {
  connections.insert(&connection);
  ++report.connections_open;
}

void Context::remove(Connection& connection) {
  connections.erase(&connection);
  std::erase(later_, &connection);
  --report.connections_open;
  if (draining && connections.empty() && drained) drained();
}

void Context::drive_later(Connection& connection) {
  if (std::ranges::find(later_, &connection) == later_.end()) later_.push_back(&connection);
  arm_later();
}

void Context::arm_later() {
  if (later_armed_ || later_.empty()) return;
  later_armed_ = true;
  reactor.defer([this] {
    later_armed_ = false;
    drive_postponed();
  });
}

void Context::drive_postponed() {
  // One at a time from the list: a connection that is driven may destroy another that is in it.
  for (std::size_t left = later_.size(); left > 0 && !later_.empty(); --left) {
    Connection* const connection = later_.front();
    later_.erase(later_.begin());
    connection->drive();
  }
}

void Context::publish(snapshot::SnapshotPtr snapshot) {
  report.generation = snapshot->generation;
  auto next = std::make_unique<Generation>(*this, std::move(snapshot), generation.get(), ++serial_);
  if (generation && generation->users > 0) retired_.push_back(std::move(generation));
  generation = std::move(next);
  // Kept by those whose connections are counted in them; the next generation finds the same ones by name.
  const auto before = std::exchange(loads_, {});
  pools.retire_except(serial_);
}

const std::shared_ptr<ListenerLoad>& Context::load_of(const snapshot::Listener& listener) {
  auto& load = loads_[&listener];
  if (!load) load = options.listener_loads->get(listener.config.name);
  return load;
}

Generation* Context::use_generation() {
  if (!generation) return nullptr;
  ++generation->users;
  return generation.get();
}

void Context::release_generation(Generation* used) {
  if (--used->users > 0 || used == generation.get()) return;
  std::erase_if(retired_, [used](const auto& entry) { return entry.get() == used; });
}

void Context::append_request_id(std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int word = 0; word < 2; ++word) {
    std::uint64_t bits = random_();
    for (int i = 0; i < 16; ++i, bits >>= 4) out.push_back(kDigits[bits & 15]);
  }
}

}  // namespace sluice::proxy
