// SPDX-License-Identifier: Apache-2.0
// feed(): drives a parser the way a session does - head kept and passed again, body consumed - and
// writes down what came out, so that two ways of cutting the same bytes can be compared. Thread:
// any.
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "agent/http/h1_codec.hpp"

namespace sluice::http::testing {

struct Transcript {
  std::string events;  // one line a message: head, whole body, and how it ended
  std::size_t consumed = 0;
  std::string reason;  // of the first error, "" when there was none
  int status = 0;
  std::size_t messages = 0;  // complete ones
};

// Size of the next read, given how many bytes are left (at least 1).
using NextRead = std::function<std::size_t(std::size_t)>;
[[nodiscard]] NextRead whole();
[[nodiscard]] NextRead every(std::size_t bytes);
[[nodiscard]] NextRead cut_at(std::size_t offset);

[[nodiscard]] Transcript feed_requests(std::string_view bytes, const NextRead& next_read = whole(),
                                       H1Limits limits = {});
// `close`: the connection ends behind the bytes.
[[nodiscard]] Transcript feed_responses(std::string_view bytes, std::string_view method = "GET",
                                        bool close = false, const NextRead& next_read = whole(),
                                        H1Limits limits = {});

[[nodiscard]] std::string describe(const RequestHead& head);
[[nodiscard]] std::string describe(const ResponseHead& head);

}  // namespace sluice::http::testing
