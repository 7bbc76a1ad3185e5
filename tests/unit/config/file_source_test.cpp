// SPDX-License-Identifier: Apache-2.0
// FileSource on real directories. inotify queues its events before the system call that caused them returns, so no
// test has to wait for one; time is moved by hand.
#include "agent/config/source/file_source.hpp"

#include <poll.h>

#include "tests/unit/config/temp_directory.hpp"

namespace sluice::config {
namespace {

namespace fs = std::filesystem;
constexpr Milliseconds kQuiet{50};

class FileSourceTest : public ::testing::Test {
 protected:
  void watch(const fs::path& path, FileSource::Notice notice = FileSource::Notice::kInotify) {
    auto opened = FileSource::open(path.string(), clock_, kQuiet, notice);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    source_ = std::move(*opened);
  }
  // Is there an event to read now?
  bool readable() {
    pollfd entry{source_->fd(), POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
  }
  // A change that becomes due once the directory has been quiet.
  bool reported_after_quiet() {
    if (source_->poll()) return false;  // never at once
    clock_.advance(kQuiet);
    changes_ = source_->poll().value_or(FileChanges{});
    return changes_.all || !changes_.names.empty();
  }

  TempDirectory temp_;
  ManualClock clock_;
  std::unique_ptr<FileSource> source_;
  FileChanges changes_;  // what reported_after_quiet() was told
};

TEST_F(FileSourceTest, ReportsAWrittenFileOnceAfterTheQuietTime) {
  watch(temp_.path());
  EXPECT_FALSE(readable());
  temp_.write("a.yaml", "x: 1\n");
  EXPECT_TRUE(readable());
  EXPECT_FALSE(source_->poll());
  EXPECT_EQ(source_->next_due(), kQuiet);
  clock_.advance(kQuiet);
  EXPECT_TRUE(source_->poll());
  EXPECT_FALSE(source_->poll());
}

// The agent's own log may lie there, and each reload writes to it.
TEST_F(FileSourceTest, FilesThatAreNeverLoadedDoNotCount) {
  watch(temp_.path());
  temp_.write("agent.log", "x\n");
  temp_.write("a.yaml.swp", "x\n");
  EXPECT_FALSE(reported_after_quiet());
  temp_.write("a.yml", "x: 1\n");
  EXPECT_TRUE(reported_after_quiet());
}

TEST_F(FileSourceTest, ReportsRenameOverTheOldFileAndRemoval) {
  temp_.write("a.yaml", "x: 1\n");
  watch(temp_.path());
  temp_.write(".a.yaml.tmp", "x: 2\n");
  EXPECT_FALSE(reported_after_quiet()) << "hidden files are not configuration";
  fs::rename(temp_.path() / ".a.yaml.tmp", temp_.path() / "a.yaml");
  EXPECT_TRUE(reported_after_quiet());
  fs::remove(temp_.path() / "a.yaml");
  EXPECT_TRUE(reported_after_quiet());
}

TEST_F(FileSourceTest, NamesTheFilesThatChanged) {
  temp_.write("old.yaml", "x: 1\n");
  temp_.write("same.yaml", "x: 1\n");
  watch(temp_.path());
  temp_.write("a.yaml", "x: 1\n");
  temp_.write("b.yml", "x: 1\n");
  fs::rename(temp_.path() / "old.yaml", temp_.path() / "new.yaml");
  EXPECT_TRUE(reported_after_quiet());
  EXPECT_FALSE(changes_.all);
  EXPECT_EQ(changes_.names, (std::set<std::string>{"a.yaml", "b.yml", "new.yaml", "old.yaml"}));
}

TEST_F(FileSourceTest, AnUrgentFileDoesNotWaitForOthers) {
  watch(temp_.path());
  const FileSource::Urgent urgent = [](const std::string& name) { return name == "e.yaml"; };
  temp_.write("a.yaml", "x: 1\n");
  temp_.write("e.yaml", "x: 1\n");
  EXPECT_FALSE(source_->poll(urgent)) << "another urgent one may come with it";
  EXPECT_EQ(source_->next_due(), kQuiet / 10);
  clock_.advance(kQuiet / 10);
  const auto first = source_->poll(urgent);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->names, std::set<std::string>{"e.yaml"});
  clock_.advance(kQuiet - kQuiet / 10);
  const auto second = source_->poll(urgent);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->names, std::set<std::string>{"a.yaml"});
}

TEST_F(FileSourceTest, AnUrgentFileThatIsStillBeingWrittenWaits) {
  watch(temp_.path());
  const FileSource::Urgent urgent = [](const std::string&) { return true; };
  std::ofstream half(temp_.path() / "e.yaml");
  half << "x: [" << std::flush;
  EXPECT_FALSE(source_->poll(urgent));
  EXPECT_EQ(source_->next_due(), kQuiet);
  half << "1]\n";
  half.close();
  EXPECT_FALSE(source_->poll(urgent));
  EXPECT_EQ(source_->next_due(), kQuiet / 10);
}

TEST_F(FileSourceTest, WithoutInotifyItLooksAtAPace) {
  temp_.write("a.yaml", "x: 1\n");
  watch(temp_.path(), FileSource::Notice::kPolling);
  EXPECT_LT(source_->fd(), 0);
  const auto reported = [&] {
    const Milliseconds pace = source_->next_due();
    EXPECT_GT(pace, kQuiet);
    clock_.advance(pace);
    return reported_after_quiet();
  };
  EXPECT_FALSE(reported()) << "nothing changed";
  temp_.write("b.yaml", "x: 1\n");
  EXPECT_TRUE(reported());
  temp_.write("a.yaml", "x: 12\n");
  EXPECT_TRUE(reported());
  temp_.write(".hidden", "x\n");
  EXPECT_FALSE(reported());
  fs::rename(temp_.path() / "a.yaml", temp_.path() / "c.yaml");
  EXPECT_TRUE(reported());
  fs::remove_all(temp_.path());
  EXPECT_TRUE(reported());
  fs::create_directory(temp_.path());
  EXPECT_TRUE(reported());
}

TEST_F(FileSourceTest, WaitsWhileChangesGoOnButNotForever) {
  watch(temp_.path());
  int polls = 0;
  bool due = false;
  while (!due && polls < 100) {
    temp_.write("a.yaml", std::to_string(polls++));
    due = source_->poll().has_value();
    clock_.advance(kQuiet / 2);
  }
  // Ten times the quiet time, in steps of half of it.
  EXPECT_EQ(polls, 21);
}

TEST_F(FileSourceTest, SeesAConfigMapSwap) {
  const fs::path& dir = temp_.path();
  fs::create_directory(dir / "..2026_01");
  temp_.write("..2026_01/a.yaml", "x: 1\n");
  fs::create_directory_symlink("..2026_01", dir / "..data");
  fs::create_symlink("..data/a.yaml", dir / "a.yaml");
  watch(dir);
  fs::create_directory(dir / "..2026_02");
  temp_.write("..2026_02/a.yaml", "x: 2\n");
  fs::create_directory_symlink("..2026_02", dir / "..data_tmp");
  EXPECT_FALSE(reported_after_quiet()) << "the new version is not in force yet";
  fs::rename(dir / "..data_tmp", dir / "..data");
  EXPECT_TRUE(reported_after_quiet());
  EXPECT_TRUE(changes_.all) << "no event names the files behind it";
}

TEST_F(FileSourceTest, FollowsADirectoryThatIsALinkWhenTheLinkMoves) {
  const fs::path& dir = temp_.path();
  fs::create_directory(dir / "one");
  fs::create_directory(dir / "two");
  fs::create_directory_symlink("one", dir / "config");
  watch(dir / "config");
  fs::create_directory_symlink("two", dir / "next");
  fs::rename(dir / "next", dir / "config");
  EXPECT_TRUE(reported_after_quiet());
  temp_.write("two/a.yaml", "x: 1\n");
  EXPECT_TRUE(reported_after_quiet()) << "the new directory must be watched";
  temp_.write("one/a.yaml", "x: 1\n");
  EXPECT_FALSE(reported_after_quiet()) << "the old one must not";
}

TEST_F(FileSourceTest, SurvivesTheDirectoryBeingRemovedAndMadeAgain) {
  const fs::path config = temp_.path() / "config";
  fs::create_directory(config);
  watch(config);
  fs::remove(config);
  EXPECT_TRUE(reported_after_quiet());
  fs::create_directory(config);
  EXPECT_TRUE(reported_after_quiet());
  temp_.write("config/a.yaml", "x: 1\n");
  EXPECT_TRUE(reported_after_quiet());
}

TEST_F(FileSourceTest, NoticesALinkFurtherUpAtItsOwnPace) {
  const fs::path& dir = temp_.path();
  fs::create_directories(dir / "one/config");
  fs::create_directories(dir / "two/config");
  fs::create_directory_symlink("one", dir / "current");
  watch(dir / "current/config");
  fs::create_directory_symlink("two", dir / "next");
  fs::rename(dir / "next", dir / "current");
  clock_.advance(source_->next_due());
  EXPECT_TRUE(reported_after_quiet());
}

TEST_F(FileSourceTest, NoticesAChangedTargetOfALinkedFile) {
  const fs::path& dir = temp_.path();
  fs::create_directory(dir / "config");
  temp_.write("target", "x: 1\n");
  fs::create_symlink("../target", dir / "config/a.yaml");
  watch(dir / "config");
  temp_.write("target", "x: 1\ny: 2\n");
  clock_.advance(source_->next_due());
  EXPECT_TRUE(reported_after_quiet());
}

TEST_F(FileSourceTest, RefusesADirectoryThatDoesNotExist) {
  const auto opened = FileSource::open((temp_.path() / "none").string(), clock_);
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().message.find("does not exist"), std::string::npos);
}

}  // namespace
}  // namespace sluice::config
