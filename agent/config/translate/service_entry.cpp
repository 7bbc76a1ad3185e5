// SPDX-License-Identifier: Apache-2.0
// networking.istio.io ServiceEntry and WorkloadEntry: plain addresses and virtual machines as
// backends.
#include <fmt/core.h>

#include <array>

#include "agent/base/text.hpp"
#include "agent/config/translate/choice.hpp"
#include "agent/config/translate/decode.hpp"
#include "agent/config/translate/export_to.hpp"
#include "agent/config/translate/hosts.hpp"
#include "agent/config/translate/timestamp.hpp"

namespace sluice::config {
namespace {

// `names`: the API allows them, as the DNS is asked for them.
void read_address(const DecodeInput& input, Fields& fields, bool names, WorkloadSpec& out) {
  const Text address = fields.required_text("address");
  out.origin = input.origin(address.mark, address.path);
  out.name = address.value;
  if (address.value.empty()) return;
  const auto ip = IpAddress::parse(address.value);
  if (ip && !ip->is_unspecified()) {
    out.address = *ip;
  } else if (address.value.starts_with("unix://")) {
    input.report.unsupported(address.mark, address.path, "a socket is no endpoint here");
  } else if (names && !ip && valid_host(to_lower(address.value)) && !is_wildcard(address.value)) {
    input.report.unsupported(address.mark, address.path,
                             "names are not looked up, so it is no endpoint; write its address");
  } else {
    input.report.error(address.mark, address.path, "bad_address",
                       fmt::format("`{}` is not the address of an endpoint", address.value),
                       "write one such as 192.0.2.10 or 2001:db8::10");
  }
}

WorkloadSpec read_workload(const DecodeInput& input, Fields& fields, bool names) {
  WorkloadSpec out;
  read_address(input, fields, names, out);
  if (const auto ports = fields.map("ports")) {
    Fields named(*ports->node, ports->path, input.report);
    for (const Member& member : ports->node->members) {
      if (const auto number = named.port(member.key)) out.ports.emplace(member.key, *number);
    }
  }
  out.labels = fields.labels("labels");
  const auto weight = fields.integer("weight", 0, 1'000'000);
  // Istio: an endpoint without a weight, or with 0, counts as 1.
  out.weight = weight && *weight > 0 ? static_cast<std::uint32_t>(*weight) : 1;
  if (const auto locality = fields.text("locality"))
    out.locality = model::Locality::parse(locality->value);
  if (const auto network = fields.text("network")) out.network = network->value;
  static constexpr std::array<std::string_view, 1> kSilent{"serviceAccount"};
  fields.silent(kSilent);
  fields.finish();
  return out;
}

// False for a word that is no protocol, which is reported.
bool known_protocol(const Text& protocol, Report& report) {
  static constexpr std::array<std::string_view, 12> kProtocols{
      "HTTP", "HTTP2", "GRPC",  "GRPC-WEB", "HTTPS", "TLS",
      "TCP",  "MONGO", "MYSQL", "REDIS",    "UDP",   "HTTP_PROXY"};
  for (const std::string_view known : kProtocols) {
    if (!equals_ignore_case(protocol.value, known)) continue;
    if (known == "HTTP2" || known.starts_with("GRPC")) {
      report.unsupported(protocol.mark, protocol.path, "endpoints are spoken to in HTTP/1.1");
    } else if (known == "HTTPS" || known == "TLS") {
      report.unsupported(protocol.mark, protocol.path,
                         "HTTP routes speak to the endpoints without TLS; TCP routes pass on what "
                         "the client sends");
    }
    return true;
  }
  const std::string meant = closest(protocol.value, kProtocols);
  report.error(
      protocol.mark, protocol.path, "bad_protocol",
      fmt::format("no protocol `{}` exists", protocol.value),
      meant.empty() ? std::string("write HTTP or TCP") : fmt::format("did you mean `{}`?", meant));
  return false;
}

void read_ports(const DecodeInput& input, Fields& spec, ServiceEntrySpec& out) {
  for (const Located& located : spec.list("ports")) {
    Fields fields(*located.node, located.path, input.report);
    ServiceEntryPort port;
    const auto number = fields.port("number");
    if (!number && !fields.get("number")) fields.missing("number", "add `number: 80`");
    port.number = number.value_or(0);
    port.name = fields.required_text("name").value;
    if (const auto protocol = fields.text("protocol")) {
      (void)known_protocol(*protocol, input.report);
    }
    port.target = fields.port("targetPort");
    fields.finish();
    for (const ServiceEntryPort& other : out.ports) {
      const bool number_twice = number && other.number == port.number;
      if (!number_twice && (port.name.empty() || other.name != port.name)) continue;
      input.report.error(located.key, located.path, "conflicting_fields",
                         number_twice ? fmt::format("the port {} is listed twice", port.number)
                                      : fmt::format("two ports are named `{}`", port.name),
                         "give each port its own number and name");
    }
    out.ports.push_back(std::move(port));
  }
  if (out.ports.empty()) spec.missing("ports", "add `ports:` with `number`, `name` and `protocol`");
}

// True when endpoints may have names.
bool read_resolution(const DecodeInput& input, Fields& spec) {
  static constexpr std::array<std::string_view, 5> kKnown{"STATIC", "NONE", "DNS",
                                                          "DNS_ROUND_ROBIN", "DYNAMIC_DNS"};
  const auto text = spec.text("resolution");
  if (text && text->value == "STATIC") return false;
  const Mark mark = text ? text->mark : spec.mark();
  const std::string value = text ? text->value : "NONE";
  for (const std::string_view known : kKnown) {
    if (value != known) continue;
    input.report.unsupported(
        mark, "spec.resolution",
        fmt::format("{}: only endpoints that are listed with their addresses are used; write "
                    "STATIC and list them",
                    value == "NONE" ? "NONE means the address that the client asked for, which is "
                                      "this gateway's own"
                                    : value + " means names, which are not looked up"));
    return value.find("DNS") != std::string::npos;
  }
  const std::string meant = closest(value, kKnown);
  input.report.error(mark, "spec.resolution", "bad_value",
                     fmt::format("`{}` is not a resolution", value),
                     meant.empty() ? "write STATIC" : fmt::format("did you mean `{}`?", meant));
  return true;
}

void read_selector(const DecodeInput& input, Fields& spec, ServiceEntrySpec& out) {
  const auto selector = spec.map("workloadSelector");
  if (!selector) return;
  Fields fields(*selector->node, selector->path, input.report);
  out.workload_selector = fields.labels("labels");
  fields.finish();
  if (!out.endpoints.empty()) {
    input.report.error(selector->key, selector->path, "conflicting_fields",
                       "only one of `endpoints` and `workloadSelector` may be set",
                       "remove one of them");
  }
}

}  // namespace

ServiceEntrySpec decode_service_entry(const DecodeInput& input) {
  ServiceEntrySpec out;
  out.meta = input.meta;
  Fields spec = spec_fields(input);
  for (const Text& text : spec.texts("hosts")) {
    PlacedText host = input.placed(text);
    host.value = to_lower(host.value);
    if (!valid_host(host.value) || is_wildcard(host.value)) {
      input.report.error(text.mark, text.path, "bad_host",
                         fmt::format("`{}` cannot name a service", text.value),
                         "write one full name, such as `echo.vm.example.com`");
    }
    out.hosts.push_back(std::move(host));
  }
  if (out.hosts.empty() && !spec.get("hosts")) spec.missing("hosts", "add `hosts:`");
  read_ports(input, spec, out);
  const bool names = read_resolution(input, spec);
  for (const Located& located : spec.list("endpoints")) {
    Fields fields(*located.node, located.path, input.report);
    out.endpoints.push_back(read_workload(input, fields, names));
  }
  read_selector(input, spec, out);
  // They say how sidecars catch traffic and whom they trust; a gateway has no use for them.
  static constexpr std::array<std::string_view, 2> kLocations{"MESH_EXTERNAL", "MESH_INTERNAL"};
  (void)read_choice(spec, "location", kLocations);
  static constexpr std::array<std::string_view, 1> kSilent{"addresses"};
  spec.silent(kSilent);
  out.export_to = read_export_to(input, spec);
  static constexpr std::array<std::string_view, 1> kUnbuilt{"subjectAltNames"};
  spec.finish(kUnbuilt);
  return out;
}

WorkloadEntrySpec decode_workload_entry(const DecodeInput& input) {
  WorkloadEntrySpec out;
  out.meta = input.meta;
  Fields spec = spec_fields(input);
  out.workload = read_workload(input, spec, true);
  out.workload.name = input.meta.full_name();
  // The registry's own labels stand in spec.labels, those of the object in metadata.labels; both
  // select.
  out.workload.labels.insert(input.metadata.labels.begin(), input.metadata.labels.end());
  // The API knows no readiness of a workload: it serves since it is registered.
  out.workload.ready_since = parse_timestamp(input.metadata.created).value_or(0);
  return out;
}

}  // namespace sluice::config
