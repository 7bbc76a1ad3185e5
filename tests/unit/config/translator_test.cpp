// SPDX-License-Identifier: Apache-2.0
// Translator over real directories: what golden files cannot show, because it depends on the file system or on order.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <random>

#include "agent/config/config.hpp"
#include "tests/golden/config/world_text.hpp"
#include "tests/unit/config/temp_directory.hpp"

namespace sluice::config {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string gateway(const std::string& name, int port) {
  return fmt::format(
      "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: {}}}\nspec:\n"
      "  selector: {{istio: ingressgateway}}\n  servers:\n"
      "    - {{port: {{number: {}, name: http, protocol: HTTP}}, hosts: ['*']}}\n",
      name, port);
}

std::string virtual_service(const std::string& name, const std::string& host) {
  return fmt::format(
      "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {}}}\nspec:\n"
      "  hosts: ['{}']\n  gateways: [g]\n  http:\n"
      "    - route: [{{destination: {{host: vm.example.com}}}}]\n",
      name, host);
}

const char* const kServiceEntry =
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: vm}\nspec:\n"
    "  hosts: [vm.example.com]\n  resolution: STATIC\n"
    "  ports: [{number: 80, name: http, protocol: HTTP}]\n  endpoints: [{address: 192.0.2.1}]\n";

class TranslatorTest : public ::testing::Test {
 protected:
  Translation load() { return translator_.load_directory(temp_.path().string()); }
  void expect_code(const Translation& translation, const std::string& code) {
    const bool found = std::any_of(translation.diagnostics.begin(), translation.diagnostics.end(),
                                   [&](const auto& d) { return d.code == code; });
    EXPECT_TRUE(found) << code << " not in:\n" << diagnostics_text(translation, "");
  }

  TempDirectory temp_;
  Translator translator_{{.gateway_labels = {{"istio", "ingressgateway"}}}};
};

TEST_F(TranslatorTest, AFileOf100MibIsRefusedBySize) {
  temp_.write("a.yaml", gateway("g", 80));
  temp_.write("big.yaml", "");
  fs::resize_file(temp_.path() / "big.yaml", 100u << 20);
  const Translation translation = load();
  expect_code(translation, "file_too_large");
  EXPECT_EQ(translation.world.listeners.size(), 1u) << "other files stay in force";
}

TEST_F(TranslatorTest, AFifoDoesNotBlock) {
  ASSERT_EQ(::mkfifo((temp_.path() / "pipe.yaml").c_str(), 0600), 0);
  expect_code(load(), "file_unreadable");
}

TEST_F(TranslatorTest, OnlyVisibleYamlFilesAreRead) {
  temp_.write("a.yaml", gateway("a", 80));
  temp_.write("b.yml", gateway("b", 81));
  temp_.write("c.json", gateway("c", 82));
  temp_.write(".d.yaml", gateway("d", 83));
  EXPECT_EQ(load().objects, 2u);
}

TEST_F(TranslatorTest, AFileThatTurnsUnreadableKeepsItsObjects) {
  temp_.write("a.yaml", gateway("g", 80));
  ASSERT_EQ(load().world.listeners.size(), 1u);
  temp_.write("a.yaml", "a: [\n");
  const Translation broken = load();
  expect_code(broken, "invalid_yaml");
  EXPECT_EQ(broken.world.listeners.size(), 1u);
  // Still there after a second look, and gone once the file says so.
  EXPECT_EQ(load().world.listeners.size(), 1u);
  temp_.write("a.yaml", "# empty\n");
  EXPECT_EQ(load().world.listeners.size(), 0u);
}

TEST_F(TranslatorTest, ADirectoryThatVanishesKeepsEverything) {
  temp_.write("a.yaml", gateway("g", 80));
  ASSERT_EQ(load().world.listeners.size(), 1u);
  const fs::path away = temp_.path().string() + ".away";
  fs::rename(temp_.path(), away);
  const Translation missing = load();
  fs::rename(away, temp_.path());
  expect_code(missing, "directory_unreadable");
  EXPECT_EQ(missing.world.listeners.size(), 1u);
}

TEST_F(TranslatorTest, AnObjectMayMoveToAnotherFile) {
  temp_.write("a.yaml", gateway("g", 80));
  ASSERT_EQ(load().world.listeners.size(), 1u);
  fs::rename(temp_.path() / "a.yaml", temp_.path() / "b.yaml");
  const Translation moved = load();
  EXPECT_EQ(moved.world.listeners.size(), 1u);
  EXPECT_TRUE(moved.diagnostics.empty()) << diagnostics_text(moved, "");
}

