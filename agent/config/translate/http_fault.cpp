// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/http_fault.hpp"

#include <fmt/core.h>

#include <array>

#include "agent/config/translate/choice.hpp"
#include "agent/config/translate/duration.hpp"
#include "agent/config/translate/percentage.hpp"

namespace sluice::config {
namespace {

// In the order of their numbers.
constexpr std::array<std::string_view, 17> kGrpcStatuses{
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

// The share of requests that the fault meets: none when nothing is written, as in the API.
model::Fraction read_share(const Located& located, Fields& fields, bool whole_too) {
  auto share = read_percentage(fields, "percentage");
  const auto old = whole_too ? read_whole_percentage(fields, "percent") : std::nullopt;
  if (!share) share = old;
  if (!share && !fields.report().failed()) {
    fields.report().warning(located.key, located.path, "no_effect",
                            "without `percentage` it meets no request",
                            "add `percentage:` with `value: 100`");
  }
  return share.value_or(model::Fraction{0});
}

std::optional<model::Fault::Delay> read_delay(const DecodeInput& input, Fields& fault) {
  const auto located = fault.map("delay");
  if (!located) return std::nullopt;
  Fields fields(*located->node, located->path, input.report);
  model::Fault::Delay out;
  out.share = read_share(*located, fields, true);
  const auto fixed = read_duration(fields, "fixedDelay");
  const auto exponential = fields.get("exponentialDelay");
  if (exponential) {
    input.report.unsupported(exponential->key, exponential->path, "only `fixedDelay` delays");
  } else if (!fixed && !fields.get("fixedDelay")) {
    fields.missing("fixedDelay", "add `fixedDelay: 5s`");
  }
  fields.finish();
  if (!fixed) return std::nullopt;
  out.duration = *fixed;
  return out;
}

std::optional<model::Fault::Abort> read_abort(const DecodeInput& input, Fields& fault) {
  const auto located = fault.map("abort");
  if (!located) return std::nullopt;
  Fields fields(*located->node, located->path, input.report);
  model::Fault::Abort out;
  out.share = read_share(*located, fields, false);
  const auto http = fields.integer("httpStatus", 200, 599);
  const auto grpc = read_choice(fields, "grpcStatus", kGrpcStatuses);
  const auto http2 = fields.get("http2Error");
  const auto written = fields.get("grpcStatus");
  if (http2) {
    input.report.unsupported(http2->key, http2->path, "only `httpStatus` and `grpcStatus` abort");
  }
  if (fields.get("httpStatus") && written) {
    input.report.error(written->key, written->path, "conflicting_fields",
                       "`httpStatus` and `grpcStatus` exclude each other", "write one of them");
  }
  fields.finish();
  if (http) {
    out.status = static_cast<std::uint16_t>(*http);
    return out;
  }
  if (grpc) {
    out.status = 200;
    out.grpc_status = static_cast<std::uint32_t>(*grpc);
    return out;
  }
  if (!http2 && !input.report.failed()) {
    input.report.warning(located->key, located->path, "no_effect",
                         "without a status it aborts no request", "add `httpStatus: 503`");
  }
  return std::nullopt;
}

}  // namespace

std::optional<model::Fault> read_fault(const DecodeInput& input, Fields& route) {
  const auto located = route.map("fault");
  if (!located) return std::nullopt;
  Fields fields(*located->node, located->path, input.report);
  model::Fault out;
  out.delay = read_delay(input, fields);
  out.abort = read_abort(input, fields);
  fields.finish();
  if (!fields.get("delay") && !fields.get("abort") && !input.report.failed()) {
    fields.missing("abort", "add `delay:` or `abort:`");
  }
  if (!out.delay && !out.abort) return std::nullopt;
  return out;
}

}  // namespace sluice::config
