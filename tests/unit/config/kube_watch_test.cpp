// SPDX-License-Identifier: Apache-2.0
// KubeWatch: the truth of the API server is kept whatever it answers, and never asked for in a loop.
#include "agent/config/source/kube_watch.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <map>

namespace sluice::config {
namespace {

using Health = KubeWatch::Health;
using Phase = KubeWatch::Phase;

std::string object(const std::string& name, const std::string& version,
                   const std::string& value = "a") {
  return fmt::format(
      R"({{"metadata":{{"name":"{}","namespace":"default","resourceVersion":"{}","managedFields":[1]}},)"
      R"("spec":{{"value":"{}"}}}})",
      name, version, value);
}
std::string page(const std::string& items, const std::string& version,
                 const std::string& next = "") {
  return fmt::format(
      R"({{"kind":"List","metadata":{{"resourceVersion":"{}","continue":"{}"}},"items":[{}]}})",
      version, next, items);
}
std::string event(const std::string& type, const std::string& object) {
  return fmt::format(R"({{"type":"{}","object":{}}})", type, object) + "\n";
}

class KubeWatchTest : public ::testing::Test, public KubeSink {
 protected:
  void changed(const KubeResource&, ApiObject object) override {
    objects[object.name] = object.text;
    ++changes;
  }
  void removed(const KubeResource&, const std::string&, const std::string& name) override {
    objects.erase(name);
  }
  void synced(const KubeResource&) override { ++syncs; }

  // The next request, as soon as it is due.
  std::string ask() {
    if (watch.due() > now) now = watch.due();
    auto path = watch.next_request(now);
    return path ? *path : "";
  }
  void answer(const std::string& text, long status = 200) {
    if (status == 200) (void)feed(text);
    watch.on_end({status, status == 200 ? "" : "says no", Milliseconds(0)}, now);
  }
  [[nodiscard]] Milliseconds pause() const {
    return std::chrono::duration_cast<Milliseconds>(watch.due() - now);
  }
  bool feed(std::string_view data) { return watch.on_data(data, now); }
  void list(const std::string& items, const std::string& version = "7") {
    ask();
    answer(page(items, version));
  }

