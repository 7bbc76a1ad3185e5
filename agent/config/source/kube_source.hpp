// SPDX-License-Identifier: Apache-2.0
// KubeSource: the objects of a cluster, kept equal to the API server's by a thread of its own, for the pipeline to
// take. While the server cannot be reached everything stays as it was; what a cache holds serves an agent that starts
// then. Callers: app. Thread: open(), fd() and take() on main; status() any. Invariants: nothing is given before every
// kind is known (or is not to be had), so that no half of a configuration is ever in force; changes come in order,
// each object once, in its newest form.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/clock.hpp"
#include "agent/base/error.hpp"
#include "agent/config/config.hpp"
#include "agent/config/source/kube_access.hpp"
#include "agent/config/source/kube_watch.hpp"

namespace sluice::config {

// What the agent needs to know of a cluster.
[[nodiscard]] std::vector<KubeResource> kube_resources();

struct KubeKindStatus {
  std::string name;  // "virtualservices.networking.istio.io"
  KubeWatch::Health health = KubeWatch::Health::kStarting;
  std::uint64_t objects = 0;
  std::uint64_t lists = 0;
  std::uint64_t failures = 0;
  std::string trouble;
  double silent_seconds = 0;  // since the server's last word about it; negative: there was none
};

struct KubeStatus {
  std::string server;
  std::string origin;        // of the login
  bool ready = false;        // something was given to take
  bool cached = false;       // some kind is still as the cache had it
  double cache_seconds = 0;  // with `cached`: since the server had confirmed that
  std::string cache_trouble;
  std::vector<KubeKindStatus> kinds;
};

class KubeSource {
 public:
  struct Options {
    KubeAccess access;
    std::vector<KubeResource> resources = kube_resources();
    std::string cache_directory;  // empty: none
    KubeWatch::Options watch;
    // Changes that follow each other are given together, at most this often; objects that are gone or may concern
    // endpoints that go are given at once.
    Milliseconds pace{20};
  };
  static Result<std::unique_ptr<KubeSource>> open(Options options);
  virtual ~KubeSource() = default;

  // Readable when take() has something.
  [[nodiscard]] virtual int fd() const = 0;
  [[nodiscard]] virtual std::vector<ObjectText> take() = 0;
  [[nodiscard]] virtual KubeStatus status() const = 0;
};

}  // namespace sluice::config
