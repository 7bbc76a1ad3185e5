// SPDX-License-Identifier: Apache-2.0
// The core kinds Pod and Node: what there is to know about endpoints besides their addresses.
#include <fmt/core.h>

#include <algorithm>

#include "agent/config/translate/core.hpp"
#include "agent/config/translate/decode.hpp"
#include "agent/config/translate/timestamp.hpp"

namespace sluice::config {
namespace {

std::string label_of(const Labels& labels, const char* name, const char* old_name = nullptr) {
  if (const auto found = labels.find(name); found != labels.end()) return found->second;
  return old_name == nullptr ? std::string() : label_of(labels, old_name);
}

// Label values hold no slash: "us-east.zone-a.rack-3".
model::Locality locality_of_pod(const Labels& labels) {
  std::string text = label_of(labels, "istio-locality");
  if (text.find('/') == std::string::npos) std::replace(text.begin(), text.end(), '.', '/');
  return model::Locality::parse(text);
}

void read_status(const DecodeInput& input, Fields& status, PodSpec& out) {
  if (const auto address = status.text("podIP")) add_address(*address, out.addresses, input.report);
  for (const Located& located : status.list("podIPs")) {
    Fields fields(*located.node, located.path, input.report);
    if (const auto address = fields.text("ip")) add_address(*address, out.addresses, input.report);
  }
  if (const auto phase = status.text("phase")) out.ready = phase->value == "Running";
  for (const Located& located : status.list("conditions")) {
    Fields fields(*located.node, located.path, input.report);
    const auto type = fields.text("type");
    if (!type || type->value != "Ready") continue;
    const auto state = fields.text("status");
    out.ready = state && state->value == "True";
    // An unquoted time is no string in YAML; what cannot be read counts as unknown.
    const auto since = fields.get("lastTransitionTime");
    if (out.ready && since) out.ready_since = parse_timestamp(since->node->scalar).value_or(0);
  }
}

}  // namespace

PodSpec decode_pod(const DecodeInput& input) {
  PodSpec out;
  out.meta = input.meta;
  out.locality = locality_of_pod(input.meta.labels);
  out.terminating = input.metadata.deleting;
  Fields root(input.manifest.root, "", input.report);
  if (const auto spec = root.map("spec")) {
    Fields fields(*spec->node, spec->path, input.report);
    if (const auto node = fields.text("nodeName")) out.node = node->value;
    for (const Located& container : fields.list("containers")) {
      Fields inner(*container.node, container.path, input.report);
      for (const Located& item : inner.list("ports")) {
        Fields port(*item.node, item.path, input.report);
        const auto name = port.text("name");
        const auto number = port.port("containerPort");
        if (name && number) out.named_ports.emplace(name->value, *number);
      }
    }
  }
  if (const auto status = root.map("status")) {
    Fields fields(*status->node, status->path, input.report);
    read_status(input, fields, out);
  }
  return out;
}

NodeSpec decode_node(const DecodeInput& input) {
  NodeSpec out;
  out.meta = input.meta;
  const Labels& labels = input.meta.labels;
  out.locality = {
      label_of(labels, "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"),
      label_of(labels, "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"),
      label_of(labels, "topology.istio.io/subzone")};
  return out;
}

}  // namespace sluice::config
