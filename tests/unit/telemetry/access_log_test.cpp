// SPDX-License-Identifier: Apache-2.0
// The access log's thread: what workers give it reaches the file, whole and in order, also across a rotation; what it
// cannot write is counted.
#include "agent/telemetry/access_log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace sluice::telemetry {
namespace {

class AccessLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "access_log_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ + "/access.log";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<AccessLog> start(std::uint32_t lanes = 1, double sample = 1) {
    auto log = AccessLog::start({.target = path_, .json = false, .sample = sample}, lanes);
    EXPECT_TRUE(log) << log.error().message;
    return log ? std::move(*log) : nullptr;
  }
  static void write(AccessLane& lane, const std::string& path) {
    AccessLine line;
    line.path = path;
    line.tier = "request";
    lane.write(line);
  }
  static std::vector<std::string> lines_of(const std::string& path) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  template <typename Condition>
  static bool eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < end) {
      if (condition()) return true;
      std::this_thread::yield();
    }
    return false;
  }

  std::string directory_;
  std::string path_;
};

TEST_F(AccessLogTest, WritesEveryLineInOrderAndTheRestWhenItEnds) {
  auto log = start();
  for (int i = 0; i < 1000; ++i) write(log->lane(0), "/" + std::to_string(i));
  ASSERT_TRUE(eventually([&] { return log->state().written == 1000; }));
  write(log->lane(0), "/last");
  log.reset();
  const auto lines = lines_of(path_);
  ASSERT_EQ(lines.size(), 1001U);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_NE(lines[static_cast<std::size_t>(i)].find(" /" + std::to_string(i) + " "),
              std::string::npos);
  }
  EXPECT_NE(lines.back().find(" /last "), std::string::npos);
}

TEST_F(AccessLogTest, LinesOfSeveralWorkersNeverMix) {
  constexpr int kEach = 20'000;
  auto log = start(3);
  std::vector<std::thread> workers;
  for (std::uint32_t w = 0; w < 3; ++w) {
    workers.emplace_back([&log, w] {
      for (int i = 0; i < kEach; ++i) {
        write(log->lane(w), "/" + std::string(50, static_cast<char>('a' + w)));
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  ASSERT_TRUE(eventually([&] {
    const AccessLogState state = log->state();
    return state.written + state.dropped == 3 * kEach;
  }));
  const std::uint64_t written = log->state().written;
  log.reset();
  const auto lines = lines_of(path_);
  EXPECT_EQ(lines.size(), written);
  for (const std::string& line : lines) {
    const std::size_t at = line.find('/');
    ASSERT_NE(at, std::string::npos) << line;
    EXPECT_EQ(line.substr(at + 1, 50), std::string(50, line[at + 1]));
    EXPECT_NE(line.find(" id=- peer="), std::string::npos) << line;
  }
}

TEST_F(AccessLogTest, FollowsAFileThatWasMovedAway) {
  auto log = start();
  write(log->lane(0), "/before");
  ASSERT_TRUE(eventually([&] { return log->state().written == 1; }));
  std::filesystem::rename(path_, path_ + ".1");
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(path_); }));
  write(log->lane(0), "/after");
  log.reset();
  EXPECT_EQ(lines_of(path_ + ".1").size(), 1U);
  ASSERT_EQ(lines_of(path_).size(), 1U);
  EXPECT_NE(lines_of(path_)[0].find("/after"), std::string::npos);
}

TEST_F(AccessLogTest, OpensAnewWhenAsked) {
  auto log = start();
  struct stat before{};
  ASSERT_EQ(::stat(path_.c_str(), &before), 0);
  std::filesystem::rename(path_, path_ + ".1");
  log->reopen();
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(path_); }));
  struct stat after{};
  ASSERT_EQ(::stat(path_.c_str(), &after), 0);
  EXPECT_NE(before.st_ino, after.st_ino);
  EXPECT_EQ(after.st_mode & 0777U, 0640U & ~::umask(::umask(0)));
}

TEST_F(AccessLogTest, GoesOnWithTheOldFileWhileTheNewOneCannotBeOpened) {
  auto log = start();
  write(log->lane(0), "/one");
  ASSERT_TRUE(eventually([&] { return log->state().written == 1; }));
  std::filesystem::rename(path_, path_ + ".1");
  std::filesystem::create_directory(path_);
  ASSERT_TRUE(eventually([&] { return !log->state().error.empty(); }));
  EXPECT_NE(log->state().error.find(path_), std::string::npos);
  write(log->lane(0), "/two");
  ASSERT_TRUE(eventually([&] { return log->state().written == 2; }));
  EXPECT_EQ(lines_of(path_ + ".1").size(), 2U);
  std::filesystem::remove(path_);
  ASSERT_TRUE(eventually([&] { return log->state().error.empty(); }));
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(AccessLogTest, AFullDiskLosesLinesAndSaysSo) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "needs /dev/full";
  path_ = "/dev/full";
  auto log = start();
  ASSERT_TRUE(log);
  write(log->lane(0), "/lost");
  ASSERT_TRUE(eventually([&] { return log->state().failed == 1; }));
  EXPECT_NE(log->state().error.find("No space left"), std::string::npos) << log->state().error;
  EXPECT_EQ(log->state().written, 0U);
}

TEST_F(AccessLogTest, AReaderThatSleepsNeverHoldsUpAWorker) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const UniqueFd reader(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(reader);
  auto log = start();
  ASSERT_TRUE(log);
  // More than pipe and lane hold: had anything waited, this would never end.
  for (int i = 0; i < 20'000; ++i) write(log->lane(0), "/" + std::string(100, 'x'));
  EXPECT_GT(log->state().dropped, 0U);
  const auto began = std::chrono::steady_clock::now();
  log.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

TEST_F(AccessLogTest, AFileThatCannotBeOpenedIsToldAtTheStart) {
  const auto log = AccessLog::start({.target = directory_ + "/none/access.log"}, 1);
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().message.find("none/access.log"), std::string::npos);
}

// Within one at every moment, not only in the end.
TEST(AccessSample, IsExact) {
  for (const double sample : {0.0, 0.001, 0.01, 1.0 / 3, 0.5, 0.999, 1.0}) {
    AccessLane lane({.target = "", .json = false, .sample = sample}, -1);
    double taken = 0;
    for (int n = 1; n <= 10'000; ++n) {
      taken += lane.sampled() ? 1 : 0;
      ASSERT_LE(std::abs(taken - sample * n), 1.0) << sample << " after " << n;
    }
  }
}

}  // namespace
}  // namespace sluice::telemetry
