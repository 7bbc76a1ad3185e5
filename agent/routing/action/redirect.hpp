// SPDX-License-Identifier: Apache-2.0
// Redirect: the Location of an answer that sends the client elsewhere (Istio HTTPRedirect, tls.httpsRedirect). Part of
// Actions, called by the proxy's filters. Pure. Thread: any (const).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/http/message.hpp"
#include "agent/model/action.hpp"
#include "agent/routing/action/path_change.hpp"

namespace sluice::routing {

class Redirect {
 public:
  static Result<Redirect> compile(const model::Redirect& redirect);
  // 301 to the same host and path over https, at its default port.
  [[nodiscard]] static const Redirect& to_https();

  struct Request {
    const http::RequestHead& head;
    std::optional<std::string_view> prefix;  // matched_prefix()
    std::string_view scheme;                 // that the connection speaks
    SocketAddress local;                     // that the client connected to
  };
  // Appends an absolute URI. The host of a request that named none (HTTP/1.0) is the address it came to. The default
  // port of http and https is not written.
  void append_location(const Request& request, std::string& out) const;
  [[nodiscard]] std::uint16_t status() const { return status_; }

 private:
  void append_host(const Request& request, std::string_view scheme, std::string& out) const;

  std::uint16_t status_ = 301;
  std::optional<std::string> scheme_;
  std::optional<std::string> authority_;
  std::optional<PathChange> path_;
  model::Redirect::Port port_from_ = model::Redirect::Port::kKeep;
  std::uint16_t port_ = 0;
};

}  // namespace sluice::routing
