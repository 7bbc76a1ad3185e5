// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster/api_calls.hpp"

#include <fmt/core.h>

#include <memory>

#include "agent/base/log.hpp"

namespace sluice::cluster {
namespace {

constexpr std::size_t kLargestAnswer = 4u << 20;
constexpr long kForbidden = 403;
constexpr long kNotFound = 404;
constexpr long kConflict = 409;

const char* verb_of(const std::string& method) {
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  return method == "DELETE" ? "delete" : "get";
}

}  // namespace

void ApiCalls::call(const std::string& resource, config::KubeClient::Request request, Done done) {
  auto text = std::make_shared<std::string>();
  const std::string method = request.method;
  ++under_way_;
  client_.send(
      request,
      [text](std::string_view data) {
        if (text->size() + data.size() > kLargestAnswer) return false;
        text->append(data);
        return true;
      },
      [this, text, resource, method, done = std::move(done)](const config::KubeReply& reply) {
        --under_way_;
        judge(resource, method, reply);
        done(reply, succeeded(reply) ? std::move(*text) : std::string());
      });
}

void ApiCalls::judge(const std::string& resource, const std::string& method,
                     const config::KubeReply& reply) {
  if (succeeded(reply)) {
    if (troubles_.erase(resource) != 0) log::info("cluster", "{}: fine again", resource);
    return;
  }
  if (reply.status == kConflict) {
    ++conflicts_;
    return;
  }
  if (reply.status == kNotFound && method != "POST") return;  // deleted meanwhile
  ++failures_[resource];
  std::string trouble =
      reply.status == kForbidden
          ? fmt::format(
                "no permission for {}: grant the verb {} on it to this agent's "
                "ServiceAccount ({})",
                resource, verb_of(method), reply.error)
          : fmt::format("cannot {} {}: {}", verb_of(method), resource,
                        reply.status == 0 ? reply.error
                                          : fmt::format("the API server answers {}: {}",
                                                        reply.status, reply.error));
  std::string& known = troubles_[resource];
  if (known != trouble) log::warn("cluster", "{}", trouble);
  known = std::move(trouble);
}

}  // namespace sluice::cluster
