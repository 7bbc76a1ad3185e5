// SPDX-License-Identifier: Apache-2.0
// What a route does besides naming destinations: Istio's HTTPRedirect, HTTPDirectResponse, HTTPRewrite, HTTPRetry,
// HTTPFaultInjection, HTTPMirrorPolicy and CorsPolicy, whatever API they came from. Plain values. Thread: any.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/clock.hpp"
#include "agent/model/origin.hpp"
#include "agent/model/string_match.hpp"

namespace sluice::model {

// A share of all requests in millionths: 100 % = 1'000'000, so that 0.0001 % is exact.
struct Fraction {
  static constexpr std::uint32_t kWhole = 1'000'000;
  std::uint32_t millionths = kWhole;

  bool operator==(const Fraction&) const = default;
};

// Of the path: RE2 with every match replaced (Istio uriRegexRewrite); \1 in the substitution names a group.
struct RegexRewrite {
  std::string pattern;
  std::string substitution;

  bool operator==(const RegexRewrite&) const = default;
};

// How `text` becomes the new path.
struct PathRewrite {
  enum class Kind : std::uint8_t {
    kWhole,  // replaces the path
    // Replaces the bytes that the match's uri prefix took (Istio). A match without uri took the "/" that every path
    // begins with; one with another kind of uri took the whole path.
    kPrefix,
    kPrefixSegments,  // replaces whole segments, as Gateway API's ReplacePrefixMatch: /foo/bar, /foo -> / gives /bar
  };
  Kind kind = Kind::kWhole;
  std::string text;

  bool operator==(const PathRewrite&) const = default;
};

struct Rewrite {
  std::optional<PathRewrite> path{};  // at most one of path and regex
  std::optional<RegexRewrite> regex{};
  std::optional<std::string> authority{};

  bool operator==(const Rewrite&) const = default;
};

struct Redirect {
  enum class Port : std::uint8_t {
    kKeep,   // as the request's authority says, except with another scheme: that one's default
    kFixed,  // `port`
    kProtocolDefault,  // derivePort: FROM_PROTOCOL_DEFAULT: none is written
    kRequestPort,      // derivePort: FROM_REQUEST_PORT: the port the connection came to
  };
  std::uint16_t status = 301;
  std::optional<std::string> scheme{};
  std::optional<std::string> authority{};  // host, possibly with its port
  std::optional<PathRewrite> path{};       // the query is kept unless `text` has one
  Port port_from = Port::kKeep;
  std::uint16_t port = 0;

  bool operator==(const Redirect&) const = default;
};

struct DirectResponse {
  std::uint16_t status = 200;
  std::string body;
  std::string content_type = "text/plain";

  bool operator==(const DirectResponse&) const = default;
};

struct RetryPolicy {
  // Bits. Names as Istio's retryOn writes them.
  enum Condition : std::uint32_t {
    k5xx = 1U << 0U,             // "5xx": any 5xx answer, reset or connect failure
    kGatewayError = 1U << 1U,    // "gateway-error": 502, 503, 504
    kReset = 1U << 2U,           // "reset": no answer at all: reset, disconnect, per-try timeout
    kConnectFailure = 1U << 3U,  // "connect-failure"
    kRetriable4xx = 1U << 4U,    // "retriable-4xx": 409
    kRefusedStream = 1U << 5U,   // "refused-stream"
    kRetriableStatusCodes =
        1U << 6U,  // "retriable-status-codes", or a number in the list: `statuses`
    kResetBeforeRequest = 1U << 7U,      // "reset-before-request": before any request byte was sent
    kRetriableHeaders = 1U << 8U,        // "retriable-headers": `headers`
    kGrpcCancelled = 1U << 9U,           // "cancelled"
    kGrpcDeadlineExceeded = 1U << 10U,   // "deadline-exceeded"
    kGrpcInternal = 1U << 11U,           // "internal"
    kGrpcResourceExhausted = 1U << 12U,  // "resource-exhausted"
    kGrpcUnavailable = 1U << 13U,        // "unavailable"
    kUnsafeMethods =
        1U
        << 14U,  // also methods that RFC 9110 9.2.2 does not call idempotent, once bytes were sent
  };
  // Istio's default for a route that says nothing.
  static constexpr std::uint32_t kDefaultConditions =
      kConnectFailure | kRefusedStream | kGrpcUnavailable | kGrpcCancelled;

  std::uint32_t attempts = 2;  // beside the first one; 0 = never again
  std::uint32_t conditions = kDefaultConditions;
  std::vector<std::uint16_t> statuses;
  std::vector<std::string> headers;  // lower case: an answer with one of them is tried again
  std::optional<Milliseconds> per_try_timeout;
  Milliseconds backoff{25};           // of the first retry; doubles, at most tenfold, jittered
  bool ignore_previous_hosts = true;  // other endpoints are preferred
  bool other_localities = false;      // localities that were not tried yet are preferred

  bool operator==(const RetryPolicy&) const = default;
};

struct Fault {
  struct Delay {
    Milliseconds duration{0};
    Fraction share;
    bool operator==(const Delay&) const = default;
  };
  struct Abort {
    std::uint16_t status = 503;
    std::optional<std::uint32_t> grpc_status;  // then status is 200 and grpc-status carries it
    Fraction share;
    bool operator==(const Abort&) const = default;
  };
  std::optional<Delay> delay;  // both: first delayed, then aborted
  std::optional<Abort> abort;

  bool operator==(const Fault&) const = default;
};

struct Mirror {
  std::string cluster;  // Cluster::key
  Fraction share;
  Origin origin;
};

struct Cors {
  enum class Unmatched : std::uint8_t { kForward, kIgnore };  // Istio UnmatchedPreflights
  std::vector<StringMatch> allow_origins;                     // empty: none
  std::vector<std::string> allow_methods;
  std::vector<std::string> allow_headers;
  std::vector<std::string> expose_headers;
  std::optional<std::uint32_t> max_age_seconds;
  std::optional<bool> allow_credentials;
  Unmatched unmatched_preflights = Unmatched::kForward;

  bool operator==(const Cors&) const = default;
};

}  // namespace sluice::model
