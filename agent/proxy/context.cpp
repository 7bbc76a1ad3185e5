// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/context.hpp"

#include <algorithm>
#include <utility>

#include "agent/proxy/h1_exchange.hpp"
#include "agent/proxy/stream.hpp"

namespace sluice::proxy {
namespace {

constexpr std::size_t kMaxFree = 4096;
template <typename T>
std::unique_ptr<T> take(std::vector<std::unique_ptr<T>>& free) {
  if (free.empty()) return nullptr;
  auto object = std::move(free.back());
  free.pop_back();
  return object;
}

template <typename T>
void put(std::vector<std::unique_ptr<T>>& free, std::unique_ptr<T> object) {
  if (free.size() < kMaxFree) free.push_back(std::move(object));
}

constexpr std::uint32_t kSmallestRead = 4096;
constexpr std::uint32_t kLargestRead = 1024 * 1024;

}  // namespace

Context::Context(const WorkerOptions& worker_options, net::Reactor& worker_reactor)
    : options(worker_options),
      reactor(worker_reactor),
      memory(std::clamp(worker_options.buffer_bytes, kSmallestRead, kLargestRead)),
      registry(options.registry ? options.registry
                                : std::make_shared<health::Registry>(reactor.clock())),
      queue(*this),
      pools(*this, PoolUse::kRequests),
      mirror_pools(*this, PoolUse::kMirrors),
      cluster_uses(*this),
      mirrors(*this),
      carried(*this) {
  report.worker = options.index;
  if (!options.listener_loads) options.listener_loads = std::make_shared<ListenerLoads>();
}

Context::~Context() = default;

Stream* Context::acquire_stream() {
  auto stream = take(free_streams_);
  return stream ? stream.release() : new Stream(*this);
}

void Context::release_stream(Stream* stream) {
  put(free_streams_, std::unique_ptr<Stream>(stream));
}

http::H1RequestParser* Context::acquire_parser() {
  auto parser = take(free_parsers_);
  if (!parser) return new http::H1RequestParser(options.http);
  parser->reset();
  return parser.release();
}

void Context::release_parser(http::H1RequestParser* parser) {
  put(free_parsers_, std::unique_ptr<http::H1RequestParser>(parser));
}

ExchangePtr Context::make_exchange(std::unique_ptr<Upstream> upstream) {
  auto exchange = take(free_exchanges_);
  if (!exchange) exchange = std::make_unique<H1Exchange>(*this);
  exchange->begin(std::move(upstream));
  return ExchangePtr(exchange.release());
}

void Context::release_exchange(H1Exchange* exchange) {
  put(free_exchanges_, std::unique_ptr<H1Exchange>(exchange));
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

void Context::steer_by(std::unique_ptr<Steering> by) {
  steering = std::move(by);
  if (!steering) return;
  steering->set_user(&carried);
  carried.began();
}

void Context::publish(snapshot::SnapshotPtr snapshot) {
  report.generation = snapshot->generation;
  carried.settle();
  auto next = std::make_unique<Generation>(*this, std::move(snapshot), generation.get(), ++serial_);
  if (generation && generation->users > 0) retired_.push_back(std::move(generation));
  generation = std::move(next);
  // Kept by those whose connections are counted in them; the next generation finds the same ones by name.
  const auto before = std::exchange(loads_, {});
  cluster_uses.forget_unused();
  carried.published();
  if (steering) steering->forget_clusters(report);
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
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 32; ++i, bits >>= 4) {
    if (i % 16 == 0) bits = random();
    if (i == 8 || i == 12 || i == 16 || i == 20) out.push_back('-');
    if (i == 12) bits = (bits & ~std::uint64_t{15}) | 4;               // version
    if (i == 16) bits = (bits & ~std::uint64_t{15}) | 8 | (bits & 3);  // variant
    out.push_back(kDigits[bits & 15]);
  }
}

}  // namespace sluice::proxy
