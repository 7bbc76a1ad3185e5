// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration file beside a sound one: no crash, the same result twice, the sound objects stay in
// force, every destination's cluster exists, and each diagnostic names a place in the text. Thread: main.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string>

#include "agent/config/config.hpp"

namespace sluice::config {
namespace {

// Sorts before the fuzzed file, so that its objects win over duplicates. Port 65000 marks its listener.
constexpr const char* kSound = R"(
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 65000, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: vm}
spec:
  hosts: [vm.example.com]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 192.0.2.1, labels: {version: v1}}]
)";

void require(bool condition, std::source_location where = std::source_location::current()) {
  if (condition) return;
  std::fprintf(stderr, "line %u of the fuzz target does not hold\n", where.line());
  std::abort();
}

void check(const Translation& translation, const std::string& text) {
  const auto lines = static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 1;
  for (const model::Diagnostic& diagnostic : translation.diagnostics) {
    require(!diagnostic.code.empty() && !diagnostic.message.empty());
    if (diagnostic.origin.file != "b.yaml") continue;
    require(diagnostic.origin.line >= 0 && diagnostic.origin.line <= lines);
  }
  bool sound = false;
  for (const model::Listener& listener : translation.world.listeners) {
    sound |= listener.port == 65000;
    for (const model::TcpRoute& route : listener.tcp_routes) {
      for (const model::WeightedDestination& destination : route.destinations) {
        require(translation.world.clusters.contains(destination.cluster));
      }
    }
    for (const model::VirtualHostPtr& host : listener.virtual_hosts) {
      require(!host->domains.empty());
      for (const model::Route& route : host->routes) {
        for (const model::WeightedDestination& destination : route.destinations) {
          require(translation.world.clusters.contains(destination.cluster));
          require(destination.weight <= 1'000'000'000 * model::kWeightUnit);
        }
        for (const model::Mirror& mirror : route.mirrors) {
          require(translation.world.clusters.contains(mirror.cluster));
          require(mirror.share.millionths <= model::Fraction::kWhole);
        }
      }
    }
  }
  require(sound);
}

}  // namespace
}  // namespace sluice::config

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::config;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const TranslateOptions options{.gateway_labels = {{"istio", "ingressgateway"}}};
  Translator translator(options);
  const Translation first = translator.load_texts({{"a.yaml", kSound}, {"b.yaml", text}});
  check(first, text);
  const Translation again = translator.load_texts({{"a.yaml", kSound}, {"b.yaml", text}});
  require(first.objects == again.objects && first.rejected == again.rejected);
  require(first.diagnostics.size() == again.diagnostics.size());
  require(first.world.clusters.size() == again.world.clusters.size());
  return 0;
}
