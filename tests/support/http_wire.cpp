// SPDX-License-Identifier: Apache-2.0
#include "tests/support/http_wire.hpp"

#include <algorithm>
#include <charconv>

#include "agent/base/text.hpp"

namespace sluice::support {
namespace {

constexpr std::size_t kHeadLimit = 256UL * 1024;
constexpr std::size_t kLineLimit = 16UL * 1024;

std::string_view cut(std::string_view& text, char separator) {
  const auto at = std::min(text.find(separator), text.size());
  const std::string_view piece = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return piece;
}

}  // namespace

std::string_view WireHead::field(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (equals_ignore_case(key, name)) return value;
  }
  return {};
}

bool WireHead::has_token(std::string_view name, std::string_view token) const {
  for (const auto& [key, value] : fields) {
    if (!equals_ignore_case(key, name)) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      if (equals_ignore_case(trim(cut(rest, ',')), token)) return true;
    }
  }
  return false;
}

WireStatus parse_head(std::string_view input, WireHead& out) {
  const auto end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return input.size() > kHeadLimit ? WireStatus::kBad : WireStatus::kNeedMore;
  }
  out.fields.clear();
  out.bytes = end + 4;
  std::string_view rest = input.substr(0, end + 2);
  std::string_view line = rest.substr(0, rest.find("\r\n"));
  rest.remove_prefix(line.size() + 2);
  out.first = cut(line, ' ');
  out.second = cut(line, ' ');
  out.third = line;
  if (out.first.empty() || out.second.empty()) return WireStatus::kBad;
  while (!rest.empty()) {
    line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(line.size() + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return WireStatus::kBad;
    out.fields.emplace_back(line.substr(0, colon), trim(line.substr(colon + 1)));
  }
  return WireStatus::kOk;
}

void WireBody::start_length(std::uint64_t length) {
  remaining_ = length;
  state_ = length == 0 ? State::kDone : State::kLength;
}
void WireBody::start_chunked() {
  line_.clear();
  state_ = State::kSize;
}
void WireBody::start_until_close() { state_ = State::kUntilClose; }

std::size_t WireBody::step(std::string_view input, std::string_view& data) {
  data = {};
  if (input.empty()) return 0;
  switch (state_) {
    case State::kDone:
    case State::kBad:
      return 0;
    case State::kUntilClose:
      data = input;
      return input.size();
    case State::kLength:
    case State::kData:
      data = input.substr(0, std::min<std::uint64_t>(remaining_, input.size()));
      remaining_ -= data.size();
      if (remaining_ == 0) state_ = state_ == State::kLength ? State::kDone : State::kDataEnd;
      return data.size();
    case State::kSize:
    case State::kDataEnd:
    case State::kTrailer:
      return step_line(input);
  }
  return 0;
}

std::size_t WireBody::step_line(std::string_view input) {
  const auto newline = input.find('\n');
  const std::size_t used = newline == std::string_view::npos ? input.size() : newline + 1;
  line_.append(input.substr(0, used));
  if (line_.size() > kLineLimit) {
    state_ = State::kBad;
  } else if (newline != std::string_view::npos) {
    end_of_line();
    line_.clear();
  }
  return used;
}

void WireBody::end_of_line() {
  std::string_view line = line_;
  if (line.size() < 2 || line[line.size() - 2] != '\r') {
    state_ = State::kBad;
    return;
  }
  line.remove_suffix(2);
  if (state_ == State::kDataEnd) {
    state_ = line.empty() ? State::kSize : State::kBad;
  } else if (state_ == State::kTrailer) {
    if (line.empty()) state_ = State::kDone;
  } else {
    line = trim(line.substr(0, line.find(';')));
    const auto [end, error] =
        std::from_chars(line.data(), line.data() + line.size(), remaining_, 16);
    if (error != std::errc() || end != line.data() + line.size()) {
      state_ = State::kBad;
    } else {
      state_ = remaining_ == 0 ? State::kTrailer : State::kData;
    }
  }
}

}  // namespace sluice::support
