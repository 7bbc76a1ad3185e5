// SPDX-License-Identifier: Apache-2.0
#include "agent/net/reactor.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "agent/base/unique_fd.hpp"

namespace sluice::net {
namespace {

struct Recorder final : EventHandler {
  std::function<void(std::uint32_t)> action;
  int calls = 0;
  void on_ready(std::uint32_t events) override {
    ++calls;
    if (action) action(events);
  }
};

class ReactorTest : public testing::Test {
 protected:
  void SetUp() override {
    auto created = Reactor::create(clock_);
    ASSERT_TRUE(created);
    reactor_ = std::move(*created);
  }
  static UniqueFd ready_event() { return UniqueFd(eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC)); }
  void turn() { reactor_->run_once(Milliseconds(0)); }

  ManualClock clock_;
  std::unique_ptr<Reactor> reactor_;
};

TEST_F(ReactorTest, CallsTheHandlerWithTheEvents) {
  const UniqueFd fd = ready_event();
  Recorder handler;
  std::uint32_t seen = 0;
  handler.action = [&](std::uint32_t events) { seen = events; };
  ASSERT_TRUE(reactor_->add(fd.get(), EPOLLIN, handler));
  turn();
  EXPECT_EQ(seen, static_cast<std::uint32_t>(EPOLLIN));
  reactor_->remove(fd.get());
  turn();
  EXPECT_EQ(handler.calls, 1);
}

TEST_F(ReactorTest, ARemovedHandlerIsNotCalledForEventsAlreadyFetched) {
  std::array<UniqueFd, 2> fds{ready_event(), ready_event()};
  std::array<Recorder, 2> handlers;
  for (std::size_t i = 0; i < 2; ++i) {
    handlers[i].action = [&, i](std::uint32_t) { reactor_->remove(fds[1 - i].get()); };
    ASSERT_TRUE(reactor_->add(fds[i].get(), EPOLLIN, handlers[i]));
  }
  turn();
  EXPECT_EQ(handlers[0].calls + handlers[1].calls, 1);
}

TEST_F(ReactorTest, AReusedDescriptorDoesNotGetTheEventsOfItsFormerOwner) {
  std::array<UniqueFd, 2> fds{ready_event(), ready_event()};
  std::array<Recorder, 2> old;
  Recorder fresh;
  for (std::size_t i = 0; i < 2; ++i) {
    old[i].action = [&, i](std::uint32_t) {
      UniqueFd& other = fds[1 - i];
      const int number = other.get();
      reactor_->forget(number);
      other.reset();
      other.reset(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));  // takes the lowest free number
      ASSERT_EQ(other.get(), number);
      ASSERT_TRUE(reactor_->add(number, EPOLLIN, fresh));
    };
    ASSERT_TRUE(reactor_->add(fds[i].get(), EPOLLIN, old[i]));
  }
  turn();
  EXPECT_EQ(old[0].calls + old[1].calls, 1);
  EXPECT_EQ(fresh.calls, 0);
}

TEST_F(ReactorTest, AddingAClosedDescriptorIsAnError) {
  Recorder handler;
  const auto added = reactor_->add(999'999, EPOLLIN, handler);
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().message.find("999999"), std::string::npos);
}

TEST_F(ReactorTest, ATimerFiresAfterItsDelayAndNotBefore) {
  int fired = 0;
  Timer timer(*reactor_, [&] { ++fired; });
  timer.arm(Milliseconds(10));
  clock_.advance(Milliseconds(9));
  turn();
  EXPECT_EQ(fired, 0);
  EXPECT_TRUE(timer.armed());
  clock_.advance(Milliseconds(1));
  turn();
  EXPECT_EQ(fired, 1);
  EXPECT_FALSE(timer.armed());
}

TEST_F(ReactorTest, ATimerIsNeverEarlyByAFractionOfAMillisecond) {
  int fired = 0;
  clock_.advance(std::chrono::microseconds(900));
  Timer timer(*reactor_, [&] { ++fired; });
  timer.arm(Milliseconds(1));
  clock_.advance(std::chrono::microseconds(999));
  turn();
  EXPECT_EQ(fired, 0);
  clock_.advance(Milliseconds(1));
  turn();
  EXPECT_EQ(fired, 1);
}

