// SPDX-License-Identifier: Apache-2.0
// Reactor: one epoll loop with timers and a mailbox; each worker owns one, main owns one.
// Thread: everything but post() and stop() belongs to the thread that calls run(). Invariants:
// after remove(fd) or Timer::cancel() the handler is not called again, not even for events already
// fetched in this turn.
#pragma once
#include <sys/epoll.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "agent/base/clock.hpp"
#include "agent/base/error.hpp"

namespace sluice::net {

class EventHandler {
 public:
  // `events`: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR as epoll_wait(2) gave them.
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~EventHandler() = default;
};

class Reactor;

// One callback at a time, armed and re-armed without allocation. Resolution: one millisecond, never
// early. May be destroyed inside its own callback, and must be before the reactor is.
class Timer {
 public:
  Timer(Reactor& reactor, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  void arm(Milliseconds delay);  // replaces an earlier arming
  void cancel();
  [[nodiscard]] bool armed() const;

 private:
  friend class Reactor;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Reactor {
 public:
  static Result<std::unique_ptr<Reactor>> create(const Clock& clock);
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // `handler` must outlive the registration. Edge-triggered when events has EPOLLET.
  Result<void> add(int fd, std::uint32_t events, EventHandler& handler);
  Result<void> modify(int fd, std::uint32_t events, EventHandler& handler);
  void remove(int fd);
  // Like remove(), for a descriptor that its owner closes at once and that has no duplicate:
  // closing ends the epoll registration, so the system call is saved.
  void forget(int fd);

  // Runs `task` on the reactor's thread, in order of posting. Thread: any. False once stop() was
  // called; what was posted before still runs.
  bool post(std::function<void()> task);
  // Runs `task` at the end of this turn: the safe place to destroy an object whose handler is
  // running.
  void defer(std::function<void()> task);

  // The clock as read at the start of this turn.
  [[nodiscard]] TimePoint now() const;
  [[nodiscard]] const Clock& clock() const;

  void run();                         // until stop()
  void run_once(Milliseconds limit);  // one turn; for tests and for main
  void stop();                        // Thread: any

 private:
  friend class Timer;
  struct Impl;
  explicit Reactor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::net
