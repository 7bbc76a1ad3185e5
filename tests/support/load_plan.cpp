// SPDX-License-Identifier: Apache-2.0
#include "tests/support/load_plan.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

namespace sluice::support {
namespace {
constexpr std::uint64_t kPiece = 64UL * 1024;
}

std::uint64_t Random::log_uniform(std::uint64_t low, std::uint64_t high) {
  if (high == 0) return 0;
  const auto low_bits = static_cast<std::uint64_t>(std::bit_width(low));
  const auto bits = between(low_bits, static_cast<std::uint64_t>(std::bit_width(high)));
  const std::uint64_t base = bits == 0 ? 0 : 1ULL << (bits - 1);
  return std::clamp(bits == 0 ? 0 : between(base, base * 2 - 1), low, high);
}

PlannedRequest LoadPlan::draw() {
  PlannedRequest out;
  if (!options_.mixed) return out;
  out.checked = true;
  out.seed = random_.between(0, 999'999);
  out.upload_seed = random_.between(0, 999'999);
  out.tag = std::to_string(count_);
  const std::uint64_t kind = random_.between(0, 99);
  if (kind < 50 || (kind >= 85 && kind < 95)) {
    out.head_only = kind >= 85;
    out.size = random_.log_uniform(0, options_.max_body);
  } else if (kind < 85) {
    out.upload = kind < 70 ? Upload::kLength : Upload::kChunked;
    out.upload_size = random_.log_uniform(0, options_.max_body);
    out.expect = random_.between(1, 100) <= options_.expect_percent;
    // Most uploads get a small answer, some a large one: both directions full at once.
    const bool large = random_.between(0, 7) == 0;
    out.size =
        random_.log_uniform(0, large ? options_.max_body : std::min(2000UL, options_.max_body));
  } else {
    out.status = 204;
  }
  return out;
}

PlannedRequest LoadPlan::next(bool last_on_connection) {
  ++count_;
  PlannedRequest out = draw();
  std::string& head = out.head;
  head = out.upload != Upload::kNone ? "POST " : out.head_only ? "HEAD " : "GET ";
  if (out.checked) {
    head += "/load?tag=" + out.tag + "&size=" + std::to_string(out.size) +
            "&seed=" + std::to_string(out.seed);
    if (out.status != 200) head += "&status=" + std::to_string(out.status);
    if (random_.between(0, 3) == 0) head += "&chunked=1";
  } else {
    head += options_.path;
  }
  head += " HTTP/1.1\r\nHost: " + options_.host + "\r\n";
  for (const std::string& field : options_.headers) head += field + "\r\n";
  if (out.upload == Upload::kLength) {
    head += "Content-Length: " + std::to_string(out.upload_size) + "\r\n";
  } else if (out.upload == Upload::kChunked) {
    head += "Transfer-Encoding: chunked\r\n";
  }
  if (out.expect) head += "Expect: 100-continue\r\n";
  if (last_on_connection && options_.announce_close) head += "Connection: close\r\n";
  head += "\r\n";
  return out;
}

void SendBody::start(const PlannedRequest& request, Random& random) {
  random_ = &random;
  hash_ = {};
  size_ = request.upload_size;
  seed_ = request.upload_seed;
  chunked_ = request.upload == Upload::kChunked;
  finished_ = request.upload == Upload::kNone || (size_ == 0 && !chunked_);
}

void SendBody::append_piece(std::string& out) {
  const std::uint64_t left = size_ - hash_.length();
  if (left == 0) {
    if (chunked_) out += "0\r\n\r\n";
    finished_ = true;
    return;
  }
  const std::uint64_t wish = chunked_ ? random_->log_uniform(1, kPiece) : kPiece;
  const std::string_view piece = pattern_piece(seed_, hash_.length(), std::min(left, wish));
  hash_.update(piece);
  if (chunked_) {
    std::array<char, 20> size{};
    const auto end = std::to_chars(size.data(), size.data() + size.size(), piece.size(), 16).ptr;
    out.append(size.data(), end).append("\r\n").append(piece).append("\r\n");
  } else {
    out.append(piece);
    finished_ = hash_.length() == size_;
  }
}

}  // namespace sluice::support
