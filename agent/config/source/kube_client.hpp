// SPDX-License-Identifier: Apache-2.0
// KubeClient: requests to the API server, several at a time, over as few connections as it allows (HTTP/2 over
// TLS). The only user of the HTTP client library. Callers: KubeSource, cluster. Thread: the one
// that polls it, but for wake(). Invariants:
// callbacks run inside poll() and cancel() only; an answer's bytes are given only when its status is 2xx; a token is
// read from its file for each request, because the kubelet replaces it within the hour.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/clock.hpp"
#include "agent/base/error.hpp"
#include "agent/config/source/kube_access.hpp"
#include "agent/config/source/kube_watch.hpp"

namespace sluice::config {

class KubeClient {
 public:
  using OnData = std::function<bool(std::string_view)>;  // false: end the request
  using OnEnd = std::function<void(const KubeReply&)>;

  struct Request {
    std::string path;  // with its query
    std::string method = "GET";
    std::string body;                // of other methods
    std::string content_type;        // of the body
    std::chrono::seconds limit{60};  // for the whole answer
    bool compressed = true;          // asks for gzip
  };

  static Result<std::unique_ptr<KubeClient>> create(KubeAccess access);
  virtual ~KubeClient() = default;

  virtual void send(const Request& request, OnData on_data, OnEnd on_end) = 0;
  // Does what can be done, waiting for it as long as `limit`.
  virtual void poll(Milliseconds limit) = 0;
  virtual void wake() = 0;  // Thread: any
};

}  // namespace sluice::config