  std::map<std::string, std::string> objects;
  int changes = 0;
  int syncs = 0;
  TimePoint now{std::chrono::seconds(100)};
  KubeWatch watch{
      {"networking.istio.io", {"v1", "v1beta1"}, "gateways", "Gateway", true}, {}, *this, 1};
};

TEST_F(KubeWatchTest, ListsInPagesAndThenWatchesFromTheListsVersion) {
  EXPECT_EQ(ask(), "/apis/networking.istio.io/v1/gateways?limit=500");
  EXPECT_FALSE(watch.next_request(now)) << "one at a time";
  answer(page(object("a", "1") + "," + object("b", "2"), "5", "more/of=it"));
  EXPECT_EQ(syncs, 0) << "half of the truth";
  EXPECT_EQ(ask(), "/apis/networking.istio.io/v1/gateways?limit=500&continue=more%2Fof%3Dit");
  answer(page(object("c", "3"), "6"));
  EXPECT_EQ(syncs, 1);
  EXPECT_EQ(objects.size(), 3U);
  EXPECT_EQ(watch.health(), Health::kSynced);
  const std::string path = ask();
  EXPECT_TRUE(
      path.starts_with("/apis/networking.istio.io/v1/gateways?watch=true&"
                       "allowWatchBookmarks=true&resourceVersion=6&timeoutSeconds="))
      << path;
}

TEST_F(KubeWatchTest, AWatchMayLastAsLongAsItAsksTheServerFor) {
  for (std::uint64_t seed = 1; seed < 200; ++seed) {
    KubeWatch one({"", {"v1"}, "pods", "Pod", false}, {}, *this, seed);
    static_cast<void>(one.next_request(now));
    static_cast<void>(one.on_data(page("", "7"), now));
    one.on_end({200, "", Milliseconds(0)}, now);
    const std::string path = *one.next_request(now);
    const std::string name = "timeoutSeconds=";
    const long seconds = std::stol(path.substr(path.find(name) + name.size()));
    EXPECT_GT(one.limit(), std::chrono::seconds(seconds + 10));
  }
}

TEST_F(KubeWatchTest, TextsNameTheirKindAndLeaveOutWhatIsNotRead) {
  list(object("a", "1"));
  EXPECT_EQ(objects["a"], R"({"apiVersion":"networking.istio.io/v1","kind":"Gateway",)"
                          R"("metadata":{"name":"a","namespace":"default"},"spec":{"value":"a"}})");
}

TEST_F(KubeWatchTest, EventsComeInAnyPieces) {
  list("");
  ask();
  const std::string text = event("ADDED", object("a", "8")) +
                           event("MODIFIED", object("a", "9", "b")) +
                           event("ADDED", object("b", "10")) + event("DELETED", object("b", "11"));
  for (const char c : text) ASSERT_TRUE(feed({&c, 1}));
  EXPECT_EQ(objects.size(), 1U);
  EXPECT_NE(objects["a"].find("\"b\""), std::string::npos);
  answer("");
  EXPECT_NE(ask().find("resourceVersion=11"), std::string::npos) << "it goes on where it was";
}

TEST_F(KubeWatchTest, ABookmarkMovesTheVersionWithoutAChange) {
  list(object("a", "1"));
  ask();
  const int before = changes;
  (void)feed(event("BOOKMARK", R"({"metadata":{"resourceVersion":"99"}})"));
  answer("");
  EXPECT_EQ(changes, before);
  EXPECT_NE(ask().find("resourceVersion=99"), std::string::npos);
}

TEST_F(KubeWatchTest, WhatIsGoneWhenItIsListedAgainIsRemoved) {
  list(object("a", "1") + "," + object("b", "2"));
  ask();
  // The server has forgotten: 410 within the watch.
  EXPECT_FALSE(feed(event("ERROR", R"({"code":410,"message":"too old"})")));
  answer("");
  EXPECT_EQ(objects.size(), 2U) << "nothing is removed before the new truth is whole";
  EXPECT_EQ(watch.phase(), Phase::kList);
  EXPECT_TRUE(watch.trouble().empty()) << "this is in the order of things";
  ask();
  answer(page(object("b", "3"), "20", "next"));
  EXPECT_EQ(objects.size(), 2U);
  ask();
  answer(page(object("c", "4"), "21"));
  EXPECT_EQ(objects.size(), 2U);
  EXPECT_FALSE(objects.contains("a"));
}

TEST_F(KubeWatchTest, AStormOf410NeverBecomesALoop) {
  list(object("a", "1"));
  Milliseconds total{0};
  for (int i = 0; i < 20; ++i) {
    ask();
    answer("", 410);
    EXPECT_GE(pause(), Milliseconds(500));
    total += pause();
  }
  EXPECT_GE(total, std::chrono::minutes(5));
  EXPECT_EQ(objects.size(), 1U);
}

TEST_F(KubeWatchTest, WatchesThatFailAfterListsThatSucceedNeverBecomeALoop) {
  Milliseconds total{0};
  for (int i = 0; i < 20; ++i) {
    list(object("a", "1"));
    ask();
    (void)feed("no json\n");
    watch.on_end({200, "", Milliseconds(0)}, now);
    total += pause();
  }
  EXPECT_GE(total, std::chrono::minutes(5));
}

TEST_F(KubeWatchTest, AWatchThatEndsWithoutAWordIsNotRepeatedAtOnce) {
  list("");
  ask();
  answer("");
  EXPECT_GE(pause(), Milliseconds(500));
}

TEST_F(KubeWatchTest, AServerThatIsAwayCostsNoObjectAndPausesGrow) {
  list(object("a", "1"));
  Milliseconds last{0};
  for (int i = 0; i < 12; ++i) {
    EXPECT_NE(ask().find("watch=true"), std::string::npos) << "where it was, not from the start";
    watch.on_end({0, "connection refused", Milliseconds(0)}, now);
    EXPECT_EQ(watch.health(), Health::kFailing);
    EXPECT_NE(watch.trouble().find("connection refused"), std::string::npos);
    if (i > 7) {
      EXPECT_GE(pause(), Milliseconds(10'000));
    }
    EXPECT_LE(pause(), Milliseconds(45'000));
    last = pause();
  }
  EXPECT_EQ(objects.size(), 1U);
  ask();
  (void)feed(event("ADDED", object("b", "9")));
  answer("");
  EXPECT_EQ(watch.health(), Health::kSynced);
  EXPECT_TRUE(watch.trouble().empty());
}

TEST_F(KubeWatchTest, RetryAfterIsObeyed) {
  ask();
  watch.on_end({429, "slow down", std::chrono::seconds(17)}, now);
  EXPECT_GE(pause(), std::chrono::seconds(17));
  EXPECT_NE(watch.trouble().find("429"), std::string::npos);
}

TEST_F(KubeWatchTest, OlderVersionsAreTriedWhereTheNewestIsNotServed) {
  EXPECT_NE(ask().find("/v1/"), std::string::npos);
  answer("", 404);
  EXPECT_EQ(pause(), Milliseconds(0));
  EXPECT_NE(ask().find("/v1beta1/"), std::string::npos);
  answer(page(object("a", "1"), "7"));
  EXPECT_EQ(watch.failures(), 0U);
  EXPECT_NE(objects["a"].find("networking.istio.io/v1beta1"), std::string::npos);
}

TEST_F(KubeWatchTest, ACrdThatIsNotInstalledIsWaitedForWithoutNoise) {
  for (int i = 0; i < 2; ++i) {
    ask();
    answer("", 404);
  }
  EXPECT_EQ(watch.health(), Health::kAbsent);
  EXPECT_TRUE(watch.trouble().empty());
  EXPECT_GE(pause(), Milliseconds(10'000));
  list(object("a", "1"));
  EXPECT_EQ(watch.health(), Health::kSynced);
}

TEST_F(KubeWatchTest, ACrdThatIsNotServedAnyMoreKeepsItsObjects) {
  list(object("a", "1"));
  for (int i = 0; i < 3; ++i) {
    ask();
    answer("", 404);
  }
  EXPECT_EQ(objects.size(), 1U);
  EXPECT_EQ(watch.health(), Health::kFailing);
  EXPECT_NE(watch.trouble().find("stay in force"), std::string::npos);
}

TEST_F(KubeWatchTest, AMissingPermissionIsNamed) {
  ask();
  answer("", 403);
  EXPECT_EQ(watch.health(), Health::kForbidden);
  EXPECT_NE(watch.trouble().find("gateways.networking.istio.io"), std::string::npos);
  EXPECT_NE(watch.trouble().find("list and watch"), std::string::npos);
}

TEST_F(KubeWatchTest, NonsenseCostsNothing) {
  list(object("a", "1"));
  for (const char* text :
       {"{\"type\":\"ADDED\"}\n", "no json\n", "[]\n", "{\"type\":\"ADDED\",\"object\":7}\n",
        "{\"type\":\"NEW\",\"object\":{\"metadata\":{\"name\":\"x\"}}}\n"}) {
    SCOPED_TRACE(text);
    ask();
    EXPECT_FALSE(feed(text));
    EXPECT_FALSE(feed("more")) << "the rest is not wanted";
    watch.on_end({200, "", Milliseconds(0)}, now);
    EXPECT_EQ(watch.phase(), Phase::kList) << "what was missed must be looked for";
    EXPECT_EQ(objects.size(), 1U);
    EXPECT_FALSE(watch.trouble().empty());
    EXPECT_GE(pause(), Milliseconds(500));
    list(object("a", "1"));
  }
  for (const char* text : {"", "{}", "{\"items\":[{}],\"metadata\":{\"resourceVersion\":\"1\"}}"}) {
    SCOPED_TRACE(text);
    ask();
    (void)feed(event("ERROR", R"({"code":410})"));
    answer("");
    ask();
    answer(text);
    EXPECT_EQ(objects.size(), 1U);
    EXPECT_EQ(watch.phase(), Phase::kList);
    list(object("a", "1"));
  }
}

TEST_F(KubeWatchTest, AnEndlessEventIsRefused) {
  list("");
  ask();
  const std::string piece(1 << 20, 'x');
  int taken = 0;
  while (taken < 100 && feed(piece)) ++taken;
  EXPECT_LE(taken, 4);
}

TEST_F(KubeWatchTest, WhatACacheKnewGoesWhenTheServerDoesNotHaveIt) {
  objects["old"] = "{}";
  watch.know("default", "old");
  list(object("a", "1"));
  EXPECT_EQ(objects.size(), 1U);
  EXPECT_TRUE(objects.contains("a"));
}

}  // namespace
}  // namespace sluice::config
