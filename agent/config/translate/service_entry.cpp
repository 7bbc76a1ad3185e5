// SPDX-License-Identifier: Apache-2.0
// networking.istio.io ServiceEntry and WorkloadEntry: plain addresses and virtual machines as
// backends.
#include <fmt/core.h>

#include <array>

#include "agent/base/text.hpp"
#include "agent/config/translate/decode.hpp"
#include "agent/config/translate/hosts.hpp"

namespace sluice::config {
namespace {

WorkloadSpec read_workload(const DecodeInput& input, Fields& fields) {
  WorkloadSpec out;
  const Text address = fields.required_text("address");
  if (const auto ip = IpAddress::parse(address.value); ip && !ip->is_unspecified()) {
    out.address = *ip;
  } else if (!address.value.empty()) {
    input.report.error(address.mark, address.path, "bad_address",
                       fmt::format("`{}` is not an IP address", address.value),
                       "STATIC endpoints need an address such as 192.0.2.10 or 2001:db8::10; "
                       "names and unix sockets are not supported");
  }
  out.origin = input.origin(address.mark, address.path);
  out.name = address.value;
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
  static constexpr std::array<std::string_view, 3> kUnbuilt{"network", "locality",
                                                            "serviceAccount"};
  fields.finish(kUnbuilt);
  return out;
}

void read_ports(const DecodeInput& input, Fields& spec, ServiceEntrySpec& out) {
  for (const Located& located : spec.list("ports")) {
    Fields fields(*located.node, located.path, input.report);
    ServiceEntryPort port;
    const auto number = fields.port("number");
    if (!number && !fields.get("number")) fields.missing("number", "add `number: 80`");
    port.number = number.value_or(0);
    port.name = fields.required_text("name").value;
    (void)fields.text("protocol");
    port.target = fields.port("targetPort");
    fields.finish();
    out.ports.push_back(std::move(port));
  }
  if (out.ports.empty()) spec.missing("ports", "add `ports:` with `number`, `name` and `protocol`");
}

void read_resolution(const DecodeInput& input, Fields& spec) {
  static constexpr std::array<std::string_view, 5> kKnown{"STATIC", "NONE", "DNS",
                                                          "DNS_ROUND_ROBIN", "DYNAMIC_DNS"};
  const auto text = spec.text("resolution");
  if (text && text->value == "STATIC") return;
  const Mark mark = text ? text->mark : spec.mark();
  const std::string value = text ? text->value : "NONE";
  for (const std::string_view known : kKnown) {
    if (value != known) continue;
    input.report.unsupported(mark, "spec.resolution",
                             fmt::format("{} has no endpoints in this version; write STATIC and "
                                         "list the addresses",
                                         value));
    return;
  }
  const std::string meant = closest(value, kKnown);
  input.report.error(mark, "spec.resolution", "bad_value",
                     fmt::format("`{}` is not a resolution", value),
                     meant.empty() ? "write STATIC" : fmt::format("did you mean `{}`?", meant));
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
  read_resolution(input, spec);
  for (const Located& located : spec.list("endpoints")) {
    Fields fields(*located.node, located.path, input.report);
    out.endpoints.push_back(read_workload(input, fields));
  }
  if (const auto selector = spec.map("workloadSelector")) {
    Fields fields(*selector->node, selector->path, input.report);
    out.workload_selector = fields.labels("labels");
    fields.finish();
    if (!out.endpoints.empty()) {
      input.report.error(selector->key, selector->path, "conflicting_fields",
                         "only one of `endpoints` and `workloadSelector` may be set",
                         "remove one of them");
    }
  }
  static constexpr std::array<std::string_view, 2> kSilent{"location", "addresses"};
  read_export_to(spec);
  static constexpr std::array<std::string_view, 1> kUnbuilt{"subjectAltNames"};
  spec.silent(kSilent);
  spec.finish(kUnbuilt);
  return out;
}

WorkloadEntrySpec decode_workload_entry(const DecodeInput& input) {
  WorkloadEntrySpec out;
  out.meta = input.meta;
  Fields spec = spec_fields(input);
  out.workload = read_workload(input, spec);
  out.workload.name = input.meta.full_name();
  // The registry's own labels stand in spec.labels, those of the object in metadata.labels; both
  // select.
  out.workload.labels.insert(input.metadata.labels.begin(), input.metadata.labels.end());
  return out;
}

}  // namespace sluice::config
