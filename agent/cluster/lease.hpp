// SPDX-License-Identifier: Apache-2.0
// Lease: an object of coordination.k8s.io/v1 as agents use it among themselves. Plain values and their JSON.
// Thread: any. Invariants: never throws.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "agent/base/error.hpp"

namespace sluice::cluster {

struct Lease {
  std::string name;
  std::string holder;  // empty: nobody
  std::chrono::seconds duration{0};
  std::string acquired;  // as the API writes it; empty: never
  int transitions = 0;
  std::string note;     // the annotation sluice.dev/acknowledged
  std::string version;  // resourceVersion; empty: it does not exist yet
};

// `version` where the text has none.
[[nodiscard]] Result<Lease> read_lease(std::string_view text, const std::string& version = {});
// What to send for it; renewed at `now`.
[[nodiscard]] std::string lease_text(const Lease& lease, const std::string& name_space,
                                     std::chrono::system_clock::time_point now);
// "2026-01-02T03:04:05.000006Z", and without the fraction.
[[nodiscard]] std::string micro_time(std::chrono::system_clock::time_point when);
[[nodiscard]] std::string whole_time(std::chrono::system_clock::time_point when);

}  // namespace sluice::cluster
