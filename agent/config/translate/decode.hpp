// SPDX-License-Identifier: Apache-2.0
// decode: one manifest to its Spec. Knows which kinds exist; each kind has its own file beside this
// one. Called by translator.cpp and the fuzzer. Thread: main. Invariants: never throws; the same
// manifest gives the same result.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "agent/config/config.hpp"
#include "agent/config/manifest/fields.hpp"
#include "agent/config/manifest/object.hpp"
#include "agent/config/translate/spec.hpp"

namespace sluice::config {

// Say what is wrong with a regular expression, and with a substitution by one, or nothing. Empty = not checked here.
struct RegexCheck {
  decltype(TranslateOptions::check_regex) expression;
  decltype(TranslateOptions::check_rewrite) rewrite;
};

struct Decoded {
  bool ignored = false;          // a kind that has no meaning here
  std::optional<ObjectKey> key;  // nullopt: the object cannot be told
  model::Origin origin;          // of the object
  SpecPtr spec;                  // null: rejected (or ignored)
  Refused refused;               // of a rejected object whose status is ours to write
  std::vector<model::Diagnostic> diagnostics;
};

[[nodiscard]] Decoded decode(const Manifest& manifest, const std::string& file,
                             const RegexCheck& check_regex);

// What a kind's decoder works with: the object's `spec` (or the root for kinds without), its
// metadata and its report.
struct DecodeInput {
  const Manifest& manifest;
  const Metadata& metadata;
  ObjectMeta meta;
  Report& report;
  const RegexCheck& check_regex;

  [[nodiscard]] model::Origin origin(Mark mark, const std::string& path) const {
    return report.origin(mark, path);
  }
  [[nodiscard]] PlacedText placed(const Text& text) const {
    return {text.value, report.origin(text.mark, text.path)};
  }
};

[[nodiscard]] GatewaySpec decode_gateway(const DecodeInput& input);
[[nodiscard]] VirtualServiceSpec decode_virtual_service(const DecodeInput& input);
[[nodiscard]] DestinationRuleSpec decode_destination_rule(const DecodeInput& input);
[[nodiscard]] ServiceEntrySpec decode_service_entry(const DecodeInput& input);
[[nodiscard]] WorkloadEntrySpec decode_workload_entry(const DecodeInput& input);
[[nodiscard]] ServiceSpec decode_service(const DecodeInput& input);
[[nodiscard]] EndpointSliceSpec decode_endpoint_slice(const DecodeInput& input);
[[nodiscard]] PodSpec decode_pod(const DecodeInput& input);
[[nodiscard]] NodeSpec decode_node(const DecodeInput& input);

// The `spec` of the object (it has one); the fields of the root are checked too.
[[nodiscard]] Fields spec_fields(const DecodeInput& input);

}  // namespace sluice::config
