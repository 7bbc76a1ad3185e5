// SPDX-License-Identifier: Apache-2.0
#include "agent/net/reactor.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <utility>
#include <vector>

#include "agent/base/assert.hpp"
#include "agent/base/thread_role.hpp"
#include "agent/base/unique_fd.hpp"
#include "agent/net/timer_wheel.hpp"

namespace sluice::net {
namespace {

constexpr std::uint64_t kMailbox = ~std::uint64_t{0};  // no descriptor has this key
constexpr std::size_t kBatch = 256;

std::uint64_t tick_floor(TimePoint time) {
  return static_cast<std::uint64_t>(
      std::chrono::floor<Milliseconds>(time.time_since_epoch()).count());
}
std::uint64_t tick_ceil(TimePoint time) {
  return static_cast<std::uint64_t>(
      std::chrono::ceil<Milliseconds>(time.time_since_epoch()).count());
}

}  // namespace

struct Timer::Impl : TimerNode {
  Reactor::Impl* reactor = nullptr;
  std::function<void()> callback;
  bool running = false;
};

struct Reactor::Impl {
  struct Registration {
    EventHandler* handler = nullptr;
    std::uint32_t generation = 0;
  };

  explicit Impl(const Clock& source)
      : clock(source), turn_start(source.now()), wheel(tick_floor(turn_start)) {}

  void turn(int wait_ms);
  void dispatch(const epoll_event& event);
  void run_timers();
  void run_mailbox();
  void run_deferred();
  [[nodiscard]] int wait_limit() const;
  Result<void> control(int operation, int fd, std::uint32_t events, EventHandler& handler);

  const Clock& clock;
  UniqueFd epoll;
  UniqueFd wake;
  TimePoint turn_start;
  TimerWheel wheel;
  std::vector<Registration> registrations;  // by descriptor
  std::vector<std::function<void()>> deferred;
  std::vector<std::unique_ptr<Timer::Impl>> graveyard;  // timers destroyed by their own callback
  std::array<epoll_event, kBatch> fetched{};

  Mutex mutex;
  std::vector<std::function<void()>> mailbox LB_GUARDED_BY(mutex);
  bool closed LB_GUARDED_BY(mutex) = false;
  std::atomic<bool> stopping{false};
};

Timer::Timer(Reactor& reactor, std::function<void()> callback) : impl_(std::make_unique<Impl>()) {
  impl_->reactor = reactor.impl_.get();
  impl_->callback = std::move(callback);
}

Timer::~Timer() {
  cancel();
  if (impl_->running) impl_->reactor->graveyard.push_back(std::move(impl_));
}

void Timer::arm(Milliseconds delay) {
  cancel();
  const Reactor::Impl& reactor = *impl_->reactor;
  // Not turn_start: a turn that has lasted a while would make the timer early.
  impl_->reactor->wheel.arm(*impl_, tick_ceil(reactor.clock.now() + delay));
}

void Timer::cancel() {
  if (impl_->linked()) impl_->unlink();
}

bool Timer::armed() const { return impl_->linked(); }

Result<void> Reactor::Impl::control(int operation, int fd, std::uint32_t events,
                                    EventHandler& handler) {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= registrations.size()) registrations.resize(std::max(index + 1, std::size_t{64}) * 2);
  Registration& entry = registrations[index];
  // A new generation with each registration: events fetched for the descriptor's former owner go
  // nowhere.
  if (operation == EPOLL_CTL_ADD) ++entry.generation;
  epoll_event event{};
  event.events = events;
  event.data.u64 =
      (static_cast<std::uint64_t>(entry.generation) << 32) | static_cast<std::uint32_t>(fd);
  if (epoll_ctl(epoll.get(), operation, fd, &event) != 0) {
    return fail_errno("reactor: epoll_ctl failed for descriptor " + std::to_string(fd), errno);
  }
  entry.handler = &handler;
  return {};
}

void Reactor::Impl::dispatch(const epoll_event& event) {
  if (event.data.u64 == kMailbox) return;  // the mailbox is emptied once a turn, after the sockets
  const auto fd = static_cast<std::size_t>(event.data.u64 & 0xffffffffU);
  const auto generation = static_cast<std::uint32_t>(event.data.u64 >> 32);
  const Registration entry = registrations[fd];
  if (entry.handler == nullptr || entry.generation != generation) return;
  entry.handler->on_ready(event.events);
}

