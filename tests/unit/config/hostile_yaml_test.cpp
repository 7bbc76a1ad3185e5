// SPDX-License-Identifier: Apache-2.0
// YAML as an attacker or an accident writes it: each case an error with a place, in bounded time and memory. The
// texts are made here; none is stored.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>

#include "agent/config/manifest/document_text.hpp"
#include "agent/config/manifest/tree_builder.hpp"
#include "agent/config/manifest/yaml.hpp"

namespace sluice::config {
namespace {

constexpr std::size_t kFull = kMaxFileBytes - 16;

std::string repeat(std::string_view part, std::size_t times) {
  std::string out;
  out.reserve(part.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += part;
  return out;
}

Problem only_problem(std::string_view text) {
  const ParsedYaml parsed = parse_yaml(text);
  EXPECT_EQ(parsed.problems.size(), 1u);
  EXPECT_TRUE(parsed.documents.empty());
  return parsed.problems.empty() ? Problem{} : parsed.problems.front();
}

void expect_refused(const std::string& text, const std::string& code) {
  const Problem problem = only_problem(text);
  EXPECT_EQ(problem.code, code) << problem.message;
  EXPECT_GT(problem.mark.line, 0);
  EXPECT_GT(problem.mark.column, 0);
  EXPECT_FALSE(problem.hint.empty());
}

TEST(HostileYaml, RefusesAFileOf100MibAtOnce) {
  const std::string text = repeat("a: b\n", 20u << 20);
  const auto start = std::chrono::steady_clock::now();
  expect_refused(text, "file_too_large");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(100));
}

TEST(HostileYaml, RefusesTenThousandLevelsHoweverTheyAreWritten) {
  expect_refused(repeat("[", 10'000), "too_deep");
  expect_refused(repeat("{a: ", 10'000), "too_deep");
  expect_refused(repeat("- ", 10'000) + "a", "too_deep");
  expect_refused(repeat("? ", 10'000) + "a", "too_deep");
  expect_refused(repeat("\"a\": {", 10'000), "too_deep");
  std::string indented;
  for (std::size_t i = 0; i < 5'000; ++i) indented += std::string(i, ' ') + "a:\n";
  expect_refused(indented, "too_deep");
  // Aliases that each add a hundred levels.
  std::string aliases = "a0: &a0 " + repeat("[", 100) + repeat("]", 100) + "\n";
  for (int i = 1; i < 500; ++i) {
    aliases += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" +
               std::to_string(i - 1) + "]\n";
  }
  expect_refused(aliases, "too_deep");
}

TEST(HostileYaml, RefusesFlowCollectionsBeforeTheirTokensFillMemory) {
  expect_refused(repeat("[", kFull), "document_too_complex");
  expect_refused("[" + repeat("a,", kMaxFlowCharacters), "document_too_complex");
  expect_refused(repeat("&a ", kMaxFlowCharacters + 1), "document_too_complex");
  expect_refused(repeat("!t ", kMaxFlowCharacters + 1), "document_too_complex");
}

TEST(HostileYaml, RefusesAliasBombs) {
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before +
              repeat("," + before, 9) + "]\n";
  }
  expect_refused(laughs, "document_too_complex");
  expect_refused("a: &a \"" + repeat("x", 10u << 20) + "\"\nb:\n" + repeat(" - *a\n", 100),
                 "document_too_complex");
  expect_refused("a: &a [*a]\n", "alias_cycle");
  expect_refused("a: *nowhere\n", "invalid_yaml");
}

TEST(HostileYaml, RefusesMoreValuesThanAnyConfigurationHas) {
  expect_refused(repeat("- a\n", kMaxNodes), "document_too_complex");
}

TEST(HostileYaml, StaysWithinItsMemory) {
  // The costliest text found within the limits: one flow list of tokens.
  const ParsedYaml parsed = parse_yaml("[" + repeat("a,", kMaxFlowCharacters - 10) + "]");
  EXPECT_EQ(parsed.documents.size(), 1u);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(usage.ru_maxrss / 1024, 700);
#endif
}

TEST(HostileYaml, StopsReadingAFileOfEndlessDocuments) {
  const ParsedYaml bad = parse_yaml(repeat("---\n[\n", 100'000));
  EXPECT_EQ(bad.problems.size(), kMaxProblems + 1);
  EXPECT_EQ(bad.problems.back().code, "too_many_documents");
  const ParsedYaml good = parse_yaml(repeat("---\na: b\n", 100'000));
  EXPECT_EQ(good.documents.size(), kMaxDocuments);
  ASSERT_EQ(good.problems.size(), 1u);
  EXPECT_EQ(good.problems.back().code, "too_many_documents");
}

TEST(HostileYaml, RefusesWhatCannotBelongToTheDocument) {
  const std::pair<const char*, int> cases[] = {{"}\n", 1},
                                               {"a: 1\n]\n", 2},
                                               {"- a\nb: c\n", 2},
                                               {"  a: 1\nb: 2\n", 2},
                                               {"\"a\"\n\"b\"\n", 2},
                                               {"a: 1\n...\n}\n", 3}};
  for (const auto& [text, line] : cases) {
    const ParsedYaml parsed = parse_yaml(text);
    ASSERT_EQ(parsed.problems.size(), 1u) << text;
    EXPECT_EQ(parsed.problems[0].code, "invalid_yaml") << text;
    EXPECT_EQ(parsed.problems[0].mark.line, line) << text;
  }
}

TEST(HostileYaml, NamesDuplicateKeysWithBothLines) {
  const Problem problem = only_problem("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n");
  EXPECT_EQ(problem.code, "duplicate_key");
  EXPECT_EQ(problem.mark.line, 5);
  EXPECT_EQ(problem.mark.column, 3);
  EXPECT_NE(problem.message.find("line 3"), std::string::npos) << problem.message;
}

TEST(HostileYaml, RefusesBytesThatAreNoText) {
  const Problem nul = only_problem(std::string_view("a: 1\nb: x\0y\n", 12));
  EXPECT_EQ(nul.code, "control_character");
  EXPECT_EQ(nul.mark.line, 2);
  EXPECT_EQ(nul.mark.column, 5);
  // 0x04 would end the library's stream early and hide what follows.
  expect_refused("a: 1\n\x04\nb: 2\n", "control_character");
  for (const char* bytes : {"\xff", "\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80",
                            "\xf5\x80\x80\x80", "\xf4\x90\x80\x80", "\xe2\x82",
                            "\xff\xfe"
                            "a"}) {
    const Problem problem = only_problem("a: 1\nb: " + std::string(bytes) + "\n");
    EXPECT_EQ(problem.code, "invalid_utf8");
    EXPECT_EQ(problem.mark.line, 2);
    EXPECT_EQ(problem.mark.column, 4);
  }
}

TEST(HostileYaml, AcceptsAByteOrderMarkAndAllOfUnicode) {
  const ParsedYaml parsed = parse_yaml(
      "\xef\xbb\xbf"
      "a: \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n");
  ASSERT_EQ(parsed.documents.size(), 1u);
  EXPECT_EQ(parsed.documents[0].find("a")->value.scalar, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST(HostileYaml, NamesTabsAsIndentation) {
  const Problem problem = only_problem("a:\n\tb: 1\n");
  EXPECT_EQ(problem.code, "tab_indentation");
  EXPECT_EQ(problem.mark.line, 2);
}

TEST(HostileYaml, RefusesKeysThatAreNoWords) {
  expect_refused("? [a]\n: b\n", "bad_key");
  expect_refused(": b\n", "bad_key");
}

TEST(HostileYaml, KeepsTheOtherDocumentsOfTheFile) {
  const ParsedYaml parsed = parse_yaml("a: 1\n---\nb: [\n---\nc: \"---\n---\nd: 4\n");
  ASSERT_EQ(parsed.documents.size(), 2u);
  EXPECT_NE(parsed.documents[0].find("a"), nullptr);
  EXPECT_NE(parsed.documents[1].find("d"), nullptr);
  EXPECT_EQ(parsed.documents[1].find("d")->mark.line, 7);
  ASSERT_EQ(parsed.problems.size(), 2u);
  EXPECT_EQ(parsed.problems[0].mark.line, 3);
  EXPECT_EQ(parsed.problems[1].mark.line, 5);
}

}  // namespace
}  // namespace sluice::config
