// SPDX-License-Identifier: Apache-2.0
// Learner: at which request a connection of a listener is worth handing to the kernel, from how
// many requests earlier connections carried. A promotion costs an upstream connection and 32-65 us
// and pays back after about 4 requests (measured; docs/steering.md), so the answer is the first
// request number from which at least 4 more are to be expected. Thread: worker. Pure: no clock, no
// I/O.
#pragma once
#include <array>
#include <cstdint>

namespace sluice::steer {

class Learner {
 public:
  static constexpr std::uint32_t kBreakEven = 4;  // requests that pay for one promotion
  static constexpr std::uint32_t kLongest = 64;   // longer connections count as this
  static constexpr std::uint32_t kLatest = 16;    // whoever got this far is promoted in any case
  static constexpr std::uint32_t kSamplesBeforeUse = 32;
  static constexpr std::uint32_t kRefresh = 64;   // connections between two looks at the histogram
  static constexpr std::uint32_t kForget = 4096;  // samples after which all counts are halved

  // A connection ended after `requests` requests, whoever carried them; 0 is ignored.
  void connection_finished(std::uint64_t requests);
  // Promote at this request number (1 = the first).
  [[nodiscard]] std::uint32_t threshold() const { return threshold_; }

 private:
  void refresh();

  std::array<std::uint32_t, kLongest + 1>
      ended_after_{};  // connections by their number of requests
  std::uint32_t samples_ = 0;
  std::uint32_t until_refresh_ = kSamplesBeforeUse;
  std::uint32_t threshold_ = kBreakEven;  // with no experience: who sent 4 will likely send 4 more
};

}  // namespace sluice::steer
