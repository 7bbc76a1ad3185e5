// SPDX-License-Identifier: Apache-2.0
// What bodies of test traffic consist of, and how they are checked: a fixed pseudo-random tape read
// from a place that the seed chooses (so a lost, doubled or swapped piece shows), and a 64-bit
// hash. Callers: echo-server, load-client. Thread: any.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace sluice::support {

// FNV-1a over 64-bit words: the body, padded with zero bytes to a multiple of 8, is read as
// little-endian words w; then the length in bytes is one more word. h starts as
// 14695981039346656037; per word h = rotl(h ^ w, 29) * 1099511628211. Words, not bytes: 4 GB/s
// instead of 0.6, so that checking costs less than the traffic it checks.
class BodyHash {
 public:
  void update(std::string_view data) {
    length_ += data.size();
    while (pending_bytes_ != 0 && !data.empty()) {
      push_byte(static_cast<unsigned char>(data.front()));
      data.remove_prefix(1);
    }
    while (data.size() >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, data.data(), 8);
      mix(word);
      data.remove_prefix(8);
    }
    for (const char byte : data) push_byte(static_cast<unsigned char>(byte));
  }
  [[nodiscard]] std::uint64_t value() const {
    BodyHash copy = *this;
    if (copy.pending_bytes_ != 0) copy.mix(copy.pending_);
    copy.mix(length_);
    return copy.hash_;
  }
  [[nodiscard]] std::uint64_t length() const { return length_; }

 private:
  static_assert(std::endian::native == std::endian::little);
  void mix(std::uint64_t word) { hash_ = std::rotl(hash_ ^ word, 29) * 1099511628211U; }
  void push_byte(unsigned char byte) {
    pending_ |= static_cast<std::uint64_t>(byte) << (8 * pending_bytes_);
    if (++pending_bytes_ == 8) {
      mix(pending_);
      pending_ = 0;
      pending_bytes_ = 0;
    }
  }

  std::uint64_t hash_ = 14695981039346656037U;
  std::uint64_t pending_ = 0;
  unsigned pending_bytes_ = 0;
  std::uint64_t length_ = 0;
};

// A piece of the body of `seed` that starts at `offset`: at least 1 and at most `limit` bytes
// (limit > 0), valid for ever. Byte i of a body is tape[(seed * 7919 + i) % 1048573].
[[nodiscard]] std::string_view pattern_piece(std::uint64_t seed, std::uint64_t offset,
                                             std::uint64_t limit);
[[nodiscard]] std::uint64_t pattern_hash(std::uint64_t seed, std::uint64_t length);
// Whether `data` is what the body of `seed` has at `offset`.
[[nodiscard]] bool pattern_matches(std::uint64_t seed, std::uint64_t offset, std::string_view data);

[[nodiscard]] std::string to_hex(std::uint64_t value);  // 16 digits

}  // namespace sluice::support
