// SPDX-License-Identifier: Apache-2.0
// A translator that has seen many versions gives what a fresh one gives, and keeps the objects of what did not change.
#include <fmt/core.h>
#include <gmock/gmock.h>

#include <chrono>
#include <map>
#include <set>
#include <tuple>

#include "agent/config/config.hpp"
#include "tests/golden/config/world_text.hpp"
#include "tests/unit/config/temp_directory.hpp"

namespace sluice::config {
namespace {

using Files = std::map<std::string, std::string>;

const char* const kIstio = "apiVersion: networking.istio.io/v1\n";

std::string gateway(const std::string& name, int port, const std::string& host) {
  return fmt::format(
      "{}kind: Gateway\nmetadata: {{name: {}}}\nspec:\n  selector: {{istio: ingressgateway}}\n"
      "  servers:\n    - {{port: {{number: {}, name: http, protocol: HTTP}}, hosts: ['{}']}}\n",
      kIstio, name, port, host);
}

std::string virtual_service(const std::string& name, const std::string& host, const std::string& to,
                            int weight = 1, const std::string& gateways = "g") {
  return fmt::format(
      "{}kind: VirtualService\nmetadata: {{name: {}}}\nspec:\n  hosts: ['{}']\n  gateways: [{}]\n"
      "  http:\n    - route:\n        - {{destination: {{host: {}}}, weight: {}}}\n"
      "        - {{destination: {{host: s0}}, weight: 1}}\n",
      kIstio, name, host, gateways, to, weight);
}

std::string service(const std::string& name) {
  return fmt::format(
      "apiVersion: v1\nkind: Service\nmetadata: {{name: {}}}\nspec:\n  ports: [{{port: 80}}]\n",
      name);
}

std::string slice(const std::string& name, int last) {
  return fmt::format(
      "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n"
      "metadata: {{name: {}-1, labels: {{kubernetes.io/service-name: {}}}}}\n"
      "ports: [{{port: 8080}}]\nendpoints:\n  - {{addresses: [10.0.0.{}]}}\n",
      name, name, last);
}

std::string rule(const std::string& host, const std::string& version) {
  return fmt::format(
      "{}kind: DestinationRule\nmetadata: {{name: {}}}\nspec:\n  host: {}\n"
      "  subsets: [{{name: v1, labels: {{version: {}}}}}]\n"
      "  trafficPolicy: {{loadBalancer: {{simple: RANDOM}}}}\n",
      kIstio, host, host, version);
}

TranslateOptions options() { return {.gateway_labels = {{"istio", "ingressgateway"}}}; }

std::string text_of(const Translation& translation) {
  return world_text(translation.world, "/nowhere") + diagnostics_text(translation, "/nowhere");
}

Files base() {
  Files out;
  out["g.yaml"] = gateway("g", 80, "*");
  for (int i = 0; i < 6; ++i) {
    const std::string name = fmt::format("s{}", i);
    out[name + ".yaml"] = service(name);
    out[name + "-e.yaml"] = slice(name, i + 1);
    out[fmt::format("v{}.yaml", i)] =
        virtual_service(fmt::format("v{}", i), fmt::format("h{}.test", i), name);
  }
  return out;
}

TEST(Incremental, OneVirtualServiceIsMadeAnewAndAllElseIsTheSame) {
  Translator translator(options());
  Files files = base();
  const auto before = translator.load_texts(files).world;
  files["v3.yaml"] = virtual_service("v3", "h3.test", "s3", 9);
  const auto after = translator.load_texts(files).world;
  const auto& old = before.listeners.at(0).virtual_hosts;
  const auto& now = after.listeners.at(0).virtual_hosts;
  ASSERT_EQ(old.size(), now.size());
  for (std::size_t i = 0; i < now.size(); ++i) EXPECT_EQ(now[i] == old[i], i != 3) << i;
  EXPECT_EQ(now[3]->routes.at(0).destinations.at(0).weight, 9 * model::kWeightUnit);
  EXPECT_EQ(after.clusters, before.clusters);
}

TEST(Incremental, AnEndpointChangesItsCluster) {
  Translator translator(options());
  Files files = base();
  const auto before = translator.load_texts(files).world;
  files["s4-e.yaml"] = slice("s4", 99);
  const auto after = translator.load_texts(files).world;
  for (const auto& [key, cluster] : after.clusters) {
    EXPECT_EQ(cluster == before.clusters.at(key), !key.starts_with("s4.")) << key;
  }
  const auto& old = before.listeners.at(0).virtual_hosts;
  const auto& now = after.listeners.at(0).virtual_hosts;
  for (std::size_t i = 0; i < now.size(); ++i) EXPECT_EQ(now[i] == old[i], i != 4) << i;
}

TEST(Incremental, AnAddedVirtualServiceLeavesTheOthersAlone) {
  Translator translator(options());
  Files files = base();
  const auto before = translator.load_texts(files).world;
  files["new.yaml"] = virtual_service("new", "a.test", "s1");
  const auto after = translator.load_texts(files).world;
  const auto& old = before.listeners.at(0).virtual_hosts;
  const auto& now = after.listeners.at(0).virtual_hosts;
  ASSERT_EQ(now.size(), old.size() + 1);
  for (std::size_t i = 0; i < old.size(); ++i) EXPECT_EQ(now[i + 1], old[i]) << i;
}

class History : public ::testing::TestWithParam<int> {
 protected:
  std::uint32_t below(std::uint32_t limit) {
    random_ = random_ * 1664525U + 1013904223U;
    return (random_ >> 16) % limit;
  }
  void change(Files& files);

