// SPDX-License-Identifier: Apache-2.0
// ApiCalls: single requests to the API server with whole answers, and an account of those that failed. Used by
// LeaseClaims and StatusWriter. Thread: cluster.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "agent/config/source/kube_client.hpp"

namespace sluice::cluster {

class ApiCalls {
 public:
  // `text`: the answer, empty when the request failed.
  using Done = std::function<void(const config::KubeReply& reply, std::string text)>;

  explicit ApiCalls(config::KubeClient& client) : client_(client) {}
  // `resource` as people write it, for the account.
  void call(const std::string& resource, config::KubeClient::Request request, Done done);

  [[nodiscard]] std::size_t under_way() const { return under_way_; }
  // By resource: requests that failed, but for conflicts, which are in the order of things.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& failures() const { return failures_; }
  [[nodiscard]] std::uint64_t conflicts() const { return conflicts_; }
  // By resource, in words; gone with the next success.
  [[nodiscard]] const std::map<std::string, std::string>& troubles() const { return troubles_; }

 private:
  void judge(const std::string& resource, const std::string& method,
             const config::KubeReply& reply);

  config::KubeClient& client_;
  std::size_t under_way_ = 0;
  std::uint64_t conflicts_ = 0;
  std::map<std::string, std::uint64_t> failures_;
  std::map<std::string, std::string> troubles_;
};

[[nodiscard]] inline bool succeeded(const config::KubeReply& reply) {
  return reply.status / 100 == 2 && reply.error.empty();
}

}  // namespace sluice::cluster
