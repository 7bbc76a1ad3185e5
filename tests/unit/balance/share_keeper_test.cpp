// SPDX-License-Identifier: Apache-2.0
// Connections of very unequal rates, each of which the kernel carries to one subset: the requests still come out as the
// weights say, over any five seconds, and connections do not move more often than they have to. A simulation: requests
// are made at random times with the rates of their connections; a look follows every 50 ms.
#include "agent/balance/share_keeper.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <numeric>
#include <random>

namespace sluice::balance {
namespace {

using Weights = std::vector<std::uint64_t>;
constexpr double kLook = 0.05;
constexpr double kStep = 0.001;
constexpr double kPoints = 0.02;
constexpr double kWindowSeconds = 5;

const std::vector<double> kUnequal{1, 2, 5, 10, 50, 200, 1000, 3000};

struct Connection {
  double rate = 0;  // requests a second that its client makes
  std::size_t choice = 0;
  bool stuck = false;  // never comes back
  bool armed = false;
  double next = 0;
  std::uint64_t unseen = 0;  // requests since the last look
  RequestRate measured;
};

// One worker with one set.
class World {
 public:
  World(const std::vector<double>& rates, Weights weights, std::uint32_t seed = 1)
      : random_(seed), weights_(std::move(weights)), pick_(weights_), sent_(weights_.size()) {
    for (const double rate : rates) {
      Connection& connection = connections_.emplace_back();
      connection.rate = rate;
      connection.next = gap(connection);
      serve(connection);
    }
  }

  void set_weights(Weights weights) {
    weights_ = std::move(weights);
    pick_ = WeightedPick(weights_);
  }
  void run(double seconds) {
    for (const double end = now_ + seconds; now_ < end; now_ += kStep) {
      for (Connection& connection : connections_) {
        for (; connection.next <= now_; connection.next += gap(connection)) request(connection);
      }
      if (now_ >= next_look_) {
        look();
        next_look_ += kLook;
      }
      note();
    }
  }
  void add_proxied(double rate) {
    Connection& connection = connections_.emplace_back();
    connection.rate = rate;
    connection.next = now_ + gap(connection);
    connection.armed = proxied_ = true;
  }

  [[nodiscard]] std::vector<Connection>& connections() { return connections_; }
  [[nodiscard]] const WeightedPick& pick() const { return pick_; }
  [[nodiscard]] std::uint64_t moves() const { return moves_; }
  void forget_moves() { moves_ = 0; }
  [[nodiscard]] std::uint64_t requests() const {
    return std::accumulate(sent_.begin(), sent_.end(), std::uint64_t{0});
  }
  // The furthest that some subset's share, over any window that began after `settled`, was from what it should be.
  [[nodiscard]] double worst(double settled) const {
    double worst = 0;
    std::size_t from = 0;
    for (const Note& to : notes_) {
      while (notes_[from].time < to.time - kWindowSeconds) ++from;
      if (notes_[from].time < settled || to.time - notes_[from].time < kWindowSeconds - 0.02)
        continue;
      double all = 0;
      for (std::size_t i = 0; i < to.sent.size(); ++i) all += to.sent[i] - notes_[from].sent[i];
      for (std::size_t i = 0; i < to.sent.size(); ++i) {
        const double off = to.sent[i] - notes_[from].sent[i] - (to.due[i] - notes_[from].due[i]);
        worst = std::max(worst, std::abs(off) / all);
      }
    }
    return worst;
  }
  // The same of several workers together.
  [[nodiscard]] static double worst_of(const World& a, const World& b, double settled);

 private:
  struct Note {
    double time;
    std::vector<double> sent, due;
  };

  double gap(const Connection& connection) {
    return std::exponential_distribution<double>(connection.rate)(random_);
  }
  void request(Connection& connection) {
    if (connection.armed) {
      serve(connection);
    } else {
      ++connection.unseen;
      count(connection.choice);
    }
  }
  // As a proxy; then the kernel has it again.
  void serve(Connection& connection) {
    connection.choice = *pick_.pick();
    connection.armed = proxied_ && &connection == &connections_.back();
    connection.measured = {};
    ++picked_;
    count(connection.choice);
  }
  void count(std::size_t choice) {
    ++sent_[choice];
    const double all = std::accumulate(weights_.begin(), weights_.end(), 0.0);
    due_.resize(weights_.size());
    for (std::size_t i = 0; i < weights_.size(); ++i)
      due_[i] += static_cast<double>(weights_[i]) / all;
  }
  void look() {
    for (Connection& connection : connections_) {
      pick_.credit(connection.choice, connection.unseen);
      connection.measured.add(connection.unseen, kLook);
      connection.unseen = 0;
    }
    keeper_.begin(weights_, picked_, kLook);
    picked_ = 0;
    for (const Connection& connection : connections_) {
      keeper_.add(connection.choice, connection.measured.per_second(), connection.armed);
    }
    if (!keeper_.wants_moves(pick_)) return;
    for (std::uint32_t id = 0; id < connections_.size(); ++id) {
      const Connection& connection = connections_[id];
      if (connection.armed || connection.stuck) continue;
      keeper_.offer(connection.choice, connection.measured.per_second(), id);
    }
    for (const std::uint32_t id : keeper_.chosen()) {
      EXPECT_FALSE(connections_[id].stuck);
      connections_[id].armed = true;
      ++moves_;
    }
  }
  void note() {
    if (now_ < next_note_) return;
    next_note_ += 0.01;
    due_.resize(weights_.size());
    notes_.push_back({now_, {sent_.begin(), sent_.end()}, due_});
  }

