// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/policy_balancer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "agent/base/text.hpp"
#include "agent/config/translate/choice.hpp"
#include "agent/config/translate/duration.hpp"
#include "agent/config/translate/number.hpp"
#include "agent/config/translate/policy_locality.hpp"
#include "agent/config/translate/token.hpp"

namespace sluice::config {
namespace {

using model::ConsistentHash;
using model::HashKey;
using model::LoadBalancer;

constexpr std::int64_t kMostRingSlots = 8'388'608;  // the API's bound
constexpr std::int64_t kMaglevBelow = 5'000'011;    // likewise

bool is_prime(std::uint64_t number) {
  if (number < 2) return false;
  for (std::uint64_t divisor = 2; divisor * divisor <= number; ++divisor) {
    if (number % divisor == 0) return false;
  }
  return true;
}

// What stands in a Set-Cookie header unquoted (RFC 6265 4.1.1: any CHAR except CTLs or ";").
bool is_cookie_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f && c != ';'; });
}

void check_cookie_text(const Text& text, Report& report) {
  if (is_cookie_text(text.value)) return;
  report.error(text.mark, text.path, "bad_value",
               fmt::format("`{}` cannot stand in a cookie", text.value),
               "leave out `;`, control characters and what is not ASCII");
}

void check_name(const Text& text, const char* what, Report& report) {
  if (text.value.empty() || is_token(text.value)) return;
  report.error(text.mark, text.path, "bad_value",
               fmt::format("`{}` is not the name of a {}", text.value, what),
               "write letters, digits and `-`");
}

void read_cookie(const Located& located, HashKey& out, Report& report) {
  Fields fields(*located.node, located.path, report);
  out.source = HashKey::Source::kCookie;
  const Text name = fields.required_text("name");
  check_name(name, "cookie", report);
  out.name = name.value;
  out.ttl = read_duration(fields, "ttl", Milliseconds{0});
  if (const auto path = fields.text("path")) {
    check_cookie_text(*path, report);
    out.path = path->value;
  }
  for (const Located& item : fields.list("attributes")) {
    Fields attribute(*item.node, item.path, report);
    const Text attribute_name = attribute.required_text("name");
    check_name(attribute_name, "cookie attribute", report);
    const auto value = attribute.text("value");
    if (value) check_cookie_text(*value, report);
    out.attributes.emplace_back(attribute_name.value, value ? value->value : "");
    attribute.finish();
  }
  fields.finish();
}

HashKey read_key(const Located& located, Fields& fields) {
  Report& report = fields.report();
  HashKey out;
  int keys = 0;
  if (const auto header = fields.text("httpHeaderName")) {
    ++keys;
    check_name(*header, "header", report);
    out.source = HashKey::Source::kHeader;
    out.name = to_lower(header->value);
  }
  if (const auto cookie = fields.map("httpCookie")) {
    ++keys;
    read_cookie(*cookie, out, report);
  }
  if (fields.boolean("useSourceIp").value_or(false)) {
    ++keys;
    out.source = HashKey::Source::kSourceIp;
  }
  if (const auto parameter = fields.text("httpQueryParameterName")) {
    ++keys;
    out.source = HashKey::Source::kQueryParameter;
    out.name = parameter->value;
  }
  if (keys != 1) {
    report.error(located.key, located.path, keys == 0 ? "missing_field" : "conflicting_fields",
                 fmt::format("needs exactly one key to hash, got {}", keys),
                 "write one of `httpHeaderName`, `httpCookie`, `useSourceIp: true` and "
                 "`httpQueryParameterName`");
  }
  return out;
}

void read_maglev(const Located& located, ConsistentHash& out, Report& report) {
  Fields fields(*located.node, located.path, report);
  out.table = ConsistentHash::Table::kMaglev;
  const auto at = fields.get("tableSize");
  if (const auto size = fields.integer("tableSize", 2, kMaglevBelow - 1)) {
    out.table_size = static_cast<std::uint64_t>(*size);
    if (!is_prime(out.table_size)) {
      report.error(at->node->mark, at->path, "bad_value",
                   fmt::format("{} is not a prime number", *size),
                   "write one such as 65537 or 131071");
    }
  }
  fields.finish();
}

