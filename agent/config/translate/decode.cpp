// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/decode.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "agent/base/text.hpp"
#include "agent/config/translate/gateway_api/decode.hpp"

namespace sluice::config {
namespace {

constexpr std::string_view kIstioGroup = "networking.istio.io";
constexpr std::string_view kDiscoveryGroup = "discovery.k8s.io";
constexpr std::string_view kApiGroup = kGatewayApiGroup;

struct KnownKind {
  std::string_view group;
  std::string_view kind;
  Spec (*decode)(const DecodeInput&);
};

template <auto function>
Spec wrap(const DecodeInput& input) {
  return function(input);
}

constexpr std::array<KnownKind, 18> kKinds{{
    {kIstioGroup, "Gateway", wrap<decode_gateway>},
    {kIstioGroup, "VirtualService", wrap<decode_virtual_service>},
    {kIstioGroup, "DestinationRule", wrap<decode_destination_rule>},
    {kIstioGroup, "ServiceEntry", wrap<decode_service_entry>},
    {kIstioGroup, "WorkloadEntry", wrap<decode_workload_entry>},
    {"", "Service", wrap<decode_service>},
    {kDiscoveryGroup, "EndpointSlice", wrap<decode_endpoint_slice>},
    {"", "Pod", wrap<decode_pod>},
    {"", "Node", wrap<decode_node>},
    {"", "Namespace", wrap<decode_name_space>},
    {kApiGroup, "GatewayClass", wrap<decode_gateway_class>},
    {kApiGroup, "Gateway", wrap<decode_api_gateway>},
    {kApiGroup, "ListenerSet", wrap<decode_listener_set>},
    {kApiGroup, "HTTPRoute", wrap<decode_api_http_route>},
    {kApiGroup, "TCPRoute", wrap<decode_api_l4_route>},
    {kApiGroup, "TLSRoute", wrap<decode_api_l4_route>},
    {kApiGroup, "UDPRoute", wrap<decode_api_l4_route>},
    {kApiGroup, "ReferenceGrant", wrap<decode_reference_grant>},
}};
// Kinds of the same groups that could change traffic, and do nothing in this version.
constexpr std::array<std::string_view, 4> kUnbuiltIstioKinds{"EnvoyFilter", "Sidecar",
                                                             "WorkloadGroup", "ProxyConfig"};
constexpr std::array<std::string_view, 2> kUnbuiltApiKinds{"GRPCRoute", "BackendTLSPolicy"};

struct ApiVersion {
  std::string_view group;
  std::string_view version;
};

ApiVersion split_api_version(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == text.npos) return {"", text};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

std::string supported_versions(std::string_view group) {
  if (group == kIstioGroup) return "networking.istio.io/v1, v1beta1 or v1alpha3";
  if (group == kDiscoveryGroup) return "discovery.k8s.io/v1";
  if (group == kApiGroup) return "gateway.networking.k8s.io/v1";
  return "v1";
}

bool supports(std::string_view group, std::string_view version) {
  if (version == "v1") return true;
  if (group == kApiGroup && version == "v1alpha2") return true;
  return (group == kIstioGroup || group == kApiGroup) &&
         (version == "v1beta1" || version == "v1alpha3");
}

// Reports what is wrong with apiVersion or kind; nullptr when the object has no meaning here.
const KnownKind* find_kind(const Manifest& manifest, Report& report) {
  const auto [group, version] = split_api_version(manifest.api_version);
  const Mark api_mark = manifest.root.find("apiVersion")->value.mark;
  const Mark kind_mark = manifest.root.find("kind")->value.mark;
  const std::string_view kind = manifest.kind;
  const auto is_one_of = [&](const auto& kinds) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  };
  if ((group == kApiGroup && is_one_of(kUnbuiltApiKinds)) ||
      (group == kIstioGroup && is_one_of(kUnbuiltIstioKinds))) {
    report.unsupported(
        kind_mark, "kind",
        fmt::format("{} of {} has no effect in this version", kind, manifest.api_version));
    return nullptr;
  }
  std::vector<std::string_view> kinds_of_group;
  const KnownKind* same_kind = nullptr;
  for (const KnownKind& known : kKinds) {
    if (known.group == group) kinds_of_group.push_back(known.kind);
    if (known.kind != kind) continue;
    if (same_kind == nullptr || known.group == group) same_kind = &known;
    if (known.group != group) continue;
    if (supports(group, version)) return &known;
    report.error(api_mark, "apiVersion", "unknown_api_version",
                 fmt::format("{} has no version `{}`", kind, manifest.api_version),
                 "write " + supported_versions(group));
    return nullptr;
  }
  const std::string_view istio[] = {kIstioGroup, kDiscoveryGroup, kApiGroup};
  const bool core_kind = same_kind != nullptr && same_kind->group.empty();
  const bool near_group = !group.empty() && !closest(group, istio).empty();
  if (same_kind != nullptr && (!core_kind || group.empty()) &&
      (near_group || same_kind->group == kIstioGroup || group.empty())) {
    report.error(api_mark, "apiVersion", "unknown_api_version",
                 fmt::format("{} does not exist in `{}`", kind, manifest.api_version),
                 "write " + supported_versions(same_kind->group));
    return nullptr;
  }
  if (group == kIstioGroup || group == kDiscoveryGroup || group == kApiGroup) {
    const std::string meant = closest(kind, kinds_of_group);
    report.error(kind_mark, "kind", "unknown_kind", fmt::format("no kind `{}` here", kind),
                 meant.empty() ? std::string() : fmt::format("did you mean `{}`?", meant));
    return nullptr;
  }
  return nullptr;
}

// Both APIs have a kind Gateway.
std::string key_kind(std::string_view group, const std::string& kind) {
  return group == kApiGroup ? fmt::format("{}.{}", kind, group) : kind;
}

// A kind whose decoder reads `spec` is not decoded without one: all that it would say is that everything is missing.
bool has_spec(const KnownKind& kind, const Manifest& manifest, Report& report) {
  if (kind.group != kIstioGroup && kind.group != kApiGroup) return true;
  Fields root(manifest.root, "", report);
  if (root.map("spec")) return true;
  if (!root.get("spec")) root.missing("spec", "add `spec:`");
  return false;
}

}  // namespace

