// SPDX-License-Identifier: Apache-2.0
// ObjectCache: what was put is there after a restart, and nothing that was damaged is believed.
#include "agent/config/source/object_cache.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/config/temp_directory.hpp"

namespace sluice::config {
namespace {

class ObjectCacheTest : public ::testing::Test {
 protected:
  ObjectCache open(const std::string& cluster = "https://one:6443") {
    seen.clear();
    auto cache = ObjectCache::open(directory.path().string(), cluster,
                                   [this](const std::string& path, std::string text) {
                                     EXPECT_FALSE(seen.contains(path)) << "told twice";
                                     seen[path] = std::move(text);
                                   });
    EXPECT_TRUE(cache) << cache.error().message;
    return std::move(*cache);
  }
  [[nodiscard]] std::string file() const {
    std::ifstream in(directory.path() / "objects", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  TempDirectory directory;
  std::map<std::string, std::string> seen;
};

TEST_F(ObjectCacheTest, KeepsTheNewestOfEachObject) {
  {
    ObjectCache cache = open();
    cache.put("pods/a/b", "{\"x\":\n1}");
    cache.put("pods/a/c", "{}");
    cache.put("pods/a/b", "{\"x\":2}");
    cache.put("nodes//n", "{\"n\":1}");
    cache.remove("pods/a/c");
    cache.remove("pods/a/never");
    EXPECT_EQ(cache.objects(), 2U);
  }
  const ObjectCache again = open();
  EXPECT_EQ(seen, (std::map<std::string, std::string>{{"pods/a/b", "{\"x\":2}"},
                                                      {"nodes//n", "{\"n\":1}"}}));
  EXPECT_TRUE(again.damage().empty());
}

TEST_F(ObjectCacheTest, EveryDamagedByteIsNoticed) {
  {
    ObjectCache cache = open();
    for (int i = 0; i < 5; ++i) cache.put("pods/a/" + std::to_string(i), std::string(20, 'a'));
  }
  const std::string whole = file();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    directory.write("objects", damaged);
    const ObjectCache cache = open();
    EXPECT_FALSE(cache.damage().empty()) << "byte " << at;
    for (const auto& [path, text] : seen) {
      EXPECT_EQ(text, std::string(20, 'a'));
      EXPECT_LT(path, "pods/a/5");
    }
  }
}

TEST_F(ObjectCacheTest, AFileCutAnywhereGivesWhatIsWholeAndGoesOn) {
  {
    ObjectCache cache = open();
    for (int i = 0; i < 3; ++i) cache.put("pods/a/" + std::to_string(i), "{}");
  }
  const std::string whole = file();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    directory.write("objects", whole.substr(0, size));
    {
      ObjectCache cache = open();
      cache.put("pods/a/new", "{}");
    }
    const std::size_t before = seen.size();
    const ObjectCache again = open();
    EXPECT_TRUE(again.damage().empty()) << size;
    EXPECT_EQ(seen.size(), before + 1) << size;
  }
}

TEST_F(ObjectCacheTest, OfAnotherClusterIsNotUsed) {
  {
    open().put("pods/a/b", "{}");
  }
  const ObjectCache other = open("https://two:6443");
  EXPECT_TRUE(seen.empty());
  EXPECT_NE(other.damage().find("another cluster"), std::string::npos);
}

TEST_F(ObjectCacheTest, StaysAboutTwiceAsLargeAsWhatIsInIt) {
  ObjectCache cache = open();
  const std::string text(10'000, 'x');
  for (int i = 0; i < 5'000; ++i) cache.put("pods/a/" + std::to_string(i % 50), text);
  EXPECT_LT(std::filesystem::file_size(directory.path() / "objects"), 6u << 20);
  EXPECT_TRUE(cache.trouble().empty()) << cache.trouble();
  const ObjectCache again = open();
  EXPECT_EQ(seen.size(), 50U);
  EXPECT_EQ(seen["pods/a/49"], text);
}

TEST_F(ObjectCacheTest, IsForItsOwnerOnlyAndFollowsNoLink) {
  {
    open().put("pods/a/b", "{}");
  }
  const auto mode = std::filesystem::status(directory.path() / "objects").permissions();
  EXPECT_EQ(static_cast<unsigned>(mode) & 0077U, 0U);
  std::filesystem::rename(directory.path() / "objects", directory.path() / "elsewhere");
  std::filesystem::create_symlink(directory.path() / "elsewhere", directory.path() / "objects");
  EXPECT_FALSE(ObjectCache::open(directory.path().string(), "x", [](const auto&, auto) {}));
}

}  // namespace
}  // namespace sluice::config
