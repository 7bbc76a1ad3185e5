// SPDX-License-Identifier: Apache-2.0
// Condition: one compiled condition of a RouteMatch, and what it is held against in a request.
// Used by RouteTable for match() and for explain(), so that both say the same.
// Thread: any (const). Invariants: holds() allocates nothing that outlives a thread's first large
// request; what RE2 caches is bounded per expression.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/http/message.hpp"
#include "agent/model/route.hpp"
#include "agent/routing/regex.hpp"

namespace sluice::routing {

struct Condition {
  enum class Subject : std::uint8_t {
    kUri,
    kScheme,
    kMethod,
    kAuthority,
    kHeader,
    kWithoutHeader,
    kQueryParam,
    kPort,
  };
  using Kind = model::StringMatch::Kind;

  Subject subject = Subject::kUri;
  Kind kind = Kind::kExact;
  bool ignore_case = false;  // kUri, exact and prefix only
  std::uint16_t port = 0;    // kPort
  std::string name;          // kHeader, kWithoutHeader, kQueryParam
  std::string value;
  std::shared_ptr<const Regex> regex;  // kRegex

  // `port` is the one the connection came in on.
  [[nodiscard]] bool holds(const http::RequestHead& head, std::uint16_t listener_port) const;
  // True for no request, or for every request, on that port: what needs no request to know.
  [[nodiscard]] bool never_holds(std::uint16_t listener_port) const;
  [[nodiscard]] bool always_holds(std::uint16_t listener_port) const;

  // For people: `uri prefix "/api"`, and what the request has there ("/shop", "(absent)").
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] std::string found_in(const http::RequestHead& head,
                                     std::uint16_t listener_port) const;
};

// All conditions of a match, in the order of its fields. Fails on a bad regular expression.
Result<std::vector<Condition>> compile_match(const model::RouteMatch& match, RegexPool& pool);

// The first value of a query parameter; names and values are compared as sent, not decoded.
[[nodiscard]] std::optional<std::string_view> query_param(std::string_view query,
                                                          std::string_view name);

}  // namespace sluice::routing
