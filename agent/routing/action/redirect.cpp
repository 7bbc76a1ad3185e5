// SPDX-License-Identifier: Apache-2.0
#include "agent/routing/action/redirect.hpp"

#include <utility>

#include "agent/http/authority.hpp"

namespace sluice::routing {
namespace {

using Port = model::Redirect::Port;

struct HostAndPort {
  std::string_view host;
  std::string_view port;  // with its ':', or empty
};

HostAndPort split(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  const std::size_t bracket = authority.rfind(']');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) {
    return {authority, {}};
  }
  return {authority.substr(0, colon), authority.substr(colon)};
}

bool is_default(std::string_view scheme, std::string_view port) {
  return (scheme == "http" && port == ":80") || (scheme == "https" && port == ":443");
}

std::string address_host(const IpAddress& ip) {
  return ip.is_v4() ? to_string(ip) : "[" + to_string(ip) + "]";
}

}  // namespace

Result<Redirect> Redirect::compile(const model::Redirect& redirect) {
  Redirect out;
  out.status_ = redirect.status;
  out.scheme_ = redirect.scheme;
  out.authority_ = redirect.authority;
  out.port_from_ = redirect.port_from;
  out.port_ = redirect.port;
  if (redirect.scheme && *redirect.scheme != "http" && *redirect.scheme != "https") {
    return fail(ErrorCode::kInvalid,
                "scheme \"" + *redirect.scheme + "\" is unknown; write http or https");
  }
  if (redirect.authority && !http::is_authority(*redirect.authority, http::Port::kOptional)) {
    return fail(ErrorCode::kInvalid,
                "\"" + *redirect.authority + "\" is no host; write HOST or HOST:PORT");
  }
  if (redirect.path) {
    auto path = PathChange::compile(*redirect.path);
    if (!path) return tl::unexpected(std::move(path).error());
    out.path_ = std::move(*path);
  }
  return out;
}

const Redirect& Redirect::to_https() {
  static const Redirect kRedirect = [] {
    Redirect out;
    out.scheme_ = "https";
    out.port_from_ = Port::kProtocolDefault;
    return out;
  }();
  return kRedirect;
}

void Redirect::append_host(const Request& request, std::string_view scheme,
                           std::string& out) const {
  const auto [asked, asked_port] = split(request.head.authority);
  std::string port;
  if (authority_) {
    const auto [host, own_port] = split(*authority_);
    out.append(host);
    port = own_port;
  } else {
    out.append(asked.empty() ? address_host(request.local.ip) : asked);
    if (scheme == request.scheme) port = asked_port;
  }
  switch (port_from_) {
    case Port::kKeep:
      break;
    case Port::kFixed:
      port = ":" + std::to_string(port_);
      break;
    case Port::kProtocolDefault:
      port.clear();
      break;
    case Port::kRequestPort:
      port = ":" + std::to_string(request.local.port);
      break;
  }
  if (!is_default(scheme, port)) out.append(port);
}

void Redirect::append_location(const Request& request, std::string& out) const {
  const std::string_view scheme = scheme_ ? std::string_view(*scheme_) : request.scheme;
  out.append(scheme).append("://");
  append_host(request, scheme, out);
  std::string path;
  if (path_) {
    path_->apply(request.head.path, request.prefix, path);
  } else if (request.head.path.starts_with('/')) {
    path = request.head.path;
  } else {
    path = "/";  // of OPTIONS *
  }
  out.append(path);
  if (path_ && path_->query()) {
    out.append("?").append(*path_->query());
  } else if (!request.head.query.empty()) {
    out.append("?").append(request.head.query);
  }
}

}  // namespace sluice::routing
