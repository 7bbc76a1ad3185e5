// SPDX-License-Identifier: Apache-2.0
// What routes of all kinds share, those of TCP, TLS and UDP, ReferenceGrant and Namespace.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "agent/config/translate/gateway_api/decode.hpp"

namespace sluice::config {
namespace {

ParentReference read_parent(const DecodeInput& input, const Located& located) {
  Fields fields(*located.node, located.path, input.report);
  ParentReference out;
  out.origin = input.origin(located.key, located.path);
  const auto group = fields.text("group");
  const auto kind = fields.text("kind");
  const auto name_space = fields.text("namespace");
  const auto section = fields.text("sectionName");
  out.group = group ? group->value : kGatewayApiGroup;
  out.kind = kind ? kind->value : "Gateway";
  if (name_space) out.name_space = name_space->value;
  out.name = fields.required_text("name").value;
  if (section && !section->value.empty()) out.section = section->value;
  out.port = fields.port("port");
  fields.finish();
  return out;
}

bool had_status(const DecodeInput& input) {
  const Member* const status = input.manifest.root.find("status");
  const Member* const parents = status != nullptr ? status->value.find("parents") : nullptr;
  if (parents == nullptr) return false;
  return std::any_of(parents->value.items.begin(), parents->value.items.end(),
                     [](const Node& parent) {
                       const Member* const controller = parent.find("controllerName");
                       return controller != nullptr && controller->value.scalar == kControllerName;
                     });
}

}  // namespace

ApiRouteSpec read_route_frame(const DecodeInput& input, Fields& spec) {
  ApiRouteSpec out;
  out.meta = input.meta;
  out.target = status_target(input);
  out.had_status = had_status(input);
  for (const Located& located : spec.list("parentRefs")) {
    out.parents.push_back(read_parent(input, located));
  }
  if (const auto scope = spec.text("useDefaultGateways"); scope && scope->value != "None") {
    input.report.unsupported(scope->mark, scope->path, "write `parentRefs`");
  }
  return out;
}

BackendReference read_backend(const DecodeInput& input, Fields& fields, const Located& located) {
  BackendReference out;
  out.origin = input.origin(located.key, located.path);
  const auto group = fields.text("group");
  const auto kind = fields.text("kind");
  const auto name_space = fields.text("namespace");
  out.group = group ? group->value : std::string();
  out.kind = kind ? kind->value : "Service";
  out.name_space = name_space ? name_space->value : input.meta.name_space;
  out.name = fields.required_text("name").value;
  out.port = fields.port("port");
  if (const auto weight = fields.integer("weight", 0, 1'000'000)) {
    out.weight = static_cast<std::uint64_t>(*weight) * model::kWeightUnit;
  }
  return out;
}

ApiRouteSpec decode_api_l4_route(const DecodeInput& input) {
  Fields spec = spec_fields(input);
  ApiRouteSpec out = read_route_frame(input, spec);
  if (out.target.kind == "TLSRoute") {
    for (const Text& text : spec.texts("hostnames")) {
      out.hostnames.push_back(read_hostname(input, text));
    }
  }
  if (out.target.kind == "TLSRoute") {
    const Mark mark = input.manifest.root.find("kind")->value.mark;
    input.report.unsupported(mark, "kind", "no listener of its protocol is served");
  }
  for (const Located& located : spec.list("rules")) {
    Fields fields(*located.node, located.path, input.report);
    ApiRule rule;
    rule.route.origin = input.origin(located.key, located.path);
    if (const auto name = fields.text("name")) rule.route.name = name->value;
    for (const Located& item : fields.list("backendRefs")) {
      Fields backend(*item.node, item.path, input.report);
      rule.backends.push_back(read_backend(input, backend, item));
      backend.finish();
    }
    fields.finish();
    out.rules.push_back(std::move(rule));
  }
  if (out.rules.empty() && !spec.get("rules")) spec.missing("rules", "add `rules:`");
  if (out.rules.size() > 1) {
    input.report.warning({out.rules[1].route.origin.line, out.rules[1].route.origin.column},
                         out.rules[1].route.origin.path, "unreachable_route",
                         "it gets no connection: the first rule takes all of them");
  }
  spec.finish();
  return out;
}

ReferenceGrantSpec decode_reference_grant(const DecodeInput& input) {
  ReferenceGrantSpec out;
  out.meta = input.meta;
  Fields spec = spec_fields(input);
  for (const Located& located : spec.list("from")) {
    Fields fields(*located.node, located.path, input.report);
    out.from.push_back({fields.required_text("group").value, fields.required_text("kind").value,
                        fields.required_text("namespace").value});
    fields.finish();
  }
  for (const Located& located : spec.list("to")) {
    Fields fields(*located.node, located.path, input.report);
    const auto name = fields.text("name");
    out.to.push_back({fields.required_text("group").value, fields.required_text("kind").value,
                      name ? name->value : std::string()});
    fields.finish();
  }
  spec.finish();
  return out;
}

// Only its labels count here.
NamespaceSpec decode_name_space(const DecodeInput& input) { return {input.meta}; }

}  // namespace sluice::config
