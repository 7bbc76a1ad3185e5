// SPDX-License-Identifier: Apache-2.0
#include "sample.hpp"

#include <gtest/gtest.h>

#include "agent/base/hash.hpp"

namespace sluice::test {
namespace {

model::Origin at(const std::string& file, int line) {
  model::Origin origin;
  origin.file = file;
  origin.line = line;
  return origin;
}

model::Endpoint endpoint(const std::string& address, bool ready) {
  model::Endpoint out;
  out.address = SocketAddress::parse(address).value();
  out.name = "default/pod-" + address;
  out.ready = ready;
  out.serving = ready;
  return out;
}

model::ClusterPtr cluster(const std::string& key, const std::string& subset,
                          std::vector<model::Endpoint> endpoints) {
  model::Cluster out;
  out.key = key;
  out.host = key.substr(0, key.find('|'));
  out.subset = subset;
  out.port = 80;
  out.endpoints = std::move(endpoints);
  out.origin = at("rules.yaml", 12);
  return std::make_shared<const model::Cluster>(std::move(out));
}

model::Route route(const std::string& name, int line,
                   std::vector<model::WeightedDestination> destinations) {
  model::Route out;
  out.name = name;
  out.origin = at("echo.yaml", line);
  out.destinations = std::move(destinations);
  return out;
}

model::WeightedDestination to(const std::string& key, std::uint64_t percent) {
  return {key, percent * model::kWeightUnit, at("echo.yaml", 99)};
}

model::RouteMatch beta_match() {
  model::RouteMatch match;
  match.uri = model::StringMatch{model::StringMatch::Kind::kPrefix, "/beta"};
  match.headers.push_back({"x-user", {model::StringMatch::Kind::kRegex, "a.*"}});
  match.origin = at("echo.yaml", 15);
  return match;
}

model::VirtualHost echo_host() {
  model::VirtualHost host;
  host.name = "default/echo";
  host.domains = {"echo.example.com"};
  host.origin = at("echo.yaml", 5);
  host.routes.push_back(route("beta", 14, {to(kV2, 100)}));
  host.routes.back().matches.push_back(beta_match());
  model::RouteMatch dead;
  dead.uri = model::StringMatch{model::StringMatch::Kind::kExact, "/dead"};
  dead.origin = at("echo.yaml", 18);
  host.routes.push_back(route("", 17, {to(kGone, 1)}));
  host.routes.back().matches.push_back(dead);
  model::RouteMatch get;
  get.method = model::StringMatch{model::StringMatch::Kind::kExact, "GET"};
  get.origin = at("echo.yaml", 21);
  host.routes.push_back(route("main", 20, {to(kV1, 80), to(kV2, 20)}));
  host.routes.back().matches.push_back(get);
  return host;
}

model::World world() {
  model::World out;
  out.clusters[kV1] =
      cluster(kV1, "v1", {endpoint("10.1.0.3:8080", true), endpoint("10.1.0.4:8080", false)});
  out.clusters[kV2] = cluster(kV2, "v2", {endpoint("10.1.0.9:8080", true)});
  out.clusters[kGone] = cluster(kGone, "", {});
  model::Listener any;
  any.name = "0.0.0.0:80";
  any.port = 80;
  any.gateways = {"default/echo-gateway"};
  any.virtual_hosts = {std::make_shared<const model::VirtualHost>(echo_host())};
  model::Listener bound;
  bound.name = "192.0.2.1:8080";
  bound.bind = IpAddress::parse("192.0.2.1");
  bound.port = 8080;
  model::VirtualHost shop;
  shop.name = "shop/shop";
  shop.domains = {"*"};
  shop.routes.push_back(route("", 3, {to(kV1, 1)}));
  bound.virtual_hosts = {std::make_shared<const model::VirtualHost>(shop)};
  out.listeners = {any, bound};
  return out;
}

}  // namespace

snapshot::SnapshotPtr sample_snapshot() {
  snapshot::BuildOptions options;
  options.kernel_path = true;
  auto built = snapshot::build(world(), 7, nullptr, options);
  EXPECT_TRUE(built) << built.error().message;
  return built ? *built : nullptr;
}

std::vector<proxy::WorkerReport> sample_workers() {
  std::vector<proxy::WorkerReport> out(2);
  for (std::uint32_t i = 0; i < 2; ++i) {
    out[i].worker = i;
    out[i].generation = 7;
    out[i].requests = 50;
    out[i].connections_open = 3;
    out[i].steered_open = 4;
    out[i].steered_adopted = i;
    out[i].endings[static_cast<std::size_t>(proxy::Ending::kNoRoute)] = 2;
    out[i].refusals[static_cast<std::size_t>(proxy::Refusal::kPipelined)] = 1;
    out[i].clusters[kV1].picks = 40;
    out[i].clusters[kV1].promotions = 5;
    out[i].clusters[kV1].steered_turns = 100;
    out[i].clusters[kV1].responses[2] = 39;
    out[i].clusters[kV1].durations.observe(std::chrono::milliseconds(3));
    out[i].clusters[kV1].durations.observe(std::chrono::minutes(2));
    out[i].clusters[kV1].first_bytes.observe(std::chrono::milliseconds(2));
    out[i].clusters[kV1].steered_resent_in = 3;
    out[i].clusters[kV1].steered_resent_out = 4;
    out[i].clusters[kV2].picks = 10;
    out[i].clusters[kV1].carried_requests = 120;
    out[i].clusters[kV2].carried_requests = 30;
    out[i].clusters[kV2].ahead = -1.5;
  }
  return out;
}

app::MetricsInput sample_metrics() {
  app::MetricsInput input;
  input.version = "1.2.3";
  input.config.objects = 5;
  input.config.rejected = 1;
  input.config.rejects_total = 2;
  input.snapshot = sample_snapshot();
  input.workers = sample_workers();
  input.access_log = {.written = 10, .dropped = 2, .failed = 1, .error = ""};
  input.kernel.emplace();
  input.kernel->counters[LB_COUNT_TO_POD] = 1234;
  input.kernel->first_bytes[cluster_hash(kV2)].counts[0] = 7;
  input.kernel->first_bytes[cluster_hash(kV2)].sum_ns = 1'500'000;
  input.kernel->maps = {{"lb_slots", 8, 16384}};
  input.kernel->interfaces.push_back({"eth0", 2, 1500, datapath::AttachMode::kTcx, false, ""});
  return input;
}

}  // namespace sluice::test
