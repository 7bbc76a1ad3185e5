// SPDX-License-Identifier: Apache-2.0
// bench_routing: nanoseconds that a request is matched in, by how many routes or hosts there are. The request always
// takes the last one. Run by hand and by tools/bench/scale. Thread: main.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "agent/routing/route_table.hpp"

namespace sluice::routing {
namespace {

using Kind = model::StringMatch::Kind;

model::Route route(Kind kind, std::string value) {
  model::Route out;
  out.matches.emplace_back();
  out.matches.back().uri = model::StringMatch{kind, std::move(value)};
  return out;
}

http::RequestHead request(std::string authority, std::string path) {
  http::RequestHead out;
  out.method = "GET";
  out.authority = std::move(authority);
  out.path = std::move(path);
  out.target = out.path;
  return out;
}

void match(benchmark::State& state, std::vector<model::VirtualHostPtr> hosts,
           const http::RequestHead& head) {
  const auto table = RouteTable::compile(std::move(hosts), 80);
  if (!table || !table->match(head)) std::abort();
  for (auto _ : state) benchmark::DoNotOptimize(table->match(head));
}

// One host with as many routes of that kind.
void routes(benchmark::State& state, Kind kind) {
  auto host = std::make_shared<model::VirtualHost>();
  host->domains = {"shop.example.com"};
  const std::int64_t last = state.range(0) - 1;
  for (std::int64_t i = 0; i <= last; ++i) {
    const std::string tail = kind == Kind::kRegex ? "/[0-9]+" : "/";
    host->routes.push_back(route(kind, "/api/v" + std::to_string(i) + tail));
  }
  const std::string path = "/api/v" + std::to_string(last) + "/";
  match(state, {host}, request("shop.example.com", kind == Kind::kExact ? path : path + "17"));
}

// As many hosts with one route each.
void hosts(benchmark::State& state) {
  std::vector<model::VirtualHostPtr> all;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    auto host = std::make_shared<model::VirtualHost>();
    host->domains = {"shop" + std::to_string(i) + ".example.com"};
    host->routes.push_back(route(Kind::kPrefix, "/"));
    all.push_back(std::move(host));
  }
  const std::string last = all.back()->domains.front();
  match(state, std::move(all), request(last, "/api/v1/17"));
}

BENCHMARK_CAPTURE(routes, exact, Kind::kExact)->Arg(1)->Arg(1000);
BENCHMARK_CAPTURE(routes, prefix, Kind::kPrefix)->Arg(1)->Arg(1000);
BENCHMARK_CAPTURE(routes, regex, Kind::kRegex)->Arg(1)->Arg(1000);
BENCHMARK(hosts)->Arg(1)->Arg(1000);

}  // namespace
}  // namespace sluice::routing

BENCHMARK_MAIN();