void Reactor::Impl::run_timers() {
  TimerNode due;
  wheel.advance(tick_floor(turn_start), due);
  while (due.linked()) {
    auto* const timer = static_cast<Timer::Impl*>(due.next);
    timer->unlink();
    timer->running = true;
    timer->callback();
    timer->running = false;  // still valid: a timer destroyed meanwhile is in the graveyard
    graveyard.clear();
  }
}

void Reactor::Impl::run_mailbox() {
  std::vector<std::function<void()>> tasks;
  {
    const MutexLock lock(mutex);
    if (mailbox.empty()) return;
    tasks.swap(mailbox);
    std::uint64_t count = 0;
    // Under the lock: post() writes only into an empty mailbox, so no wake-up is lost or doubled.
    [[maybe_unused]] const auto unused = read(wake.get(), &count, sizeof(count));
  }
  for (auto& task : tasks) task();
}

void Reactor::Impl::run_deferred() {
  if (deferred.empty()) return;
  std::vector<std::function<void()>> tasks;
  tasks.swap(deferred);
  for (auto& task : tasks) task();
}

int Reactor::Impl::wait_limit() const {
  if (!deferred.empty()) return 0;
  const auto delay = wheel.next_delay(tick_floor(clock.now()));
  return delay ? static_cast<int>(*delay) : -1;
}

void Reactor::Impl::turn(int wait_ms) {
  const int count = epoll_wait(epoll.get(), fetched.data(), static_cast<int>(kBatch), wait_ms);
  LB_ASSERT(count >= 0 || errno == EINTR);
  turn_start = clock.now();
  bool mail = false;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = fetched[static_cast<std::size_t>(i)];
    mail |= event.data.u64 == kMailbox;
    dispatch(event);
  }
  run_timers();
  if (mail) run_mailbox();
  run_deferred();
}

Reactor::Reactor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Reactor::~Reactor() = default;

Result<std::unique_ptr<Reactor>> Reactor::create(const Clock& clock) {
  auto impl = std::make_unique<Impl>(clock);
  impl->epoll.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!impl->epoll) return fail_errno("reactor: epoll_create1 failed", errno);
  impl->wake.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!impl->wake) return fail_errno("reactor: eventfd failed", errno);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kMailbox;
  if (epoll_ctl(impl->epoll.get(), EPOLL_CTL_ADD, impl->wake.get(), &event) != 0) {
    return fail_errno("reactor: epoll_ctl failed for the mailbox", errno);
  }
  return std::unique_ptr<Reactor>(new Reactor(std::move(impl)));
}

Result<void> Reactor::add(int fd, std::uint32_t events, EventHandler& handler) {
  return impl_->control(EPOLL_CTL_ADD, fd, events, handler);
}

Result<void> Reactor::modify(int fd, std::uint32_t events, EventHandler& handler) {
  return impl_->control(EPOLL_CTL_MOD, fd, events, handler);
}

void Reactor::remove(int fd) {
  forget(fd);
  epoll_ctl(impl_->epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Reactor::forget(int fd) {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= impl_->registrations.size()) return;
  impl_->registrations[index].handler = nullptr;
  ++impl_->registrations[index].generation;
}

bool Reactor::post(std::function<void()> task) {
  const MutexLock lock(impl_->mutex);
  if (impl_->closed) return false;
  impl_->mailbox.push_back(std::move(task));
  if (impl_->mailbox.size() == 1) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto unused = write(impl_->wake.get(), &one, sizeof(one));
  }
  return true;
}

void Reactor::defer(std::function<void()> task) { impl_->deferred.push_back(std::move(task)); }

TimePoint Reactor::now() const { return impl_->turn_start; }
const Clock& Reactor::clock() const { return impl_->clock; }

void Reactor::run() {
  while (!impl_->stopping.load(std::memory_order_relaxed)) impl_->turn(impl_->wait_limit());
  impl_->run_mailbox();  // what was posted before stop() is not lost
  impl_->run_deferred();
}

void Reactor::run_once(Milliseconds limit) {
  const int timers = impl_->wait_limit();
  const int cap = static_cast<int>(limit.count());
  impl_->turn(timers < 0 ? cap : std::min(timers, cap));
}

void Reactor::stop() {
  const MutexLock lock(impl_->mutex);
  impl_->closed = true;
  impl_->stopping.store(true, std::memory_order_relaxed);
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto unused = write(impl_->wake.get(), &one, sizeof(one));
}

}  // namespace sluice::net
