// SPDX-License-Identifier: Apache-2.0
// A lenient HTTP/1.x reader for both ends of test traffic. Deliberately not the product's codec: a
// bug there must not hide itself by being on both sides of a test. Callers: echo-server,
// load-client. Thread: any. Invariants: views point into the caller's buffer.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::support {

struct WireHead {
  // "GET", "/x", "HTTP/1.1" or "HTTP/1.1", "200", "OK".
  std::string_view first, second, third;
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  std::size_t bytes = 0;  // with the empty line

  [[nodiscard]] std::string_view field(std::string_view name) const;  // "" when absent
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;
};

enum class WireStatus { kNeedMore, kOk, kBad };
[[nodiscard]] WireStatus parse_head(std::string_view input, WireHead& out);

// Takes a body apart, whatever its framing, without keeping it.
class WireBody {
 public:
  void start_none() { *this = WireBody(); }
  void start_length(std::uint64_t length);
  void start_chunked();
  void start_until_close();

  [[nodiscard]] bool done() const { return state_ == State::kDone; }
  [[nodiscard]] bool bad() const { return state_ == State::kBad; }
  [[nodiscard]] bool until_close() const { return state_ == State::kUntilClose; }

  // Takes one step of `input`: `data` is the decoded piece (may be empty). Returns the bytes used;
  // 0 only when input is empty, done() or bad().
  std::size_t step(std::string_view input, std::string_view& data);

 private:
  enum class State { kDone, kBad, kLength, kUntilClose, kSize, kData, kDataEnd, kTrailer };
  std::size_t step_line(std::string_view input);
  void end_of_line();

  State state_ = State::kDone;
  std::uint64_t remaining_ = 0;
  std::string line_;
};

}  // namespace sluice::support