  std::mt19937_64 random_;
  Weights weights_;
  WeightedPick pick_;
  ShareKeeper keeper_;
  std::vector<Connection> connections_;
  std::vector<std::uint64_t> sent_;
  std::vector<double> due_;
  std::vector<Note> notes_;
  std::uint64_t picked_ = 0;
  std::uint64_t moves_ = 0;
  double now_ = 0;
  double next_look_ = kLook;
  double next_note_ = 0;
  bool proxied_ = false;
};

double World::worst_of(const World& a, const World& b, double settled) {
  World sum({}, a.weights_);
  for (std::size_t i = 0; i < a.notes_.size(); ++i) {
    Note note = a.notes_[i];
    for (std::size_t k = 0; k < note.sent.size(); ++k) {
      note.sent[k] += b.notes_[i].sent[k];
      note.due[k] += b.notes_[i].due[k];
    }
    sum.notes_.push_back(std::move(note));
  }
  return sum.worst(settled);
}

class Shares : public ::testing::TestWithParam<Weights> {};

TEST_P(Shares, OfUnequalConnectionsComeTrueOverAnyFiveSeconds) {
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    World world(kUnequal, GetParam(), seed);
    world.run(20);
    EXPECT_LE(world.worst(0), kPoints) << "seed " << seed;
    EXPECT_LE(static_cast<double>(world.moves()) / 20, 22) << "moves a second, seed " << seed;
  }
}

TEST_P(Shares, OfASingleConnectionComeTrueInTurn) {
  World world({2000}, GetParam());
  world.run(20);
  EXPECT_LE(world.worst(0), kPoints);
  EXPECT_LE(static_cast<double>(world.moves()) / 20, 22);
}

TEST_P(Shares, OfManyEqualConnectionsNeedHardlyAMove) {
  World world(std::vector<double>(200, 10), GetParam());
  world.run(20);
  EXPECT_LE(world.worst(0), kPoints);
  EXPECT_LE(static_cast<double>(world.moves()) / 20, 12);
}

INSTANTIATE_TEST_SUITE_P(Splits, Shares,
                         ::testing::Values(Weights{80, 20}, Weights{50, 50}, Weights{99, 1},
                                           Weights{33, 33, 34}));

TEST(ShareKeeper, FollowsWeightsThatFlipEachSecond) {
  World world(kUnequal, {80, 20});
  for (int second = 0; second < 30; ++second) {
    world.set_weights(second % 2 == 0 ? Weights{80, 20} : Weights{20, 80});
    world.run(1);
  }
  EXPECT_LE(world.worst(0), kPoints);
  EXPECT_LE(static_cast<double>(world.moves()) / 30, 20);
}

TEST(ShareKeeper, SettlesAtOnceAfterAChange) {
  World world(kUnequal, {80, 20});
  world.run(10);
  world.set_weights({10, 90});
  world.run(10);
  EXPECT_LE(world.worst(10.2), kPoints);
}

// Each worker keeps its own shares, whoever it has; so the sum has them.
TEST(ShareKeeper, TwoWorkersOneOfThemWithASingleConnection) {
  World one({3000}, {80, 20}, 3);
  World other({1, 2, 5, 10, 50, 200, 1000}, {80, 20}, 4);
  one.run(20);
  other.run(20);
  EXPECT_LE(World::worst_of(one, other, 0), kPoints);
}

TEST(ShareKeeper, ASlowConnectionStaysForAHandfulOfRequests) {
  World world({1}, {80, 20});
  world.run(400);
  const double requests = static_cast<double>(world.requests());
  EXPECT_LE(static_cast<double>(world.moves()), requests / ShareKeeper::kHandful);
  EXPECT_GT(world.moves(), 0U);
  World quiet({1}, {80, 20});
  quiet.run(3);
  EXPECT_EQ(quiet.moves(), 0U);
}

TEST(ShareKeeper, ProxiedRequestsBalanceWhatTheyCanWithoutAMove) {
  World world({100, 100}, {50, 50});
  world.connections()[0].choice = world.connections()[1].choice = 0;
  world.add_proxied(2000);
  world.run(10);
  EXPECT_EQ(world.moves(), 0U);
  EXPECT_LE(world.worst(0), kPoints);
}

// A stream that cannot come back holds far more than its subset's share for long. The others have all the rest
// meanwhile, and once it is gone the subset is not starved for what it had too much.
TEST(ShareKeeper, ALongImbalanceIsForgottenSoon) {
  World world({1000, 1000}, {80, 20});
  for (Connection& connection : world.connections()) {
    connection.choice = 1;
    connection.stuck = true;
  }
  world.run(30);
  EXPECT_GT(world.pick().ahead(1), 100);
  for (Connection& connection : world.connections()) connection.stuck = false;
  world.run(10);
  EXPECT_LE(world.worst(31), kPoints);
}

TEST(ShareKeeper, OneSubsetNeedsNothing) {
  World world(kUnequal, {100});
  world.run(5);
  EXPECT_EQ(world.moves(), 0U);
}

}  // namespace
}  // namespace sluice::balance
