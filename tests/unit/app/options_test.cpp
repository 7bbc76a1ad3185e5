// SPDX-License-Identifier: Apache-2.0
// The command line about requests: defaults, flags, variables, and what a wrong value is answered with.
#include "agent/app/options.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace sluice::app {
namespace {

Parsed parse(std::vector<const char*> flags) {
  std::vector<const char*> argv{"lb-agent", "--config", "manifests"};
  argv.insert(argv.end(), flags.begin(), flags.end());
  return parse_options(static_cast<int>(argv.size()), argv.data());
}

HttpOptions http_of(std::vector<const char*> flags) {
  const Parsed parsed = parse(std::move(flags));
  EXPECT_FALSE(parsed.exit) << parsed.exit->text;
  return parsed.options.http;
}

TEST(HttpFlags, AreSafeAndGenerousByDefault) {
  const HttpOptions http = http_of({});
  EXPECT_EQ(http.desync_mode, model::DesyncMode::kDefensive);
  EXPECT_EQ(http.underscores, http::UnderscoreNames::kKeep);
  EXPECT_FALSE(http.path_normalization);
  EXPECT_EQ(http.trusted_hops, 0U);
  EXPECT_EQ(http.limits.body_bytes, 0U);
  EXPECT_FALSE(http.access_log.enabled());
}

TEST(HttpFlags, AreRead) {
  const HttpOptions http = http_of({"--desync-mode",           "strictest",
                                    "--underscore-headers",    "drop",
                                    "--path-normalization",    "merge-slashes",
                                    "--trusted-hops",          "2",
                                    "--max-head-bytes",        "4096",
                                    "--max-uri-bytes",         "1024",
                                    "--max-headers",           "50",
                                    "--max-body-bytes",        "1048576",
                                    "--head-timeout",          "3",
                                    "--idle-timeout",          "4",
                                    "--stream-timeout",        "5",
                                    "--upstream-idle-timeout", "6",
                                    "--max-connections",       "7"});
  EXPECT_EQ(http.desync_mode, model::DesyncMode::kStrictest);
  EXPECT_EQ(http.underscores, http::UnderscoreNames::kDrop);
  EXPECT_EQ(http.path_normalization, model::PathNormalization::kMergeSlashes);
  EXPECT_EQ(http.trusted_hops, 2U);
  EXPECT_EQ(http.limits.head_bytes, 4096U);
  EXPECT_EQ(http.limits.target_bytes, 1024U);
  EXPECT_EQ(http.limits.fields, 50U);
  EXPECT_EQ(http.limits.body_bytes, 1048576U);
  EXPECT_EQ(http.head_seconds, 3U);
  EXPECT_EQ(http.idle_seconds, 4U);
  EXPECT_EQ(http.stream_seconds, 5U);
  EXPECT_EQ(http.upstream_idle_seconds, 6U);
  EXPECT_EQ(http.max_connections, 7U);
}

TEST(HttpFlags, AUriLimitAboveTheHeadsIsTheHeads) {
  EXPECT_EQ(http_of({"--max-head-bytes", "2048"}).limits.target_bytes, 2048U);
}

TEST(AccessLogFlags, AreRead) {
  const AccessLogOptions log =
      http_of({"--access-log", "/var/log/access.log", "--access-log-format", "json",
               "--access-log-sample", "0.01", "--access-log-granularity", "connection"})
          .access_log;
  EXPECT_TRUE(log.enabled());
  EXPECT_EQ(log.target, "/var/log/access.log");
  EXPECT_TRUE(log.json);
  EXPECT_FALSE(log.per_request);
  EXPECT_DOUBLE_EQ(log.sample, 0.01);
  EXPECT_FALSE(
      http_of({"--access-log", "stdout", "--access-log-sample", "0"}).access_log.enabled());
}

TEST(HttpFlags, AreVariablesToo) {
  ::setenv("SLUICE_DESYNC_MODE", "monitor", 1);
  EXPECT_EQ(http_of({}).desync_mode, model::DesyncMode::kMonitor);
  EXPECT_EQ(http_of({"--desync-mode", "defensive"}).desync_mode, model::DesyncMode::kDefensive);
  ::unsetenv("SLUICE_DESYNC_MODE");
}

TEST(Source, IsADirectoryOrACluster) {
  const auto run = [](std::vector<const char*> argv) {
    argv.insert(argv.begin(), "lb-agent");
    return parse_options(static_cast<int>(argv.size()), argv.data());
  };
  const auto says = [](const Parsed& parsed, const char* what) {
    return parsed.exit && parsed.exit->code == 2 &&
           parsed.exit->text.find(what) != std::string::npos;
  };
  EXPECT_TRUE(says(run({}), "--kubernetes"));
  EXPECT_TRUE(says(run({"--config", "d", "--kubernetes"}), "exclude each other"));
  EXPECT_TRUE(says(run({"--config", "d", "--cache", "c"}), "--cache is about a cluster"));
  EXPECT_TRUE(says(run({"--config", "d", "--kube-context", "c"}), "--kube-context is about"));
  const Parsed cluster = run({"--kubernetes", "--kubeconfig", "k", "--cache", "c"});
  ASSERT_FALSE(cluster.exit) << cluster.exit->text;
  EXPECT_TRUE(cluster.options.kubernetes);
  EXPECT_EQ(cluster.options.kubeconfig, "k");
  EXPECT_EQ(cluster.options.cache_directory, "c");
}

TEST(Locality, IsTheNodesUnlessTheFlagSaysIt) {
  EXPECT_FALSE(parse({}).options.locality);
  EXPECT_EQ(parse({"--locality", "us-east"}).options.locality,
            (model::Locality{"us-east", "", ""}));
  EXPECT_EQ(parse({"--locality", "us-east/zone-a/rack-1"}).options.locality,
            (model::Locality{"us-east", "zone-a", "rack-1"}));
}

class WrongFlag : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};
TEST_P(WrongFlag, EndsWithItsName) {
  const Parsed parsed = parse({GetParam().first, GetParam().second});
  ASSERT_TRUE(parsed.exit);
  EXPECT_EQ(parsed.exit->code, 2);
  EXPECT_NE(parsed.exit->text.find(GetParam().first), std::string::npos) << parsed.exit->text;
}
INSTANTIATE_TEST_SUITE_P(
    All, WrongFlag,
    ::testing::Values(std::pair{"--desync-mode", "paranoid"}, std::pair{"--max-headers", "0"},
                      std::pair{"--max-head-bytes", "10"}, std::pair{"--head-timeout", "0"},
                      std::pair{"--access-log", ""}, std::pair{"--access-log-sample", "1.5"},
                      std::pair{"--access-log-sample", "nan"},
                      std::pair{"--access-log-granularity", "byte"},
                      std::pair{"--path-normalization", "all"},
                      std::pair{"--locality", "us-east/*"}, std::pair{"--locality", "/zone-a"},
                      std::pair{"--locality", "us-east/"},
                      std::pair{"--locality", "us-east//rack-1"}));

}  // namespace
}  // namespace sluice::app
