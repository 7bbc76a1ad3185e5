// SPDX-License-Identifier: Apache-2.0
// HeaderRules: what a route or a destination changes in the fields of requests and answers (Istio Headers). Plain
// values. Thread: any.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice::model {

// A value is literal text with variables, written %NAME% or %NAME(argument)%, %% for a percent sign.
struct ValuePiece {
  enum class Kind : std::uint8_t {
    kLiteral,  // text
    kRequestHeader,  // %REQ(name)%: text is the name in lower case; `alternative` the name after '?', or empty
    kResponseHeader,   // %RESP(name)%; only in answers
    kClientAddress,    // %DOWNSTREAM_REMOTE_ADDRESS%: address and port
    kClientIp,         // %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%
    kLocalAddress,     // %DOWNSTREAM_LOCAL_ADDRESS%
    kLocalPort,        // %DOWNSTREAM_LOCAL_PORT%
    kProtocol,         // %PROTOCOL%: "HTTP/1.1"
    kRouteName,        // %ROUTE_NAME%
    kUpstreamHost,     // %UPSTREAM_HOST%: endpoint address and port; only in answers
    kUpstreamCluster,  // %UPSTREAM_CLUSTER%
    kStartTime,        // %START_TIME%: RFC 3339 UTC with milliseconds
    kResponseCode,     // %RESPONSE_CODE%; only in answers
    kHostname,         // %HOSTNAME%: of the node
  };
  Kind kind = Kind::kLiteral;
  std::string text;
  std::string alternative;

  bool operator==(const ValuePiece&) const = default;
};

struct HeaderValue {
  std::string name;  // as written; compared without case
  std::vector<ValuePiece> value;

  bool operator==(const HeaderValue&) const = default;
};

// Applied in the order remove, set, add.
struct HeaderChanges {
  std::vector<std::string> remove;
  std::vector<HeaderValue> set;  // replaces all fields of that name
  std::vector<HeaderValue> add;  // appends one

  bool operator==(const HeaderChanges&) const = default;
  [[nodiscard]] bool empty() const { return remove.empty() && set.empty() && add.empty(); }
};

struct HeaderRules {
  HeaderChanges request;
  HeaderChanges response;

  bool operator==(const HeaderRules&) const = default;
  [[nodiscard]] bool empty() const { return request.empty() && response.empty(); }
};
using HeaderRulesPtr = std::shared_ptr<const HeaderRules>;  // null: none

}  // namespace sluice::model
