// SPDX-License-Identifier: Apache-2.0
// What well-formed YAML means: types, places, merge keys, documents.
#include "agent/config/manifest/yaml.hpp"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

Node parse_one(std::string_view text) {
  ParsedYaml parsed = parse_yaml(text);
  EXPECT_EQ(parsed.problems.size(), 0u)
      << (parsed.problems.empty() ? "" : parsed.problems.front().message);
  EXPECT_EQ(parsed.documents.size(), 1u);
  return parsed.documents.empty() ? Node{} : std::move(parsed.documents.front());
}

Node::Type type_of(const std::string& scalar) {
  const Node root = parse_one("a: " + scalar + "\n");
  const Member* member = root.find("a");
  return member == nullptr ? Node::Type::kNull : member->value.type();
}

TEST(Yaml, QuotedScalarsStayStrings) {
  EXPECT_EQ(type_of("80"), Node::Type::kInteger);
  EXPECT_EQ(type_of("\"80\""), Node::Type::kString);
  EXPECT_EQ(type_of("'true'"), Node::Type::kString);
  EXPECT_EQ(type_of("!!str 80"), Node::Type::kString);
  EXPECT_EQ(type_of("\"\""), Node::Type::kString);
}

TEST(Yaml, PlainScalarsHaveTheTypesThatKubernetesSees) {
  for (const char* text : {"0", "-12", "+3", "0x1F", "0o17"}) {
    EXPECT_EQ(type_of(text), Node::Type::kInteger) << text;
  }
  for (const char* text : {"20.0", "0.1", ".5", "1.", "1e3", "-1.5E-2", ".inf", "-.INF", ".nan"}) {
    EXPECT_EQ(type_of(text), Node::Type::kFloat) << text;
  }
  for (const char* text : {"true", "False", "yes", "NO", "on", "off"}) {
    EXPECT_EQ(type_of(text), Node::Type::kBool) << text;
  }
  for (const char* text : {"", "~", "null"}) {
    EXPECT_EQ(type_of(text), Node::Type::kNull) << text;
  }
  for (const char* text : {"v1", "1.2.3", "1e", "truely", "10.0.0.1", "0xg", "."}) {
    EXPECT_EQ(type_of(text), Node::Type::kString) << text;
  }
}

TEST(Yaml, EveryKeyAndValueHasItsPlace) {
  const Node root = parse_one("# comment\na:\n  - b: 1\n    c: 2\n");
  const Node& item = root.find("a")->value.items.at(0);
  EXPECT_EQ(root.find("a")->mark.line, 2);
  EXPECT_EQ(item.mark.line, 3);
  EXPECT_EQ(item.mark.column, 5);
  EXPECT_EQ(item.find("c")->mark.line, 4);
  EXPECT_EQ(item.find("c")->value.mark.column, 8);
}

TEST(Yaml, MergeKeysGiveWayToWrittenOnes) {
  const Node root = parse_one(
      "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\nx:\n  <<: [*base, *more]\n  a: 9\n"
      "quoted:\n  \"<<\": *base\n");
  const Node& x = root.find("x")->value;
  EXPECT_EQ(x.members.size(), 3u);
  EXPECT_EQ(x.find("a")->value.scalar, "9");
  EXPECT_EQ(x.find("b")->value.scalar, "2");
  EXPECT_EQ(x.find("c")->value.scalar, "4");
  EXPECT_NE(root.find("quoted")->value.find("<<"), nullptr);
}

TEST(Yaml, AMergeKeyNeedsAMap) {
  const ParsedYaml parsed = parse_yaml("x:\n  <<: word\n");
  ASSERT_EQ(parsed.problems.size(), 1u);
  EXPECT_EQ(parsed.problems[0].code, "bad_merge");
  EXPECT_EQ(parsed.problems[0].mark.line, 2);
}

TEST(Yaml, SplitsDocumentsAtMarkersOnly) {
  const ParsedYaml parsed = parse_yaml(
      "%YAML 1.2\n---\na: 1\n...\n---\n# nothing\n---\n---\nb: |\n  ---\n  text\n--- {c: 3}\n");
  ASSERT_EQ(parsed.problems.size(), 0u) << parsed.problems[0].message;
  ASSERT_EQ(parsed.documents.size(), 3u);
  EXPECT_EQ(parsed.documents[1].find("b")->value.scalar, "---\ntext\n");
  EXPECT_EQ(parsed.documents[2].find("c")->mark.line, 12);
}

TEST(Yaml, WindowsLineEndsWork) {
  const ParsedYaml parsed = parse_yaml("a: 1\r\nb:\r\n  - x\r\n---\r\nc: 2\r\n");
  ASSERT_EQ(parsed.problems.size(), 0u) << parsed.problems[0].message;
  ASSERT_EQ(parsed.documents.size(), 2u);
  EXPECT_EQ(parsed.documents[0].find("b")->value.items.at(0).scalar, "x");
}

TEST(Yaml, ManagedFieldsAreDropped) {
  const Node root = parse_one("metadata:\n  managedFields:\n    - {a: {b: c}}\n  name: x\n");
  const Node& metadata = root.find("metadata")->value;
  EXPECT_EQ(metadata.find("managedFields"), nullptr);
  EXPECT_EQ(metadata.find("name")->value.scalar, "x");
}

TEST(Yaml, EmptyFilesHaveNoDocuments) {
  for (const char* text :
       {"", "\n\n", "# only\n", "---\n", "---\n...\n", "\xef\xbb\xbf", "%YAML 1.2\n"}) {
    const ParsedYaml parsed = parse_yaml(text);
    EXPECT_TRUE(parsed.documents.empty()) << text;
    EXPECT_TRUE(parsed.problems.empty()) << text;
  }
}

}  // namespace
}  // namespace sluice::config
