// SPDX-License-Identifier: Apache-2.0
#include "tests/http/feed.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::http::testing {
namespace {

std::string describe_fields(const HeaderMap& headers) {
  std::string out;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    out += fmt::format("[{}={}]", headers.at(i).name, headers.at(i).value);
  }
  return out;
}

// Parser: next, head, error. `restart` prepares it for the next message.
template <typename Parser>
Transcript feed(Parser& parser, std::string_view bytes, const NextRead& next_read,
                const std::function<void()>& restart) {
  Transcript out;
  std::string body;
  std::size_t received = 0;
  while (true) {
    const H1Progress progress = parser.next(bytes.substr(out.consumed, received - out.consumed));
    out.consumed += progress.consumed;
    if (progress.event == H1Event::kHead) {
      out.events += describe(parser.head());
    } else if (progress.event == H1Event::kBody) {
      body.append(progress.body);
    } else if (progress.event == H1Event::kComplete) {
      out.events += fmt::format(" body='{}' complete\n", body);
      body.clear();
      ++out.messages;
      restart();
      if (out.consumed == bytes.size()) return out;
    } else if (progress.event == H1Event::kError) {
      out.reason = parser.error().reason;
      out.status = parser.error().status;
      out.events += fmt::format(" body='{}' error {} {}\n", body, out.status, out.reason);
      return out;
    } else if (received == bytes.size()) {
      out.events += fmt::format(" body='{}' unfinished\n", body);
      return out;
    } else {
      received += std::min(next_read(bytes.size() - received), bytes.size() - received);
    }
  }
}

}  // namespace

NextRead whole() {
  return [](std::size_t left) { return left; };
}
NextRead every(std::size_t bytes) {
  return [bytes](std::size_t) { return bytes; };
}
NextRead cut_at(std::size_t offset) {
  return [offset, first = true](std::size_t left) mutable {
    const bool cut = first && offset > 0;
    first = false;
    return cut ? offset : left;
  };
}

std::string describe(const RequestHead& head) {
  return fmt::format(
      "{} target={} path={} query={} authority={} scheme={} minor={} body={} length={} keep={} "
      "expect={} upgrade={} {}",
      head.method, head.target, head.path, head.query, head.authority, head.scheme,
      head.minor_version, static_cast<int>(head.body), head.content_length, head.keep_alive,
      head.expects_continue, head.upgrade, describe_fields(head.headers));
}

std::string describe(const ResponseHead& head) {
  return fmt::format("{} '{}' minor={} body={} length={} keep={} {}", head.status, head.reason,
                     head.minor_version, static_cast<int>(head.body), head.content_length,
                     head.keep_alive, describe_fields(head.headers));
}

Transcript feed_requests(std::string_view bytes, const NextRead& next_read, H1Limits limits) {
  H1RequestParser parser(H1Options{.limits = limits});
  return feed(parser, bytes, next_read, [&parser] { parser.reset(); });
}

Transcript feed_responses(std::string_view bytes, std::string_view method, bool close,
                          const NextRead& next_read, H1Limits limits) {
  H1ResponseParser parser(limits);
  parser.reset(method);
  Transcript out = feed(parser, bytes, next_read, [&] { parser.reset(method); });
  if (close && out.reason.empty()) {
    const bool finished = parser.finish();
    out.events += finished ? "finished\n" : "truncated\n";
    if (finished) ++out.messages;
  }
  return out;
}

}  // namespace sluice::http::testing
