// SPDX-License-Identifier: Apache-2.0
// JSON of the API server and YAML of files give the same tree; what is no object costs an error.
#include "agent/config/manifest/json.hpp"

#include <gtest/gtest.h>

#include "agent/config/manifest/api_json.hpp"

namespace sluice::config {
namespace {

// As a tree says it, without places.
std::string text_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "null";
    case Node::Kind::kScalar:
      return std::string(node.type() == Node::Type::kString ? "s:" : "p:") + node.scalar;
    case Node::Kind::kList: {
      std::string out = "[";
      for (const Node& item : node.items) out += text_of(item) + ",";
      return out + "]";
    }
    case Node::Kind::kMap: {
      std::string out = "{";
      for (const Member& member : node.members)
        out += member.key + "=" + text_of(member.value) + ",";
      return out + "}";
    }
  }
  return "?";
}

TEST(Json, GivesTheTreeThatYamlGives) {
  const char* const text =
      R"({"a": 1, "b": -7, "c": 1.50, "d": true, "e": null, "f": "true",
          "g": "é\u00e9\n", "h": [1, "2", {"i": []}], "j": {}})";
  const ParsedYaml json = parse_json(text);
  const ParsedYaml yaml = parse_yaml(text);
  ASSERT_EQ(json.documents.size(), 1U);
  ASSERT_EQ(yaml.documents.size(), 1U);
  EXPECT_EQ(text_of(json.documents[0]), text_of(yaml.documents[0]));
}

TEST(Json, LeavesOutManagedFields) {
  const ParsedYaml json = parse_json(R"({"metadata": {"managedFields": [{"a": 1}], "name": "x"}})");
  ASSERT_EQ(json.documents.size(), 1U);
  EXPECT_EQ(text_of(json.documents[0]), "{metadata={name=s:x,},}");
}

TEST(Json, HostileTextsAreErrors) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  std::string wide = "[0";
  for (int i = 0; i < 1'100'000; ++i) wide += ",0";
  wide += "]";
  for (const std::string& text :
       {std::string(""), std::string("{"), std::string("{\"a\":1,\"a\":2}"), std::string("{} {}"),
        std::string("{\"a\":\"\xff\"}"), std::string("{\"a\":1,}"), deep, wide,
        std::string(17u << 20, ' ')}) {
    SCOPED_TRACE(text.substr(0, 40));
    const ParsedYaml parsed = parse_json(text);
    EXPECT_TRUE(parsed.documents.empty());
    ASSERT_EQ(parsed.problems.size(), 1U);
    EXPECT_FALSE(parsed.problems[0].message.empty());
  }
}

TEST(ApiJson, APodIsWhereItIsAndHowItIs) {
  const auto event = read_api_event(
      R"({"type":"ADDED","object":{"metadata":{"name":"p","namespace":"n","labels":{"a":"b"},"annotations":{"x":"y"}},
          "spec":{"nodeName":"n1","containers":[
            {"name":"c","image":"i","ports":[{"name":"http","containerPort":80}],"env":[]}]},
          "status":{"podIP":"10.0.0.1","phase":"Running","containerStatuses":[],"conditions":[
            {"type":"Ready","status":"True","lastProbeTime":null},
          {"type":"Initialized","status":"True"}]}}})",
      "v1", "Pod");
  ASSERT_TRUE(event) << event.error().message;
  EXPECT_EQ(
      event->object.text,
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"a":"b"},"name":"p","namespace":"n"},)"
      R"("spec":{"containers":[{"name":"c","ports":[{"containerPort":80,"name":"http"}]}],"nodeName":"n1"},)"
      R"("status":{"conditions":[{"status":"True","type":"Ready"}],"phase":"Running","podIP":"10.0.0.1"}})");
}

TEST(ApiJson, AMessageIsOneLineWithoutControlCharacters) {
  EXPECT_EQ(read_api_message(R"({"kind":"Status","message":"no\nway\u001b[31m"})"), "no way [31m");
  EXPECT_EQ(read_api_message("plain text\n"), "plain text");
  EXPECT_LE(read_api_message(std::string(100'000, 'x')).size(), 510U);
}

TEST(ApiJson, DeepAnswersAreRefused) {
  EXPECT_FALSE(read_api_page(std::string(200'000, '['), "v1", "Pod"));
  std::string deep = R"({"metadata":{"resourceVersion":"1"},"items":)";
  deep += std::string(5'000, '[') + std::string(5'000, ']') + "}";
  EXPECT_FALSE(read_api_page(deep, "v1", "Pod"));
}

}  // namespace
}  // namespace sluice::config