TEST_F(TranslatorTest, AConfigMapSwapIsOneNewVersion) {
  const fs::path& dir = temp_.path();
  for (const char* version : {"..1", "..2"}) fs::create_directory(dir / version);
  temp_.write("..1/a.yaml", gateway("g", 80));
  temp_.write("..2/a.yaml", gateway("g", 81));
  fs::create_directory_symlink("..1", dir / "..data");
  fs::create_symlink("..data/a.yaml", dir / "a.yaml");
  EXPECT_EQ(load().world.listeners.at(0).port, 80);
  fs::create_directory_symlink("..2", dir / "..data_tmp");
  fs::rename(dir / "..data_tmp", dir / "..data");
  EXPECT_EQ(load().world.listeners.at(0).port, 81);
}

TEST_F(TranslatorTest, ABadRegexRejectsOnlyItsObject) {
  Translator translator({.gateway_labels = {{"istio", "ingressgateway"}},
                         .check_regex = [](std::string_view text) -> std::optional<std::string> {
                           if (text == "(") return "missing )";
                           return std::nullopt;
                         }});
  temp_.write("g.yaml", gateway("g", 80));
  temp_.write(
      "v.yaml",
      "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec:\n"
      "  hosts: ['*']\n  gateways: [g]\n  http:\n"
      "    - match: [{uri: {regex: '('}}]\n"
      "      route: [{destination: {host: vm.example.com}}]\n");
  const Translation translation = translator.load_directory(temp_.path().string());
  EXPECT_THAT(
      diagnostics_text(translation, temp_.path().string() + "/"),
      HasSubstr("v.yaml:8:29: error: VirtualService default/v spec.http[0].match[0].uri.regex"));
  EXPECT_EQ(translation.rejected, 1u);
  EXPECT_EQ(translation.world.listeners.size(), 1u);
}

TEST_F(TranslatorTest, TheWorldDoesNotDependOnFilesOrTheirOrder) {
  std::vector<std::string> objects{gateway("g", 80), gateway("h", 80), kServiceEntry};
  for (int i = 0; i < 8; ++i) {
    objects.push_back(virtual_service(fmt::format("v{}", i), i % 2 == 0 ? "*" : "a.example.com"));
  }
  const auto world_of = [&](const std::vector<std::string>& order) {
    const TempDirectory dir;
    for (std::size_t i = 0; i < order.size(); ++i)
      dir.write(fmt::format("{:02}.yaml", i), order[i]);
    Translation translation = Translator({.gateway_labels = {{"istio", "ingressgateway"}}})
                                  .load_directory(dir.path().string());
    std::string text = world_text(translation.world, "");
    // Places differ, of course.
    std::string out;
    int depth = 0;
    for (const char c : text) {
      if (c == '(') ++depth;
      if (depth == 0) out += c;
      if (c == ')') --depth;
    }
    return out;
  };
  const std::string wanted = world_of(objects);
  EXPECT_THAT(wanted, HasSubstr("vm.example.com||80"));
  std::mt19937 random(7);
  for (int round = 0; round < 10; ++round) {
    std::shuffle(objects.begin(), objects.end(), random);
    ASSERT_EQ(world_of(objects), wanted);
  }
}

TEST_F(TranslatorTest, AThousandObjectsReloadQuicklyWhenOneFileChanges) {
  temp_.write("g.yaml", gateway("g", 80));
  temp_.write("s.yaml", kServiceEntry);
  for (int i = 0; i < 1000; ++i) {
    temp_.write(fmt::format("v{}.yaml", i),
                virtual_service(fmt::format("v{}", i), fmt::format("h{}.example.com", i)));
  }
  ASSERT_EQ(load().objects, 1002u);
  temp_.write("v7.yaml", virtual_service("v7", "changed.example.com"));
  const auto start = std::chrono::steady_clock::now();
  const Translation again = load();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(again.world.listeners.at(0).virtual_hosts.size(), 1000u);
  RecordProperty("reload_ms", static_cast<int>(took.count() * 1000));
  EXPECT_LT(took.count(), 2.0);
}

}  // namespace
}  // namespace sluice::config
