// SPDX-License-Identifier: Apache-2.0
#include "agent/http/line_reader.hpp"

#include <algorithm>

namespace sluice::http {
namespace {
// A CR whose successor is known and is not LF. `from` may stand just behind a CR that ended the
// previous read.
bool has_bare_cr(std::string_view text, std::size_t from) {
  for (std::size_t at = text.find('\r', from); at != std::string_view::npos;
       at = text.find('\r', at + 1)) {
    if (at + 1 < text.size() && text[at + 1] != '\n') return true;
  }
  return false;
}
}  // namespace

LineReader::Status LineReader::next(std::string_view input, std::size_t limit,
                                    std::string_view& line) {
  const std::string_view window = input.substr(0, limit);
  const std::size_t lf = window.find('\n', searched_);
  if (lf == std::string_view::npos) return incomplete(window, input.size() >= limit);
  line = window.substr(start_, lf - start_);
  const bool lf_end = line.empty() || line.back() != '\r';
  if (ends_ == Ends::kUnknown) ends_ = lf_end && lf_allowed_ ? Ends::kLf : Ends::kCrLf;
  const bool mixed = lf_end != (ends_ == Ends::kLf);
  const bool bare_cr = (lf_end || mixed) && has_bare_cr(line, 0);
  if (bare_cr || mixed) {
    reason_ = bare_cr ? H1Reason::kBareCr : H1Reason::kBareLf;
    return Status::kBad;
  }
  if (!lf_end) line.remove_suffix(1);
  start_ = searched_ = lf + 1;
  return Status::kLine;
}

LineReader::Status LineReader::incomplete(std::string_view window, bool full) {
  const std::size_t from = std::max(start_, searched_ == 0 ? 0 : searched_ - 1);
  searched_ = window.size();
  if (has_bare_cr(window, from)) {
    reason_ = H1Reason::kBareCr;
    return Status::kBad;
  }
  return full ? Status::kTooLong : Status::kMore;
}

H1Reason LineReader::refine(std::string_view line, H1Reason found) {
  return line.find('\r') == std::string_view::npos ? found : H1Reason::kBareCr;
}

}  // namespace sluice::http
