// SPDX-License-Identifier: Apache-2.0
// KubeWatch: one kind of object kept equal to the API server's: listed in pages, then watched, listed again when the
// server has forgotten where the watch stood (410), with pauses that grow when something fails (Kubernetes API
// concepts, "Efficient detection of changes"). A state machine without I/O: it says what to ask for, and is told what
// came. Callers: KubeSource. Thread: kube. Invariants: the sink has the whole truth of some moment once synced() is
// true, and never loses an object because the server could not be reached.
#pragma once
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/base/clock.hpp"
#include "agent/config/manifest/api_json.hpp"

namespace sluice::config {

struct KubeResource {
  std::string group;                  // empty: core
  std::vector<std::string> versions;  // the newest first: the first one that is served is used
  std::string plural;                 // as in URLs
  std::string kind;
  bool optional = false;        // a CRD: it may not be installed, and that is no trouble
  std::string name_space = {};  // empty: all

  // As people write it: "virtualservices.networking.istio.io".
  [[nodiscard]] std::string name() const { return group.empty() ? plural : plural + "." + group; }
};

// What a request ended with.
struct KubeReply {
  long status = 0;    // HTTP; 0: none came
  std::string error;  // of the transport, or the message of the answer
  Milliseconds retry_after{0};
};

class KubeSink {
 public:
  virtual void changed(const KubeResource& resource, ApiObject object) = 0;
  virtual void removed(const KubeResource& resource, const std::string& name_space,
                       const std::string& name) = 0;
  // From now on all of this kind is there.
  virtual void synced(const KubeResource& resource) = 0;

 protected:
  ~KubeSink() = default;
};

class KubeWatch {
 public:
  struct Options {
    std::uint32_t page = 500;
    std::chrono::seconds watch{
        300};  // the server ends a watch then; so idle connections cannot rot
    Milliseconds first_pause{500};
    Milliseconds longest_pause{30'000};
    Milliseconds absent_pause{10'000};  // until a CRD that is not installed is asked for again
    std::size_t largest_object = 4u << 20;
  };
  enum class Phase : std::uint8_t { kList, kWatch };
  enum class Health : std::uint8_t { kStarting, kSynced, kAbsent, kForbidden, kFailing };

  KubeWatch(KubeResource resource, Options options, KubeSink& sink, std::uint64_t seed);

  // The request to make now: path and query. nullopt: one is under way, or due() tells when.
  [[nodiscard]] std::optional<std::string> next_request(TimePoint now);
  [[nodiscard]] TimePoint due() const { return due_; }
  [[nodiscard]] bool busy() const { return busy_; }
  [[nodiscard]] Phase phase() const { return phase_; }
  // How long the answer to next_request() may take as a whole.
  [[nodiscard]] std::chrono::seconds limit() const;

  // Bytes of the answer, in any pieces. False: it is of no use any more, end the request.
  [[nodiscard]] bool on_data(std::string_view data, TimePoint now);
  // The request ended (also one that was cancelled).
  void on_end(const KubeReply& reply, TimePoint now);

  // What was known before this process began (a cache): removed again by the first list unless it is there.
  void know(const std::string& name_space, const std::string& name);

  [[nodiscard]] const KubeResource& resource() const { return resource_; }
  [[nodiscard]] Health health() const { return health_; }
  [[nodiscard]] bool synced() const { return synced_; }
  [[nodiscard]] std::size_t objects() const { return known_.size(); }
  // In words, with what to do; empty: nothing is wrong.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  [[nodiscard]] std::uint64_t lists() const { return lists_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }
  [[nodiscard]] TimePoint confirmed_at() const { return confirmed_at_; }  // the server's last word

 private:
  void take(ApiObject object);
  void drop(const std::string& name_space, const std::string& name);
  bool page_done(TimePoint now);
  bool line(std::string_view text, TimePoint now);
  void list_again();
  void fail(const KubeReply& reply, TimePoint now);
  void wait(Milliseconds pause, TimePoint now);
  [[nodiscard]] std::string base_path() const;
  [[nodiscard]] std::string api_version() const;

  KubeResource resource_;
  Options options_;
  KubeSink& sink_;
  std::minstd_rand random_;
  std::size_t api_ = 0;  // index into the resource's versions
  // "namespace/name" -> number of the list that saw it last.
  std::unordered_map<std::string, std::uint64_t> known_;
  Phase phase_ = Phase::kList;
  Health health_ = Health::kStarting;
  bool busy_ = false;
  bool synced_ = false;
  bool broken_ = false;   // the answer under way made no sense, or said that the watch is too old
  bool expired_ = false;  // 410 within a watch
  bool progressed_ = false;
  TimePoint due_{};
  TimePoint confirmed_at_{};
  std::string text_;      // of the answer: a page, or the begin of a line
  std::string version_;   // resourceVersion
  std::string continue_;  // of the list under way
  std::string trouble_;
  Milliseconds pause_{0};
  std::uint64_t lists_ = 1;
  std::uint64_t failures_ = 0;
};

}  // namespace sluice::config
