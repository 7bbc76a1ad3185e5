// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>

#include "sample.hpp"

namespace sluice::app {
namespace {

std::string sample_text() {
  return telemetry::to_prometheus_text(metrics_view(test::sample_metrics()));
}

void expect_line(const std::string& text, const std::string& line) {
  EXPECT_NE(text.find("\n" + line + "\n"), std::string::npos) << line << "\nis not in\n" << text;
}

TEST(MetricsView, SumsWorkersByReasonAndCluster) {
  const std::string text = sample_text();
  expect_line(text, "sluice_proxy_endings_total{reason=\"no_route\"} 4");
  expect_line(text, "sluice_proxy_endings_total{reason=\"overload\"} 0");
  expect_line(text, "sluice_proxy_refusals_total{reason=\"pipelined\"} 2");
  expect_line(text, "sluice_proxy_requests_total{worker=\"1\"} 50");
  expect_line(text, std::string("sluice_proxy_picks_total{cluster=\"") + test::kV1 + "\"} 80");
  // Never picked so far, and yet there: a rate needs the 0.
  expect_line(text, std::string("sluice_proxy_picks_total{cluster=\"") + test::kGone + "\"} 0");
  expect_line(text, std::string("sluice_proxy_responses_total{cluster=\"") + test::kV1 +
                        "\",class=\"2xx\"} 78");
  expect_line(text, std::string("sluice_steer_requests_total{cluster=\"") + test::kV1 + "\"} 200");
  expect_line(
      text, std::string("sluice_proxy_carried_requests_total{cluster=\"") + test::kV1 + "\"} 240");
  expect_line(text,
              std::string("sluice_proxy_share_ahead_requests{cluster=\"") + test::kV2 + "\"} -3");
  expect_line(text, "sluice_steer_adopted_connections{worker=\"1\"} 1");
  expect_line(text, "sluice_app_build_info{version=\"1.2.3\"} 1");
}

// Worker 1 has forgotten it already: the rest of a sum would look like a restart.
TEST(MetricsView, AClusterThatIsGoneVanishesAsAWhole) {
  auto input = test::sample_metrics();
  const std::string line = "sluice_proxy_picks_total{cluster=\"old\"}";
  input.workers[0].clusters["old"].picks = 5;
  input.workers[1].clusters["old"].picks = 6;
  const auto text = [&] { return telemetry::to_prometheus_text(metrics_view(input)); };
  expect_line(text(), line + " 11");
  input.workers[0].clusters["old"].unused_for = proxy::ClusterReport::kHide - 1;
  expect_line(text(), line + " 11");
  input.workers[0].clusters["old"].unused_for = proxy::ClusterReport::kHide;
  EXPECT_EQ(text().find(line), std::string::npos);
  input.workers[1].clusters.erase("old");
  EXPECT_EQ(text().find(line), std::string::npos);
}

TEST(MetricsView, DurationsOfAClusterAddUpOverWorkers) {
  const std::string text = sample_text();
  const std::string name = std::string("sluice_proxy_request_duration_seconds");
  const std::string cluster = std::string("cluster=\"") + test::kV1 + "\"";
  expect_line(text, name + "_count{" + cluster + "} 4");
  expect_line(text, name + "_bucket{" + cluster + ",le=\"0.0025\"} 0");
  expect_line(text, name + "_bucket{" + cluster + ",le=\"0.005\"} 2");
  expect_line(text, name + "_bucket{" + cluster + ",le=\"60\"} 2");
  expect_line(text, name + "_bucket{" + cluster + ",le=\"+Inf\"} 4");
  expect_line(text, name + "_sum{" + cluster + "} 240.006");
  EXPECT_EQ(text.find(name + "_count{cluster=\"" + test::kGone), std::string::npos)
      << "a cluster that never served costs no series";
}

TEST(MetricsView, FirstBytesOfBothTiersAreOneFamily) {
  const std::string text = sample_text();
  const std::string name = "sluice_request_first_byte_seconds";
  const auto labels = [](const std::string& cluster, const std::string& tier) {
    return "{cluster=\"" + cluster + "\",tier=\"" + tier + "\"";
  };
  expect_line(text, name + "_count" + labels(test::kV1, "request") + "} 2");
  expect_line(text, name + "_bucket" + labels(test::kV1, "request") + ",le=\"0.0025\"} 2");
  expect_line(text, name + "_count" + labels(test::kV2, "connection") + "} 7");
  expect_line(text, name + "_bucket" + labels(test::kV2, "connection") + ",le=\"0.0005\"} 7");
  expect_line(text, name + "_sum" + labels(test::kV2, "connection") + "} 0.0015");
  EXPECT_EQ(text.find(name + "_count" + labels(test::kV2, "request")), std::string::npos);
}

TEST(MetricsView, CountsWhatTheKernelCarriedTwice) {
  const std::string name = "sluice_steer_resent_packets_total{cluster=\"" + std::string(test::kV1);
  expect_line(sample_text(), name + "\",direction=\"to_endpoint\"} 6");
  expect_line(sample_text(), name + "\",direction=\"to_client\"} 8");
}

TEST(MetricsView, ListenersThatNobodyUsesAreThereWithZero) {
  auto input = test::sample_metrics();
  input.listener_connections["192.0.2.1:8080"] = 12;
  const std::string text = telemetry::to_prometheus_text(metrics_view(input));
  expect_line(text, "sluice_proxy_listener_connections_open{listener=\"192.0.2.1:8080\"} 12");
  input.listener_connections.clear();
  expect_line(telemetry::to_prometheus_text(metrics_view(input)),
              "sluice_proxy_listener_connections_open{listener=\"192.0.2.1:8080\"} 0");
}

TEST(MetricsView, SharesOfRoutesWithAChoice) {
  const auto families = metrics_view(test::sample_metrics());
  for (const auto& family : families) {
    if (family.name != "sluice_snapshot_share_wanted_ratio" &&
        family.name != "sluice_proxy_share_realised_ratio") {
      continue;
    }
    ASSERT_EQ(family.samples.size(), 2U) << family.name;
    EXPECT_EQ(family.samples[0].labels[0].second, "default/echo#2");
    EXPECT_EQ(family.samples[0].labels[1].second, test::kV1);
    EXPECT_DOUBLE_EQ(family.samples[0].value, 0.8);
    EXPECT_DOUBLE_EQ(family.samples[1].value, 0.2);
  }
}

TEST(MetricsView, SnapshotAndKernel) {
  const std::string text = sample_text();
  expect_line(text, "sluice_snapshot_generation 7");
  expect_line(text, std::string("sluice_snapshot_condition{type=\"no_endpoints\",cluster=\"") +
                        test::kGone + "\"} 1");
  expect_line(text, std::string("sluice_snapshot_endpoints{cluster=\"") + test::kV1 +
                        "\",state=\"not_ready\"} 1");
  expect_line(text,
              "sluice_snapshot_listener_info{listener=\"192.0.2.1:8080\",tier=\"connection\",code="
              "\"steerable\"} 1");
  expect_line(text, "sluice_datapath_packets_total{reason=\"to_pod\"} 1234");
  expect_line(text, "sluice_datapath_packets_total{reason=\"rst_out_of_window\"} 0");
  expect_line(text, "sluice_datapath_map_entries{map=\"lb_slots\"} 8");
  expect_line(text, "sluice_datapath_interface_info{interface=\"eth0\",mode=\"tcx\"} 1");
  expect_line(text, "sluice_datapath_kernel_path 1");
}

TEST(MetricsView, TheSameFamiliesWithAndWithoutState) {
  const auto full = metrics_view(test::sample_metrics());
  const auto empty = metrics_view({});
  ASSERT_EQ(full.size(), empty.size());
  std::set<std::string> names;
  for (std::size_t i = 0; i < full.size(); ++i) {
    EXPECT_EQ(full[i].name, empty[i].name);
    EXPECT_TRUE(names.insert(full[i].name).second) << full[i].name << " twice";
    EXPECT_TRUE(full[i].name.starts_with("sluice_"));
    EXPECT_FALSE(full[i].help.empty());
    EXPECT_EQ(full[i].type == telemetry::Family::Type::kCounter, full[i].name.ends_with("_total"))
        << full[i].name;
    std::set<decltype(telemetry::Sample::labels)> seen;
    for (const auto& sample : full[i].samples)
      EXPECT_TRUE(seen.insert(sample.labels).second) << full[i].name;
  }
}

}  // namespace
}  // namespace sluice::app
