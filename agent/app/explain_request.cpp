// SPDX-License-Identifier: Apache-2.0
#include "agent/app/explain_request.hpp"

#include <fmt/core.h>

#include <charconv>
#include <string_view>
#include <utility>

#include "agent/base/text.hpp"

namespace sluice::app {
namespace {

struct UrlParts {
  std::string_view authority;
  std::string target;  // path and query
};

Result<UrlParts> split_url(std::string_view url) {
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) {
    return fail(ErrorCode::kInvalid,
                fmt::format("the URL \"{}\" has no scheme; write http://host[:port]/path", url));
  }
  const std::string_view scheme = url.substr(0, colon);
  if (equals_ignore_case(scheme, "https")) {
    return fail(ErrorCode::kInvalid,
                "https is not served by this version; write http://host[:port]/path");
  }
  if (!equals_ignore_case(scheme, "http")) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("the scheme \"{}\" is not served; write http://host[:port]/path", scheme));
  }
  std::string_view rest = url.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));  // a client never sends the fragment
  UrlParts parts;
  const std::size_t slash = rest.find_first_of("/?");
  parts.authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) parts.target = rest.substr(slash);
  if (parts.target.empty() || parts.target.front() != '/')
    parts.target.insert(parts.target.begin(), '/');
  if (parts.authority.empty()) {
    return fail(ErrorCode::kInvalid, "the URL has no host; write http://host[:port]/path");
  }
  return parts;
}

Result<ExplainTarget> read_authority(std::string_view authority) {
  ExplainTarget out;
  std::string_view host = authority;
  std::string_view port;
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
  }
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (error != std::errc{} || end != port.data() + port.size() || out.port == 0) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("the port \"{}\" is not a number from 1 to 65535", port));
    }
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  out.ip = IpAddress::parse(host);
  return out;
}

// The text of the request, up to the empty line. A line end inside a part would smuggle in fields of its own.
Result<std::string> write_head(const control::v1::ExplainRequest& request, const UrlParts& url) {
  constexpr std::string_view kLineEnds("\r\n\0", 3);
  const auto broken = [&](std::string_view text) {
    return text.find_first_of(kLineEnds) != std::string_view::npos;
  };
  if (broken(request.method()) || broken(url.authority) || broken(url.target)) {
    return fail(ErrorCode::kInvalid, "the method or the URL has a line end or a NUL byte in it");
  }
  std::string fields;
  bool has_host = false;
  for (const control::v1::Header& header : request.headers()) {
    if (broken(header.name()) || broken(header.value())) {
      return fail(
          ErrorCode::kInvalid,
          fmt::format("header field \"{}\" has a line end or a NUL byte in it", header.name()));
    }
    has_host = has_host || equals_ignore_case(header.name(), "host");
    fields += header.name() + ": " + header.value() + "\r\n";
  }
  std::string head = request.method() + " " + url.target + " HTTP/1.1\r\n";
  if (!has_host) head += "Host: " + std::string(url.authority) + "\r\n";
  return head + fields + "\r\n";
}

}  // namespace

Result<ExplainTarget> parse_explain_target(const control::v1::ExplainRequest& request) {
  auto url = split_url(request.url());
  if (!url) return tl::unexpected(std::move(url).error());
  auto out = read_authority(url->authority);
  if (!out) return out;
  auto text = write_head(request, *url);
  if (!text) return tl::unexpected(std::move(text).error());
  out->text = std::move(*text);
  return out;
}

Result<http::RequestHead> read_explain_head(const ExplainTarget& target,
                                            const http::H1Options& options) {
  http::H1RequestParser parser(options);
  if (parser.next(target.text).event != http::H1Event::kHead) {
    const http::H1Error& error = parser.error();
    return fail(
        ErrorCode::kInvalid,
        fmt::format("a worker answers {} to this request before it looks at routes: {} [{}]",
                    error.status, error.message, error.reason));
  }
  return std::move(parser.head());
}

}  // namespace sluice::app