ConsistentHash read_hash(const Located& located, Report& report) {
  Fields fields(*located.node, located.path, report);
  ConsistentHash out;
  out.key = read_key(located, fields);
  // The older place of the ring's size.
  if (const auto size = fields.integer("minimumRingSize", 1, kMostRingSlots)) {
    out.minimum_ring_size = static_cast<std::uint64_t>(*size);
  }
  const auto ring = fields.map("ringHash");
  if (ring) {
    Fields inner(*ring->node, ring->path, report);
    if (const auto size = inner.integer("minimumRingSize", 1, kMostRingSlots)) {
      out.minimum_ring_size = static_cast<std::uint64_t>(*size);
    }
    inner.finish();
  }
  if (const auto maglev = fields.map("maglev")) {
    read_maglev(*maglev, out, report);
    if (ring) {
      report.error(maglev->key, maglev->path, "conflicting_fields",
                   "`ringHash` and `maglev` exclude each other", "remove one of them");
    }
  }
  fields.finish();
  return out;
}

void read_simple(Fields& fields, LoadBalancer& out) {
  static constexpr std::array<std::string_view, 6> kWords{
      "ROUND_ROBIN", "LEAST_REQUEST", "RANDOM", "PASSTHROUGH", "UNSPECIFIED", "LEAST_CONN"};
  constexpr LoadBalancer::Kind kKinds[] = {
      LoadBalancer::Kind::kRoundRobin,   LoadBalancer::Kind::kLeastRequest,
      LoadBalancer::Kind::kRandom,       LoadBalancer::Kind::kPassthrough,
      LoadBalancer::Kind::kLeastRequest, LoadBalancer::Kind::kLeastRequest};
  const auto at = fields.get("simple");
  const auto word = read_choice(fields, "simple", kWords);
  if (!word) return;
  out.kind = kKinds[*word];
  if (out.kind == LoadBalancer::Kind::kPassthrough) {
    fields.report().warning(at->node->mark, at->path, "no_effect",
                            "a client connects to a gateway, not to an endpoint: requests go where "
                            "LEAST_REQUEST would send them",
                            "write LEAST_REQUEST");
  }
}

std::optional<model::Warmup> read_warmup(Fields& fields) {
  const auto old = fields.get("warmupDurationSecs");
  const auto old_duration = read_duration(fields, "warmupDurationSecs");
  const auto located = fields.map("warmup");
  if (!located) {
    if (!old_duration) return std::nullopt;
    return model::Warmup{.duration = *old_duration};
  }
  if (old) {
    fields.report().error(old->key, old->path, "conflicting_fields",
                          "`warmup` and the older `warmupDurationSecs` exclude each other",
                          "remove `warmupDurationSecs`");
  }
  Fields inner(*located->node, located->path, fields.report());
  model::Warmup out;
  if (!inner.get("duration")) inner.missing("duration", "add `duration: 60s`");
  out.duration = read_duration(inner, "duration").value_or(Milliseconds{0});
  out.minimum_percent = read_number(inner, "minimumPercent", 0, 100).value_or(out.minimum_percent);
  out.aggression = read_number(inner, "aggression", 0.01, 1000).value_or(out.aggression);
  inner.finish();
  return out;
}

}  // namespace

LoadBalancer read_load_balancer(const Located& located, Report& report) {
  Fields fields(*located.node, located.path, report);
  LoadBalancer out;
  read_simple(fields, out);
  if (const auto hash = fields.map("consistentHash")) {
    if (fields.get("simple")) {
      report.error(hash->key, hash->path, "conflicting_fields",
                   "`simple` and `consistentHash` exclude each other", "remove one of them");
    }
    out.kind = LoadBalancer::Kind::kConsistentHash;
    out.hash = read_hash(*hash, report);
  }
  out.locality = read_locality_policy(fields);
  out.warmup = read_warmup(fields);
  if (out.warmup && out.kind != LoadBalancer::Kind::kRoundRobin &&
      out.kind != LoadBalancer::Kind::kLeastRequest) {
    const auto at = fields.get("warmup") ? fields.get("warmup") : fields.get("warmupDurationSecs");
    report.warning(at->key, at->path, "no_effect",
                   "only ROUND_ROBIN and LEAST_REQUEST warm endpoints up",
                   "remove it, or choose one of the two");
  }
  static constexpr std::array<std::string_view, 1> kUnbuilt{"zoneAwareLbSetting"};
  fields.finish(kUnbuilt);
  return out;
}

}  // namespace sluice::config
