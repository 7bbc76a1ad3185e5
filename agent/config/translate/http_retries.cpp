// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/http_retries.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "agent/base/text.hpp"
#include "agent/config/translate/duration.hpp"

namespace sluice::config {
namespace {

using model::RetryPolicy;

struct ConditionName {
  std::string_view name;
  std::uint32_t bit;  // 0: of the API, without effect here
};
constexpr std::array<ConditionName, 16> kConditions{{
    {"5xx", RetryPolicy::k5xx},
    {"gateway-error", RetryPolicy::kGatewayError},
    {"reset", RetryPolicy::kReset},
    {"reset-before-request", RetryPolicy::kResetBeforeRequest},
    {"connect-failure", RetryPolicy::kConnectFailure},
    {"retriable-4xx", RetryPolicy::kRetriable4xx},
    {"refused-stream", RetryPolicy::kRefusedStream},
    {"retriable-status-codes", RetryPolicy::kRetriableStatusCodes},
    {"cancelled", RetryPolicy::kGrpcCancelled},
    {"deadline-exceeded", RetryPolicy::kGrpcDeadlineExceeded},
    {"internal", RetryPolicy::kGrpcInternal},
    {"resource-exhausted", RetryPolicy::kGrpcResourceExhausted},
    {"unavailable", RetryPolicy::kGrpcUnavailable},
    {"retriable-headers", RetryPolicy::kRetriableHeaders},
    {"envoy-ratelimited", 0},
    {"http3-post-connect-failure", 0},
}};

// A number that stands for a status; nullopt for a word.
std::optional<std::uint16_t> status_of(std::string_view word) {
  std::uint16_t status = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), status);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return status >= 100 && status <= 599 ? std::optional(status) : std::nullopt;
}

void read_condition(const Text& text, std::string_view word, RetryPolicy& out, Report& report) {
  if (const auto status = status_of(word)) {
    out.conditions |= RetryPolicy::kRetriableStatusCodes;
    if (std::find(out.statuses.begin(), out.statuses.end(), *status) == out.statuses.end()) {
      out.statuses.push_back(*status);
    }
    return;
  }
  std::vector<std::string_view> names;
  for (const ConditionName& known : kConditions) {
    names.push_back(known.name);
    if (known.name != word) continue;
    out.conditions |= known.bit;
    if (known.bit == 0) {
      report.unsupported(text.mark, text.path, fmt::format("the condition `{}` never holds", word));
    }
    return;
  }
  const std::string meant = closest(word, names);
  report.error(text.mark, text.path, "bad_value",
               fmt::format("`{}` is not a condition to try again on", word),
               meant.empty() ? "write such as `connect-failure,reset,503`"
                             : fmt::format("did you mean `{}`?", meant));
}

// The API has no field for the names. They are where the data plane of Istio looks for them: in a request field, which
// a route can set, and which goes no further.
constexpr std::string_view kRetriableHeaderNames = "x-envoy-retriable-header-names";

std::vector<std::string> take_header_names(model::HeaderRules* headers) {
  std::vector<std::string> out;
  if (headers == nullptr) return out;
  for (auto* const values : {&headers->request.set, &headers->request.add}) {
    std::erase_if(*values, [&out](const model::HeaderValue& value) {
      if (!equals_ignore_case(value.name, kRetriableHeaderNames)) return false;
      for (const model::ValuePiece& piece : value.value) {
        // Not a variable: which answers are tried again is not the client's to say.
        std::string_view rest =
            piece.kind == model::ValuePiece::Kind::kLiteral ? piece.text : std::string_view();
        while (!rest.empty()) {
          const std::size_t end = std::min(rest.size(), rest.find(','));
          if (const auto name = trim(rest.substr(0, end)); !name.empty()) {
            out.push_back(to_lower(name));
          }
          rest.remove_prefix(std::min(rest.size(), end + 1));
        }
      }
      return true;
    });
  }
  return out;
}

void read_retry_on(Fields& fields, RetryPolicy& out) {
  const auto located = fields.get("retryOn");
  if (!located) return;
  Text text{located->node->scalar, located->node->mark, located->path};
  // `retryOn: 503` is a number in YAML, and its meaning is plain.
  const bool number =
      located->node->kind == Node::Kind::kScalar && located->node->type() == Node::Type::kInteger;
  if (!number) {
    auto checked = fields.text("retryOn");
    if (!checked || checked->value.empty()) return;
    text = std::move(*checked);
  }
  out.conditions = 0;
  std::string_view rest = text.value;
  while (!rest.empty()) {
    const std::string_view word = trim(rest.substr(0, rest.find(',')));
    rest.remove_prefix(
        std::min(rest.size(), rest.find(',') == rest.npos ? rest.size() : rest.find(',') + 1));
    if (!word.empty()) read_condition(text, word, out, fields.report());
  }
  const bool codes = (out.conditions & RetryPolicy::kRetriableStatusCodes) != 0;
  if (codes && out.statuses.empty()) {
    fields.report().warning(text.mark, text.path, "no_effect",
                            "`retriable-status-codes` without a status never holds",
                            "add the statuses, such as `503,504`");
  }
  const bool headers = (out.conditions & RetryPolicy::kRetriableHeaders) != 0;
  if (headers && out.headers.empty()) {
    out.conditions &= ~std::uint32_t{RetryPolicy::kRetriableHeaders};
    fields.report().warning(
        text.mark, text.path, "no_effect", "`retriable-headers` without names never holds",
        "let the route set the request header `x-envoy-retriable-header-names: a,b`");
  }
}

}  // namespace

std::optional<model::RetryPolicy> read_retries(const DecodeInput& input, Fields& route,
                                               model::HeaderRules* headers) {
  std::vector<std::string> header_names = take_header_names(headers);
  const auto located = route.map("retries");
  if (!located) return std::nullopt;
  Fields fields(*located->node, located->path, input.report);
  RetryPolicy out;
  out.attempts = static_cast<std::uint32_t>(fields.integer("attempts", 0, 1000).value_or(0));
  out.per_try_timeout = read_duration(fields, "perTryTimeout");
  out.headers = std::move(header_names);
  read_retry_on(fields, out);
  if ((out.conditions & RetryPolicy::kRetriableHeaders) == 0) out.headers.clear();
  if (const auto backoff = read_duration(fields, "backoff")) out.backoff = *backoff;
  out.ignore_previous_hosts = fields.boolean("retryIgnorePreviousHosts").value_or(true);
  out.other_localities = fields.boolean("retryRemoteLocalities").value_or(false);
  fields.finish();
  const bool more =
      fields.get("perTryTimeout") || fields.get("retryOn") || fields.get("retryRemoteLocalities");
  if (out.attempts == 0 && more && !input.report.failed()) {
    const auto attempts = fields.get("attempts");
    input.report.error(attempts ? attempts->node->mark : located->key, located->path + ".attempts",
                       "conflicting_fields",
                       attempts ? "0 attempts mean that nothing is tried again, and other fields "
                                  "say when to"
                                : "without `attempts` nothing is tried again, and other fields say "
                                  "when to",
                       "add `attempts: 2`, or leave the other fields out");
  }
  return out;
}

}  // namespace sluice::config