Fields spec_fields(const DecodeInput& input) {
  static constexpr std::array<std::string_view, 5> kRoot{"apiVersion", "kind", "metadata", "spec",
                                                         "status"};
  Fields root(input.manifest.root, "", input.report);
  root.silent(kRoot);
  root.finish();
  return Fields(input.manifest.root.find("spec")->value, "spec", input.report);
}

Decoded decode(const Manifest& manifest, const std::string& file, const RegexCheck& check_regex) {
  Decoded out;
  Report report(file, describe(manifest));
  const KnownKind* kind = find_kind(manifest, report);
  out.origin = report.origin(manifest.root.mark, "");
  if (kind == nullptr) {
    out.ignored = !report.failed();
    out.diagnostics = report.take();
    return out;
  }
  const Metadata metadata = read_metadata(manifest, report);
  DecodeInput input{manifest, metadata, {}, report, check_regex};
  input.meta = {metadata.name_space, metadata.name, metadata.created, metadata.labels, out.origin};
  if (!metadata.name.empty()) {
    out.key = ObjectKey{key_kind(kind->group, manifest.kind), metadata.name_space, metadata.name};
  }
  if (has_spec(*kind, manifest, report)) {
    Spec spec = kind->decode(input);
    auto& place = report.failed() ? out.refused.spec : out.spec;
    if (!report.failed() || kind->group == kApiGroup) {
      place = std::make_shared<const Spec>(std::move(spec));
    }
  }
  out.diagnostics = report.take();
  if (out.refused.spec) {
    const auto error =
        std::ranges::find(out.diagnostics, model::Severity::kError, &model::Diagnostic::severity);
    out.refused.why = fmt::format("{}: {}", error->origin.path, error->message);
  }
  return out;
}

}  // namespace sluice::config