TEST_F(ReactorTest, ArmingAgainReplacesAndCancelStops) {
  int fired = 0;
  Timer timer(*reactor_, [&] { ++fired; });
  timer.arm(Milliseconds(1));
  timer.arm(Milliseconds(5));
  clock_.advance(Milliseconds(2));
  turn();
  EXPECT_EQ(fired, 0);
  timer.cancel();
  clock_.advance(Milliseconds(20));
  turn();
  EXPECT_EQ(fired, 0);
}

TEST_F(ReactorTest, ATimerMayCancelAnotherThatIsDueInTheSameTurn) {
  int fired = 0;
  std::array<std::unique_ptr<Timer>, 2> timers;
  for (std::size_t i = 0; i < 2; ++i) {
    timers[i] = std::make_unique<Timer>(*reactor_, [&, i] {
      ++fired;
      timers[1 - i]->cancel();
    });
    timers[i]->arm(Milliseconds(1));
  }
  clock_.advance(Milliseconds(2));
  turn();
  EXPECT_EQ(fired, 1);
}

TEST_F(ReactorTest, ATimerMayDestroyOrRearmItselfInItsCallback) {
  std::unique_ptr<Timer> timer;
  std::vector<int> seen{1, 2, 3};
  timer = std::make_unique<Timer>(*reactor_, [&timer, seen] {
    timer.reset();
    EXPECT_EQ(seen.size(), 3U);  // the captures live until the callback returns
  });
  timer->arm(Milliseconds(1));
  int fired = 0;
  Timer repeating(*reactor_, [] {});
  Timer ticker(*reactor_, [&] {
    if (++fired < 3) ticker.arm(Milliseconds(1));
  });
  ticker.arm(Milliseconds(1));
  for (int i = 0; i < 10; ++i) {
    clock_.advance(Milliseconds(1));
    turn();
  }
  EXPECT_EQ(timer, nullptr);
  EXPECT_EQ(fired, 3);
}

TEST_F(ReactorTest, DeferredTasksRunAtTheEndOfTheTurn) {
  const UniqueFd fd = ready_event();
  std::vector<int> order;
  Recorder handler;
  handler.action = [&](std::uint32_t) {
    reactor_->defer([&] { order.push_back(2); });
    order.push_back(1);
  };
  ASSERT_TRUE(reactor_->add(fd.get(), EPOLLIN | EPOLLET, handler));
  turn();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST_F(ReactorTest, NowIsTheClockAtTheStartOfTheTurn) {
  clock_.advance(Milliseconds(5));
  turn();
  const TimePoint before = reactor_->now();
  EXPECT_EQ(before, clock_.now());
  clock_.advance(Milliseconds(5));
  EXPECT_EQ(reactor_->now(), before);
}

TEST(ReactorMailbox, RunsTasksOfManyThreadsInTheOrderEachPosted) {
  const SteadyClock clock;
  auto reactor = std::move(*Reactor::create(clock));
  constexpr int kThreads = 4;
  constexpr int kTasks = 2000;
  std::array<int, kThreads> last{};
  int done = 0;  // plain: only the reactor's thread touches it
  std::thread loop([&] { reactor->run(); });
  std::vector<std::thread> posters;
  for (int t = 0; t < kThreads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 1; i <= kTasks; ++i) {
        ASSERT_TRUE(reactor->post([&, t, i] {
          auto& previous = last[static_cast<std::size_t>(t)];
          EXPECT_EQ(previous, i - 1);
          previous = i;
          if (++done == kThreads * kTasks) reactor->stop();
        }));
      }
    });
  }
  for (auto& poster : posters) poster.join();
  loop.join();
  EXPECT_EQ(done, kThreads * kTasks);
}

TEST(ReactorMailbox, StopEndsRunAndRefusesLaterTasksButRunsEarlierOnes) {
  const SteadyClock clock;
  auto reactor = std::move(*Reactor::create(clock));
  bool ran = false;
  ASSERT_TRUE(reactor->post([&] { ran = true; }));
  reactor->stop();
  EXPECT_FALSE(reactor->post([] {}));
  reactor->run();
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace sluice::net
