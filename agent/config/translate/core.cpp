// SPDX-License-Identifier: Apache-2.0
// The core kinds Service and EndpointSlice. Real clusters print far more fields than routing
// needs, so unknown fields of these kinds are passed over: they come from the API server, not from
// a person's hand.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "agent/config/translate/core.hpp"
#include "agent/config/translate/decode.hpp"
#include "agent/config/translate/export_to.hpp"

namespace sluice::config {
namespace {

constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";

constexpr std::array<std::string_view, 16> kServiceFields{"clusterIP",
                                                          "clusterIPs",
                                                          "type",
                                                          "externalIPs",
                                                          "sessionAffinityConfig",
                                                          "loadBalancerIP",
                                                          "loadBalancerSourceRanges",
                                                          "loadBalancerClass",
                                                          "externalName",
                                                          "externalTrafficPolicy",
                                                          "internalTrafficPolicy",
                                                          "healthCheckNodePort",
                                                          "ipFamilies",
                                                          "ipFamilyPolicy",
                                                          "allocateLoadBalancerNodePorts",
                                                          "trafficDistribution"};
constexpr std::array<std::string_view, 4> kSliceEndpointFields{"deprecatedTopology", "hints",
                                                               "hostname", "topology"};
constexpr std::array<std::string_view, 2> kPortFields{"appProtocol", "nodePort"};
constexpr std::array<std::string_view, 4> kRootFields{"apiVersion", "kind", "metadata", "status"};

bool condition_of(Fields& fields, std::string_view name, bool otherwise) {
  return fields.boolean(name).value_or(otherwise);
}

void read_target_port(Fields& fields, ServicePort& port) {
  const auto target = fields.get("targetPort");
  if (!target) {
    port.target_number = port.number;
  } else if (target->node->type() == Node::Type::kString) {
    port.target_name = fields.text("targetPort").value_or(Text{}).value;
  } else {
    port.target_number = fields.port("targetPort").value_or(0);
  }
}

enum class PortProtocol : std::uint8_t { kTcp, kUdp, kOther };

PortProtocol protocol_of(Fields& fields) {
  const auto protocol = fields.text("protocol");
  if (!protocol || protocol->value == "TCP") return PortProtocol::kTcp;
  return protocol->value == "UDP" ? PortProtocol::kUdp : PortProtocol::kOther;
}

SliceEndpoint read_slice_endpoint(const DecodeInput& input, const Located& located) {
  Fields fields(*located.node, located.path, input.report);
  SliceEndpoint out;
  for (const Text& text : fields.texts("addresses")) {
    add_address(text, out.addresses, input.report);
  }
  if (const auto conditions = fields.map("conditions")) {
    Fields states(*conditions->node, conditions->path, input.report);
    // The API: nil means ready, serving follows ready, not terminating.
    out.ready = condition_of(states, "ready", true);
    out.serving = condition_of(states, "serving", out.ready);
    out.terminating = condition_of(states, "terminating", false);
  }
  if (const auto target = fields.map("targetRef")) {
    Fields reference(*target->node, target->path, input.report);
    const auto kind = reference.text("kind");
    const auto name = reference.text("name");
    const auto name_space = reference.text("namespace");
    if (kind && kind->value == "Pod" && name) {
      out.pod =
          fmt::format("{}/{}", name_space ? name_space->value : input.meta.name_space, name->value);
    }
  }
  if (const auto node = fields.text("nodeName")) out.node = node->value;
  if (const auto zone = fields.text("zone")) out.zone = zone->value;
  fields.silent(kSliceEndpointFields);
  fields.finish();
  return out;
}

}  // namespace

void add_address(const Text& text, std::vector<IpAddress>& out, Report& report) {
  const auto address = IpAddress::parse(text.value);
  if (!address) {
    report.error(text.mark, text.path, "bad_address",
                 fmt::format("`{}` is not an IP address", text.value),
                 "write an address such as 10.0.0.7 or fd00::7");
  } else if (std::find(out.begin(), out.end(), *address) == out.end()) {
    out.push_back(*address);
  }
}

ServiceSpec decode_service(const DecodeInput& input) {
  ServiceSpec out;
  out.meta = input.meta;
  static const Node kEmpty;
  Fields root(input.manifest.root, "", input.report);
  const auto located = root.map("spec");
  Fields spec(located ? *located->node : kEmpty, "spec", input.report);
  out.selector = spec.labels("selector");
  for (const Located& item : spec.list("ports")) {
    Fields fields(*item.node, item.path, input.report);
    ServicePort port;
    const auto number = fields.port("port");
    if (!number && !fields.get("port")) fields.missing("port", "add `port: 80`");
    port.number = number.value_or(0);
    if (const auto name = fields.text("name")) port.name = name->value;
    read_target_port(fields, port);
    const PortProtocol kind = protocol_of(fields);
    if (kind == PortProtocol::kTcp)
      out.ports.push_back(std::move(port));
    else if (kind == PortProtocol::kUdp)
      out.udp_ports.push_back(std::move(port));
    if (const auto protocol = fields.text("appProtocol");
        protocol && protocol->value == "kubernetes.io/h2c") {
      input.report.unsupported(protocol->mark, protocol->path, "endpoints are asked in HTTP/1.1");
    }
    fields.silent(kPortFields);
    fields.finish();
  }
  out.publish_not_ready = spec.boolean("publishNotReadyAddresses").value_or(false);
  out.export_to = read_export_annotation(input);
  if (const auto affinity = spec.text("sessionAffinity"); affinity && affinity->value != "None") {
    input.report.unsupported(affinity->mark, affinity->path,
                             "requests of a client go to any endpoint; a DestinationRule with "
                             "`consistentHash` and `useSourceIp: true` keeps them on one");
  }
  spec.silent(kServiceFields);
  spec.finish();
  root.silent(kRootFields);
  root.finish();
  return out;
}

EndpointSliceSpec decode_endpoint_slice(const DecodeInput& input) {
  EndpointSliceSpec out;
  out.meta = input.meta;
  Fields root(input.manifest.root, "", input.report);
  const auto service = input.metadata.labels.find(std::string(kServiceNameLabel));
  if (service != input.metadata.labels.end()) {
    out.service = service->second;
  } else {
    input.report.warning(input.metadata.name_mark, "metadata.labels", "missing_label",
                         "it belongs to no Service and is not used",
                         fmt::format("add the label `{}: ...`", kServiceNameLabel));
  }
  if (const auto type = root.text("addressType"); type && type->value == "FQDN") {
    input.report.unsupported(type->mark, type->path, "endpoints need addresses");
    return out;
  }
  for (const Located& item : root.list("ports")) {
    Fields fields(*item.node, item.path, input.report);
    const auto name = fields.text("name");
    const auto number = fields.port("port");
    if (number && protocol_of(fields) != PortProtocol::kOther)
      out.ports.emplace_back(name ? name->value : "", *number);
    fields.silent(kPortFields);
    fields.finish();
  }
  const auto endpoints = root.list("endpoints");
  out.endpoints.reserve(endpoints.size());
  for (const Located& item : endpoints) {
    out.endpoints.push_back(read_slice_endpoint(input, item));
  }
  root.silent(kRootFields);
  root.finish();
  return out;
}

}  // namespace sluice::config
