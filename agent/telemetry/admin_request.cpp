// SPDX-License-Identifier: Apache-2.0
#include "agent/telemetry/admin_request.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace sluice::telemetry {
namespace {

const char* phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Internal Server Error";
  }
}

struct Content {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

// Ends with the empty line that closes the head; npos while it has not come.
std::size_t head_end(std::string_view received) {
  for (std::size_t at = received.find('\n'); at != std::string_view::npos;
       at = received.find('\n', at + 1)) {
    const std::string_view rest = received.substr(at + 1);
    if (rest.starts_with("\n")) return at + 2;
    if (rest.starts_with("\r\n")) return at + 3;
  }
  return std::string_view::npos;
}

bool visible(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

AdminRequest parse_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return {400, false, ""};
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!visible(method) || !visible(target) || target.front() != '/') return {400, false, ""};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return {version.starts_with("HTTP/") ? 505 : 400, false, ""};
  }
  if (method != "GET" && method != "HEAD") return {405, false, ""};
  return {0, method == "HEAD", std::string(target.substr(0, target.find('?')))};
}

Content probe(const std::function<std::string()>& callback) {
  const std::string problem = callback ? callback() : "";
  if (problem.empty()) return {.body = "ok\n"};
  return {.status = 503, .body = problem + "\n"};
}

Content answer(const AdminRequest& request, const AdminCallbacks& callbacks) {
  if (request.error_status != 0) {
    return {.status = request.error_status,
            .body = std::string(phrase(request.error_status)) + "\n"};
  }
  if (request.path == "/metrics") {
    return {.type = "text/plain; version=0.0.4; charset=utf-8",
            .body = callbacks.metrics ? callbacks.metrics() : ""};
  }
  if (request.path == "/healthz") return probe(callbacks.health);
  if (request.path == "/readyz") return probe(callbacks.ready);
  if (request.path == "/") return {.body = "Sluice agent: /metrics /healthz /readyz\n"};
  return {.status = 404, .body = "there is /metrics, /healthz and /readyz\n"};
}

}  // namespace

std::optional<AdminRequest> parse_admin_request(std::string_view received) {
  const std::size_t end = head_end(received);
  if (end == std::string_view::npos) {
    if (received.size() >= kMaxHeadBytes) return AdminRequest{431, false, ""};
    return std::nullopt;
  }
  if (end > kMaxHeadBytes) return AdminRequest{431, false, ""};
  return parse_line(received.substr(0, received.find('\n')));
}

std::string admin_response(const AdminRequest& request, const AdminCallbacks& callbacks) {
  const Content content = answer(request, callbacks);
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\n{}Connection: close\r\n\r\n",
      content.status, phrase(content.status), content.type, content.body.size(),
      content.status == 405 ? "Allow: GET, HEAD\r\n" : "");
  if (!request.head_only) out += content.body;
  return out;
}

}  // namespace sluice::telemetry
