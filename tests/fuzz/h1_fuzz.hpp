// SPDX-License-Identifier: Apache-2.0
// What both HTTP/1 fuzz targets share: run a parser over the input in one piece and in pieces cut
// by a seed, and write down what it said. Thread: main. Invariants: a broken one ends the process,
// which is how a fuzzer hears of it.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/http/h1_codec.hpp"

namespace sluice::http::fuzzing {

inline void require(bool condition) {
  if (!condition) std::abort();
}

// Small, so that inputs reach them.
inline constexpr H1Limits kLimits{
    .head_bytes = 512, .fields = 8, .trailer_bytes = 64, .chunk_line_bytes = 32};

// Sizes of the reads: pseudo-random from `seed`, or everything at once for 0.
class Reads {
 public:
  explicit Reads(std::uint32_t seed) : state_(seed) {}
  std::size_t next(std::size_t left) {
    if (state_ == 0) return left;
    state_ = state_ * 1664525U + 1013904223U;
    return std::min<std::size_t>(left, 1 + (state_ >> 28));
  }

 private:
  std::uint32_t state_;
};

// on_head(parser) -> void, restart(parser) -> void. Returns the events as text: a head's size, body
// bytes, the end.
template <typename Parser, typename OnHead, typename Restart>
std::string drive(Parser& parser, std::string_view bytes, std::uint32_t seed, OnHead on_head,
                  Restart restart) {
  std::string log;
  Reads reads(seed);
  std::size_t done = 0;
  std::size_t received = 0;
  while (true) {
    const std::string_view input = bytes.substr(done, received - done);
    const H1Progress progress = parser.next(input);
    require(progress.consumed <= input.size());
    require(progress.body.size() <= progress.consumed);
    done += progress.consumed;
    switch (progress.event) {
      case H1Event::kHead:
        require(progress.consumed <= kLimits.head_bytes);
        log += "H" + std::to_string(progress.consumed) + ":";
        on_head(parser);
        break;
      case H1Event::kBody:
        require(!progress.body.empty());
        log.append(progress.body);
        break;
      case H1Event::kComplete:
        log += "\nC";
        restart(parser);
        if (done == bytes.size()) return log;
        break;
      case H1Event::kError:
        require(progress.consumed == 0 && parser.error().reason[0] != '\0');
        require(std::string_view(parser.error().reason) != "parser_disagreement");
        return log + "\nE" + parser.error().reason;
      case H1Event::kNeedMore:
        if (received == bytes.size()) return log + "\nmore";
        received += reads.next(bytes.size() - received);
        break;
    }
  }
}

// The first four bytes choose the cuts.
inline std::uint32_t take_seed(std::string_view& bytes) {
  std::uint32_t seed = 1;
  for (std::size_t i = 0; i < 4 && !bytes.empty(); ++i, bytes.remove_prefix(1)) {
    seed = seed * 257 + static_cast<std::uint8_t>(bytes.front());
  }
  return seed | 1U;
}

}  // namespace sluice::http::fuzzing
