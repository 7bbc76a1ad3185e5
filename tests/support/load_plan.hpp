// SPDX-License-Identifier: Apache-2.0
// LoadPlan: decides what each request of a run is, and what its answer must be; SendBody: an upload
// in the making. Callers: LoadConnection. Thread: main. Invariants: the same seed gives the same
// requests in the same order.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/body_pattern.hpp"
#include "tests/support/load_options.hpp"

namespace sluice::support {

// xorshift64*: a run must be reproducible, and the standard distributions differ between libraries.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 0x1234567U) {
    if (state_ == 0) state_ = 1;
  }
  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 2685821657736338717U;
  }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + (next() >> 11) % (high - low + 1);
  }
  // 0 or a value up to `high`, each power of two as likely as any other.
  std::uint64_t log_uniform(std::uint64_t low, std::uint64_t high);

 private:
  std::uint64_t state_;
};

enum class Upload { kNone, kLength, kChunked };

struct PlannedRequest {
  std::string head;
  Upload upload = Upload::kNone;
  bool expect = false;
  bool head_only = false;  // HEAD
  std::uint64_t upload_size = 0, upload_seed = 0;
  // The answer. `checked` is false for --mix small: no tag, no known body.
  bool checked = false;
  std::uint16_t status = 200;
  std::uint64_t size = 0, seed = 0;
  std::string tag;
};

class LoadPlan {
 public:
  explicit LoadPlan(const LoadOptions& options) : options_(options), random_(options.seed) {}
  [[nodiscard]] PlannedRequest next(bool last_on_connection);
  [[nodiscard]] Random& random() { return random_; }

 private:
  [[nodiscard]] PlannedRequest draw();
  const LoadOptions& options_;
  Random random_;
  std::uint64_t count_ = 0;
};

// Produces the bytes of an upload, hashing them on the way.
class SendBody {
 public:
  void start(const PlannedRequest& request, Random& random);
  [[nodiscard]] bool done() const { return finished_; }
  // The next piece: appended to `out`.
  void append_piece(std::string& out);
  [[nodiscard]] std::uint64_t hash() const { return hash_.value(); }

 private:
  Random* random_ = nullptr;
  BodyHash hash_;
  std::uint64_t size_ = 0, seed_ = 0;
  bool chunked_ = false;
  bool finished_ = true;
};

}  // namespace sluice::support
