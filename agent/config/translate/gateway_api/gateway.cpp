// SPDX-License-Identifier: Apache-2.0
// GatewayClass, Gateway and ListenerSet.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "agent/base/text.hpp"
#include "agent/config/translate/choice.hpp"
#include "agent/config/translate/gateway_annotations.hpp"
#include "agent/config/translate/gateway_api/decode.hpp"
#include "agent/config/translate/hosts.hpp"

namespace sluice::config {
namespace {

using From = NamespaceRule::From;

void read_expressions(Fields& selector, LabelSelector& out) {
  for (const Located& located : selector.list("matchExpressions")) {
    Fields fields(*located.node, located.path, selector.report());
    LabelSelector::Expression expression;
    expression.key = fields.required_text("key").value;
    static constexpr std::array<std::string_view, 4> kOperators{"In", "NotIn", "Exists",
                                                                "DoesNotExist"};
    const auto op = read_choice(fields, "operator", kOperators);
    if (op) expression.op = kOperators[*op];
    if (!fields.get("operator")) fields.missing("operator", "add `operator: In`");
    for (const Text& value : fields.texts("values")) expression.values.insert(value.value);
    fields.finish();
    out.expressions.push_back(std::move(expression));
  }
}

// A TLS listener's certificates, as far as they can be judged without reading Secrets.
std::optional<Judgement> judge_certificates(const DecodeInput& input, Fields& tls) {
  std::optional<Judgement> out;
  for (const Located& located : tls.list("certificateRefs")) {
    Fields fields(*located.node, located.path, input.report);
    const auto group = fields.text("group");
    const auto kind = fields.text("kind");
    const std::string name = fields.required_text("name").value;
    (void)fields.text("namespace");
    fields.finish();
    const bool secret = (!group || group->value.empty()) && (!kind || kind->value == "Secret");
    if (!out) {
      out = Judgement{"InvalidCertificateRef",
                      secret ? fmt::format("Secret {} is not read: TLS is not served", name)
                             : fmt::format("{} {} is no Secret", kind ? kind->value : "", name)};
    }
  }
  if (!out) out = Judgement{"InvalidCertificateRef", "TLS is not served"};
  return out;
}

void read_tls(const DecodeInput& input, Fields& listener, ApiListenerSpec& out) {
  const auto located = listener.map("tls");
  if (!located) return;
  Fields tls(*located->node, located->path, input.report);
  out.certificate_problem = judge_certificates(input, tls);
  static constexpr std::array<std::string_view, 2> kSilent{"mode", "options"};
  tls.silent(kSilent);
  tls.finish();
  input.report.unsupported(located->key, located->path, "TLS is not served");
}

void read_allowed_routes(const DecodeInput& input, Fields& listener, ApiListenerSpec& out) {
  const auto located = listener.map("allowedRoutes");
  if (!located) return;
  Fields allowed(*located->node, located->path, input.report);
  out.name_spaces = read_name_spaces(input, allowed, From::kSame);
  for (const Located& item : allowed.list("kinds")) {
    Fields kind(*item.node, item.path, input.report);
    const auto group = kind.text("group");
    if (!out.kinds) out.kinds.emplace();
    out.kinds->push_back(
        {group ? group->value : kGatewayApiGroup, kind.required_text("kind").value});
    kind.finish();
  }
  allowed.finish();
}

ApiListenerSpec read_listener(const DecodeInput& input, const Located& located) {
  Fields fields(*located.node, located.path, input.report);
  ApiListenerSpec out;
  out.origin = input.origin(located.key, located.path);
  out.name = fields.required_text("name").value;
  if (const auto hostname = fields.text("hostname"); hostname && !hostname->value.empty()) {
    out.hostname = read_hostname(input, *hostname);
  }
  const auto port = fields.port("port");
  if (!port && !fields.get("port")) fields.missing("port", "add `port: 80`");
  out.port = port.value_or(0);
  const Text protocol = fields.required_text("protocol");
  out.protocol = protocol.value;
  if (out.protocol != "HTTP" && out.protocol != "TCP" && out.protocol != "UDP" &&
      !out.protocol.empty()) {
    input.report.unsupported(protocol.mark, protocol.path,
                             fmt::format("this listener ({}) is not served", out.protocol));
  }
  read_tls(input, fields, out);
  read_allowed_routes(input, fields, out);
  fields.finish();
  return out;
}

std::vector<GatewayStatus::Address> read_addresses(const DecodeInput& input, Fields& fields) {
  std::vector<GatewayStatus::Address> out;
  for (const Located& located : fields.list("addresses")) {
    Fields address(*located.node, located.path, input.report);
    const auto type = address.text("type");
    const auto value = address.text("value");
    out.push_back({type ? type->value : "IPAddress", value ? value->value : std::string()});
    address.finish();
  }
  return out;
}

void read_infrastructure(const DecodeInput& input, Fields& spec, ApiGatewaySpec& out) {
  const auto located = spec.map("infrastructure");
  if (!located) return;
  Fields fields(*located->node, located->path, input.report);
  const auto parameters = fields.get("parametersRef");
  if (parameters) {
    input.report.unsupported(parameters->key, parameters->path,
                             "the Gateway is not accepted: no kind of parameters exists");
  }
  if (const auto annotations = fields.map("annotations")) {
    read_more_annotations(input, *annotations, out.annotations);
  }
  // There are no objects made for a Gateway that they could be put on.
  static constexpr std::array<std::string_view, 1> kSilent{"labels"};
  fields.silent(kSilent);
  fields.finish();
  out.has_parameters = parameters.has_value();
}

}  // namespace

StatusTarget status_target(const DecodeInput& input) {
  return {input.manifest.api_version, input.manifest.kind, input.meta.name_space, input.meta.name,
          input.metadata.generation};
}

std::string read_hostname(const DecodeInput& input, const Text& text) {
  std::string out = to_lower(text.value);
  if (out == "*" || !valid_host(out)) {
    input.report.error(text.mark, text.path, "bad_host",
                       fmt::format("`{}` is not a host name", text.value),
                       "write `echo.example.com` or `*.example.com`, or leave it out for any");
  }
  return out;
}

NamespaceRule read_name_spaces(const DecodeInput& input, Fields& allowed, From otherwise) {
  NamespaceRule out{otherwise, {}};
  const auto located = allowed.map("namespaces");
  if (!located) return out;
  Fields fields(*located->node, located->path, input.report);
  static constexpr std::array<std::string_view, 4> kFrom{"None", "Same", "All", "Selector"};
  if (const auto from = read_choice(fields, "from", kFrom)) out.from = static_cast<From>(*from);
  if (const auto selector = fields.map("selector")) {
    Fields inner(*selector->node, selector->path, input.report);
    out.selector.labels = inner.labels("matchLabels");
    read_expressions(inner, out.selector);
    inner.finish();
  } else if (out.from == From::kSelector) {
    fields.missing("selector", "add `selector:` with `matchLabels:`");
  }
  fields.finish();
  return out;
}

std::vector<ApiListenerSpec> read_listeners(const DecodeInput& input, Fields& spec) {
  std::vector<ApiListenerSpec> out;
  for (const Located& located : spec.list("listeners")) {
    out.push_back(read_listener(input, located));
    const bool twice =
        std::any_of(out.begin(), std::prev(out.end()),
                    [&](const ApiListenerSpec& each) { return each.name == out.back().name; });
    if (twice) {
      input.report.error(located.key, located.path + ".name", "duplicate_name",
                         fmt::format("a listener `{}` is there already", out.back().name),
                         "give each its own name");
    }
  }
  if (out.empty() && !spec.get("listeners")) spec.missing("listeners", "add `listeners:`");
  return out;
}

GatewayClassSpec decode_gateway_class(const DecodeInput& input) {
  GatewayClassSpec out;
  out.meta = input.meta;
  out.target = status_target(input);
  out.target.name_space.clear();
  Fields spec = spec_fields(input);
  out.controller = spec.required_text("controllerName").value;
  (void)spec.text("description");
  const auto parameters = spec.get("parametersRef");
  out.has_parameters = parameters.has_value();
  if (parameters && out.controller == kControllerName) {
    input.report.unsupported(parameters->key, parameters->path,
                             "the class is not accepted: no kind of parameters exists");
  }
  spec.finish();
  return out;
}

ApiGatewaySpec decode_api_gateway(const DecodeInput& input) {
  ApiGatewaySpec out;
  out.meta = input.meta;
  out.target = status_target(input);
  out.annotations = read_gateway_annotations(input);
  Fields spec = spec_fields(input);
  out.class_name = spec.required_text("gatewayClassName").value;
  out.listeners = read_listeners(input, spec);
  out.wanted = read_addresses(input, spec);
  read_infrastructure(input, spec, out);
  if (const auto allowed = spec.map("allowedListeners")) {
    Fields fields(*allowed->node, allowed->path, input.report);
    out.allowed_listeners = read_name_spaces(input, fields, From::kNone);
    fields.finish();
  }
  static constexpr std::array<std::string_view, 2> kUnbuilt{"tls", "defaultScope"};
  spec.finish(kUnbuilt);
  Fields root(input.manifest.root, "", input.report);
  if (const auto status = root.map("status")) {
    Fields fields(*status->node, status->path, input.report);
    out.assigned = read_addresses(input, fields);
  }
  return out;
}

ListenerSetSpec decode_listener_set(const DecodeInput& input) {
  ListenerSetSpec out;
  out.meta = input.meta;
  out.target = status_target(input);
  Fields spec = spec_fields(input);
  if (const auto parent = spec.map("parentRef")) {
    Fields fields(*parent->node, parent->path, input.report);
    const auto group = fields.text("group");
    const auto kind = fields.text("kind");
    const auto name_space = fields.text("namespace");
    const std::string name = fields.required_text("name").value;
    fields.finish();
    if ((!group || group->value == kGatewayApiGroup) && (!kind || kind->value == "Gateway")) {
      out.parent = (name_space ? name_space->value : input.meta.name_space) + "/" + name;
    }
  } else if (!spec.get("parentRef")) {
    spec.missing("parentRef", "add `parentRef:` with the name of a Gateway");
  }
  out.listeners = read_listeners(input, spec);
  spec.finish();
  return out;
}

}  // namespace sluice::config
