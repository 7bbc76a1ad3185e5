// SPDX-License-Identifier: Apache-2.0
// KubeAccess: where the API server is and how to log in: from the files that every pod has, or from a kubeconfig.
// Called by app (options) and KubeClient. Thread: any. Pure but for reading the files it is told of.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "agent/base/error.hpp"

namespace sluice::config {

struct KubeAccess {
  std::string origin;       // "in-cluster" or the kubeconfig's path, for people
  std::string server;       // https://host:port, without a slash at the end
  std::string server_name;  // that the certificate must name; empty: the host of `server`
  // PEM texts; an empty certificate of the authority means the system's.
  std::string authority;
  std::string certificate;
  std::string key;
  std::string token_file;  // read again and again: tokens of pods live for an hour
  std::string token;       // where there is no file
  bool insecure = false;   // the server's certificate is not checked (insecure-skip-tls-verify)
};

// The kubelet's files in a pod (/var/run/secrets/kubernetes.io/serviceaccount) and KUBERNETES_SERVICE_HOST, _PORT.
// `environment` is getenv; `directory` is for tests.
using Environment = std::function<const char*(const char*)>;
[[nodiscard]] Result<KubeAccess> in_cluster_access(
    const Environment& environment,
    const std::string& directory = "/var/run/secrets/kubernetes.io/serviceaccount");

// A kubeconfig file, in its current context or in `context`. Login by certificate, token and token file; login programs
// (exec, auth-provider) are refused with what to do instead.
[[nodiscard]] Result<KubeAccess> kubeconfig_access(const std::string& path,
                                                   const std::string& context = {});

}  // namespace sluice::config
