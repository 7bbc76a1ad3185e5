// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster/status_merge.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::cluster {
namespace {

using nlohmann::json;

const WallTime kNow(std::chrono::seconds(1'000'000'000));
constexpr char kNowText[] = "2001-09-09T01:46:40Z";
constexpr char kBefore[] = "2000-01-01T00:00:00Z";

config::RouteStatus route(bool accepted = true) {
  config::RouteStatus out;
  out.target = {"gateway.networking.k8s.io/v1", "HTTPRoute", "default", "r", 2};
  config::ParentStatus parent;
  parent.group = "gateway.networking.k8s.io";
  parent.kind = "Gateway";
  parent.name = "g";
  parent.conditions = {{"Accepted", accepted, accepted ? "Accepted" : "NotAllowedByListeners", ""}};
  out.parents = {parent};
  return out;
}

json object_with(const json& status) {
  return {{"metadata", {{"name", "r"}, {"generation", 2}, {"resourceVersion", "7"}}},
          {"status", status}};
}

// The object as it is after the patch.
json patched(json object, const Patch& patch) {
  EXPECT_TRUE(patch);
  if (patch) object.merge_patch(json::parse(*patch));
  return object;
}

TEST(StatusMerge, WritesWhatIsMissingAndThenNothing) {
  const json first = patched(object_with(json::object()),
                             merge_status(object_with(json::object()).dump(), route(), kNow));
  const json entry = first["status"]["parents"][0];
  EXPECT_EQ(entry["controllerName"], "sluice.dev/gateway-controller");
  EXPECT_EQ(entry["parentRef"]["name"], "g");
  EXPECT_EQ(entry["conditions"][0]["observedGeneration"], 2);
  EXPECT_EQ(entry["conditions"][0]["lastTransitionTime"], kNowText);
  EXPECT_FALSE(merge_status(first.dump(), route(), kNow + std::chrono::hours(1)));
}

TEST(StatusMerge, IsForTheVersionThatWasRead) {
  const auto patch = merge_status(object_with(json::object()).dump(), route(), kNow);
  EXPECT_EQ(json::parse(*patch)["metadata"]["resourceVersion"], "7");
}

TEST(StatusMerge, TheTimeOfTransitionChangesWithTheStatusOnly) {
  json object = patched(object_with(json::object()),
                        merge_status(object_with(json::object()).dump(), route(), kNow));
  object["status"]["parents"][0]["conditions"][0]["lastTransitionTime"] = kBefore;
  object["status"]["parents"][0]["conditions"][0]["observedGeneration"] = 1;
  const json same = patched(object, merge_status(object.dump(), route(), kNow));
  EXPECT_EQ(same["status"]["parents"][0]["conditions"][0]["lastTransitionTime"], kBefore);
  EXPECT_EQ(same["status"]["parents"][0]["conditions"][0]["observedGeneration"], 2);
  const json flipped = patched(object, merge_status(object.dump(), route(false), kNow));
  EXPECT_EQ(flipped["status"]["parents"][0]["conditions"][0]["lastTransitionTime"], kNowText);
}

TEST(StatusMerge, ParentsOfOtherControllersStayAtTheirPlaceAndStaleOnesOfOursGo) {
  const json other = {{"parentRef", {{"name", "g"}}}, {"controllerName", "example.com/other"}};
  json stale = {{"parentRef", {{"name", "gone"}}},
                {"controllerName", "sluice.dev/gateway-controller"},
                {"conditions", json::array()}};
  const json object = object_with({{"parents", {stale, other}}});
  const json after = patched(object, merge_status(object.dump(), route(), kNow));
  ASSERT_EQ(after["status"]["parents"].size(), 2u);
  EXPECT_EQ(after["status"]["parents"][0], other);
  EXPECT_EQ(after["status"]["parents"][1]["parentRef"]["name"], "g");
  auto none = route();
  none.parents.clear();
  const json empty = patched(after, merge_status(after.dump(), none, kNow));
  EXPECT_EQ(empty["status"]["parents"], json::array({other}));
}

TEST(StatusMerge, AReportAboutAnotherGenerationIsNotWritten) {
  auto old = route();
  old.target.generation = 1;
  EXPECT_FALSE(merge_status(object_with(json::object()).dump(), old, kNow));
  EXPECT_FALSE(merge_status("no object", route(), kNow));
}

TEST(StatusMerge, ConditionsOfOthersStayAndOursThatNoLongerHoldGo) {
  config::GatewayStatus wanted;
  wanted.target = {"gateway.networking.k8s.io/v1", "Gateway", "default", "r", 2};
  wanted.conditions = {{"Programmed", false, "Pending", "wait"}};
  const json object = object_with(
      {{"conditions",
        {{{"type", "example.com/Seen"}, {"status", "True"}},
         {{"type", "Conflicted"}, {"status", "True"}},
         {{"type", "Programmed"}, {"status", "True"}, {"lastTransitionTime", kBefore}}}}});
  const json after = patched(object, merge_status(object.dump(), wanted, false, kNow));
  ASSERT_EQ(after["status"]["conditions"].size(), 2u);
  EXPECT_EQ(after["status"]["conditions"][0]["type"], "example.com/Seen");
  EXPECT_EQ(after["status"]["conditions"][1]["status"], "False");
  const json patient = patched(object, merge_status(object.dump(), wanted, true, kNow));
  EXPECT_EQ(patient["status"]["conditions"][1]["status"], "True") << "it may stay for a while";
}

TEST(StatusMerge, HostileObjectsDoNoHarm) {
  for (const char* text : {"{}", R"({"metadata":[],"status":"x"})",
                           R"({"metadata":{"generation":2},"status":{"parents":[1,null,"x",{}]}})",
                           R"({"metadata":{"generation":2},"status":{"parents":{"a":1}}})"}) {
    static_cast<void>(merge_status(text, route(), kNow));
  }
}

}  // namespace
}  // namespace sluice::cluster
