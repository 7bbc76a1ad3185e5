// SPDX-License-Identifier: Apache-2.0
// What a line of the access log costs the worker: forming it and handing it over, while the log's thread writes to a
// file that is thrown away. Run by hand; docs/operations.md has the numbers.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "agent/telemetry/access_log.hpp"

namespace sluice::telemetry {
namespace {

AccessLine line() {
  AccessLine out;
  out.start = std::chrono::system_clock::now();
  out.downstream = *SocketAddress::parse("192.0.2.7:40000");
  out.upstream = *SocketAddress::parse("10.1.2.3:8080");
  out.method = "GET";
  out.authority = "shop.example.com";
  out.path = "/cart/items/1234567?session=abcdef&sort=price";
  out.protocol = "HTTP/1.1";
  out.status = 200;
  out.bytes_out = 3456;
  out.total = std::chrono::microseconds(12345);
  out.upstream_time = std::chrono::microseconds(11005);
  out.lb_time = std::chrono::microseconds(40);
  out.route = "default/shop#2";
  out.file = "manifests/shop.yaml";
  out.file_line = 14;
  out.cluster = "shop.default.svc.cluster.local|v1|80";
  out.attempts = 1;
  out.request_id = "0af7651916cd43dd8448eb211c80319c";
  out.tier = "request";
  return out;
}

void form(benchmark::State& state) {
  AccessLineWriter writer(state.range(0) != 0);
  const AccessLine given = line();
  for (auto _ : state) benchmark::DoNotOptimize(writer.write(given));
  state.SetBytesProcessed(static_cast<std::int64_t>(writer.write(given).size() *
                                                    static_cast<std::size_t>(state.iterations())));
}
BENCHMARK(form)->ArgName("json")->Arg(0)->Arg(1);

void write(benchmark::State& state) {
  std::string pattern = std::filesystem::temp_directory_path() / "access_bench_XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) return state.SkipWithError("no temporary directory");
  {
    auto log = AccessLog::start({.target = pattern + "/log", .json = state.range(0) != 0}, 1);
    if (!log) return state.SkipWithError(log.error().message.c_str());
    const AccessLine given = line();
    AccessLane& lane = (*log)->lane(0);
    for (auto _ : state) {
      if (lane.sampled()) lane.write(given);
    }
    state.counters["dropped"] = static_cast<double>((*log)->state().dropped);
  }
  std::filesystem::remove_all(pattern);
}
BENCHMARK(write)->ArgName("json")->Arg(0)->Arg(1);

}  // namespace
}  // namespace sluice::telemetry

BENCHMARK_MAIN();
