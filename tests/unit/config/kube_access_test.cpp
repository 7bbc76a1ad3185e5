// SPDX-License-Identifier: Apache-2.0
// KubeAccess: the login that a pod has and the one that kubectl uses; what cannot be used is named.
#include "agent/config/source/kube_access.hpp"

#include <gtest/gtest.h>

#include "tests/unit/config/temp_directory.hpp"

namespace sluice::config {
namespace {

constexpr char kConfig[] = R"(apiVersion: v1
kind: Config
current-context: one
clusters:
- name: c1
  cluster: {server: "https://10.0.0.1:6443/", certificate-authority-data: Q0E=, tls-server-name: kubernetes}
- name: c2
  cluster: {server: "https://10.0.0.2:6443", insecure-skip-tls-verify: true}
contexts:
- name: one
  context: {cluster: c1, user: u1}
- name: two
  context: {cluster: c2, user: u2}
- name: three
  context: {cluster: c2, user: u3}
users:
- name: u1
  user: {client-certificate: cert.pem, client-key-data: S0VZ}
- name: u2
  user: {tokenFile: token}
- name: u3
  user: {exec: {command: aws}}
)";

TEST(KubeAccess, OfAKubeconfig) {
  const TempDirectory directory;
  directory.write("config", kConfig);
  directory.write("cert.pem", "CERT");
  const std::string path = (directory.path() / "config").string();
  const auto one = kubeconfig_access(path);
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->server, "https://10.0.0.1:6443");
  EXPECT_EQ(one->server_name, "kubernetes");
  EXPECT_EQ(one->authority, "CA");
  EXPECT_EQ(one->certificate, "CERT");
  EXPECT_EQ(one->key, "KEY");
  EXPECT_FALSE(one->insecure);
  const auto two = kubeconfig_access(path, "two");
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_TRUE(two->insecure);
  EXPECT_EQ(two->token_file, (directory.path() / "token").string());
}

TEST(KubeAccess, WhatCannotBeUsedIsNamed) {
  const TempDirectory directory;
  directory.write("config", kConfig);
  const std::string path = (directory.path() / "config").string();
  const auto message = [](const Result<KubeAccess>& access) {
    return access ? std::string("fine") : access.error().message;
  };
  EXPECT_NE(message(kubeconfig_access(path)).find("cert.pem"), std::string::npos);
  EXPECT_NE(message(kubeconfig_access(path, "three")).find("ServiceAccount's token"),
            std::string::npos);
  EXPECT_NE(message(kubeconfig_access(path, "four")).find("no context `four`"), std::string::npos);
  EXPECT_NE(message(kubeconfig_access(path + "x")).find("configx"), std::string::npos);
  directory.write("config", "a: [");
  EXPECT_NE(message(kubeconfig_access(path)).find("config:1:"), std::string::npos);
  directory.write("config", "a: b");
  EXPECT_NE(message(kubeconfig_access(path)).find("kind: Config"), std::string::npos);
}

TEST(KubeAccess, OfAPod) {
  const TempDirectory directory;
  const auto environment = [](const char* name) -> const char* {
    return std::string_view(name) == "KUBERNETES_SERVICE_HOST" ? "fd00::1" : "443";
  };
  const std::string path = directory.path().string();
  EXPECT_FALSE(in_cluster_access(environment, path));
  directory.write("ca.crt", "CA");
  const auto without = in_cluster_access(environment, path);
  ASSERT_FALSE(without);
  EXPECT_NE(without.error().message.find("ServiceAccount"), std::string::npos);
  directory.write("token", "T");
  const auto access = in_cluster_access(environment, path);
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->server, "https://[fd00::1]:443");
  EXPECT_EQ(access->authority, "CA");
  EXPECT_TRUE(access->token.empty()) << "it is read anew for each request";
  const auto outside = in_cluster_access([](const char*) -> const char* { return nullptr; }, path);
  ASSERT_FALSE(outside);
  EXPECT_NE(outside.error().message.find("--kubeconfig"), std::string::npos);
}

}  // namespace
}  // namespace sluice::config