  std::uint32_t random_ = static_cast<std::uint32_t>(GetParam());
};

void History::change(Files& files) {
  const std::string s = fmt::format("s{}", below(7));
  const std::string v = fmt::format("v{}", below(9));
  const std::string host = fmt::format("h{}.test", below(8));
  switch (below(16)) {
    case 0:
      files[s + ".yaml"] = service(s);
      break;
    case 1:
      files.erase(s + ".yaml");
      break;
    case 2:
    case 3:
      files[s + "-e.yaml"] = slice(s, static_cast<int>(below(200)));
      break;
    case 4:
      files.erase(s + "-e.yaml");
      break;
    case 5:
      files[s + "-r.yaml"] = rule(s, below(2) == 0 ? "v1" : "v2");
      break;
    case 6:
      files.erase(s + "-r.yaml");
      break;
    case 7:
      files.erase(v + ".yaml");
      break;
    case 8:
      files[v + ".yaml"] = "kind: [broken\n";
      break;
    case 9:
      // The same object in a second file.
      files["other.yaml"] = virtual_service(v, host, s);
      break;
    case 10:
      files.erase("other.yaml");
      break;
    case 11:
      files["g2.yaml"] = gateway("g2", below(2) == 0 ? 80 : 81, "*.test");
      break;
    case 12:
      files.erase("g2.yaml");
      break;
    case 13:
      // Several services for one host, through one or two gateways; sometimes of the same service.
      files[v + ".yaml"] = virtual_service(v, "h0.test", s, 2, below(2) == 0 ? "g" : "g, g2");
      break;
    case 14:
      files["d.yaml"] = fmt::format(
          "{}kind: VirtualService\nmetadata: {{name: leaf}}\nspec:\n  http:\n"
          "    - route: [{{destination: {{host: {}}}}}]\n---\n"
          "{}kind: VirtualService\nmetadata: {{name: root}}\nspec:\n  hosts: [root.test]\n"
          "  gateways: [g]\n  http: [{{delegate: {{name: {}}}}}]\n",
          kIstio, s, kIstio, below(3) == 0 ? "absent" : "leaf");
      break;
    default:
      files[v + ".yaml"] = virtual_service(v, host, s, static_cast<int>(1 + below(5)));
  }
}

// A fresh translator knows no last good versions: where nothing is wrong, both must agree in every word.
TEST_P(History, GivesWhatAFreshTranslatorGives) {
  Translator translator(options());
  Files files = base();
  (void)translator.load_texts(files);
  int compared = 0;
  for (int step = 0; step < 400; ++step) {
    if (step % 6 == 0) files = base();  // mends what the changes before broke
    change(files);
    const auto now = translator.load_texts(files);
    const auto fresh = Translator(options()).load_texts(files);
    const bool kept = std::ranges::any_of(fresh.diagnostics, [](const model::Diagnostic& each) {
      return each.severity == model::Severity::kError;
    });
    if (kept) continue;
    ++compared;
    ASSERT_EQ(text_of(now), text_of(fresh)) << step;
    ASSERT_EQ(now.objects, fresh.objects);
  }
  EXPECT_GT(compared, 20);
}

// Whoever is told which files changed knows as much as whoever looks at all of them.
TEST_P(History, NamedFilesGiveWhatTheWholeDirectoryGives) {
  const TempDirectory temp;
  const std::string path = temp.path().string();
  Translator whole(options());
  Translator named(options());
  Files on_disk;
  Files files = base();
  for (int step = 0; step < 120; ++step) {
    if (step % 10 == 9) files = base();
    if (step > 0) change(files);
    if (below(3) == 0) change(files);
    std::set<std::string> names{"none.yaml"};  // a name may be told for nothing
    for (const auto& [name, text] : files) {
      const auto old = on_disk.find(name);
      if (old != on_disk.end() && old->second == text) continue;
      temp.write(name, text);
      names.insert(name);
    }
    for (const auto& [name, text] : on_disk) {
      if (files.contains(name)) continue;
      std::filesystem::remove(temp.path() / name);
      names.insert(name);
    }
    on_disk = files;
    const auto expected = whole.load_directory(path);
    const auto now = named.load_files(path, names);
    ASSERT_EQ(text_of(now), text_of(expected)) << step;
    ASSERT_EQ(std::tie(now.objects, now.rejected), std::tie(expected.objects, expected.rejected));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, History, ::testing::Range(1, 7));

TEST(Incremental, AnEmptiedDirectoryKeepsEverything) {
  const TempDirectory temp;
  Translator translator(options());
  temp.write("a.yaml", gateway("g", 80, "*"));
  ASSERT_EQ(translator.load_directory(temp.path().string()).world.listeners.size(), 1U);
  std::filesystem::remove(temp.path() / "a.yaml");
  const auto emptied = translator.load_directory(temp.path().string());
  EXPECT_EQ(emptied.world.listeners.size(), 1U);
  EXPECT_THAT(diagnostics_text(emptied, "/nowhere"), ::testing::HasSubstr("directory_empty"));
  temp.write("none.yaml", "");
  const auto meant = translator.load_directory(temp.path().string());
  EXPECT_EQ(meant.world.listeners.size(), 0U);
  EXPECT_TRUE(meant.diagnostics.empty());
}

TEST(Incremental, AnEmptiedDirectoryKeepsEverythingAlsoWhenItsFilesAreNamed) {
  const TempDirectory temp;
  Translator translator(options());
  temp.write("a.yaml", gateway("g", 80, "*"));
  (void)translator.load_directory(temp.path().string());
  std::filesystem::remove(temp.path() / "a.yaml");
  const auto emptied = translator.load_files(temp.path().string(), {"a.yaml"});
  EXPECT_EQ(emptied.world.listeners.size(), 1U);
  EXPECT_THAT(diagnostics_text(emptied, "/nowhere"), ::testing::HasSubstr("directory_empty"));
}

TEST(Incremental, TellsFilesThatHoldNothingButEndpoints) {
  const TempDirectory temp;
  const std::string path = temp.path().string();
  Translator translator(options());
  temp.write("e.yaml", slice("s0", 1));
  temp.write("both.yaml", service("s0") + "---\n" + slice("s1", 1));
  temp.write("broken.yaml", "kind: [broken\n");
  (void)translator.load_directory(path);
  EXPECT_TRUE(translator.holds_only_endpoints(path, "e.yaml"));
  for (const char* other : {"both.yaml", "broken.yaml", "absent.yaml"}) {
    EXPECT_FALSE(translator.holds_only_endpoints(path, other)) << other;
  }
}

// A second write within one tick of the file system's clock changes neither size nor time.
TEST(Incremental, TwoQuickWritesOfTheSameSizeAreSeen) {
  const TempDirectory temp;
  Translator translator(options());
  for (int port = 1000; port < 1050; ++port) {
    temp.write("a.yaml", gateway("g", port, "*"));
    ASSERT_EQ(translator.load_directory(temp.path().string()).world.listeners.at(0).port, port);
  }
}

}  // namespace
}  // namespace sluice::config
