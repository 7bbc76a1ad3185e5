// SPDX-License-Identifier: Apache-2.0
#include "agent/config/translate/export_to.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace sluice::config {
namespace {

// RFC 1123, as Kubernetes names namespaces.
bool valid_name_space(const std::string& name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= 63 && name.front() != '-' && name.back() != '-' &&
         std::all_of(name.begin(), name.end(), good);
}

void add_name(const DecodeInput& input, const Text& name, ExportTo& out) {
  if (name.value == "*") {
    out.everywhere = true;
  } else if (name.value == ".") {
    out.name_spaces.insert(input.meta.name_space);
  } else if (valid_name_space(name.value)) {
    out.name_spaces.insert(name.value);
  } else if (name.value != "~") {
    input.report.error(name.mark, name.path, "bad_value",
                       fmt::format("`{}` is not the name of a namespace", name.value),
                       "write `*`, `.` or names such as `shop`");
  }
}

}  // namespace

ExportTo read_export_to(const DecodeInput& input, Fields& spec) {
  ExportTo out;
  const auto field = spec.get("exportTo");
  if (!field) return out;
  out.origin = input.origin(field->key, field->path);
  const auto names = spec.texts("exportTo");
  out.everywhere = names.empty();
  for (const Text& name : names) add_name(input, name, out);
  return out;
}

ExportTo read_export_annotation(const DecodeInput& input) {
  ExportTo out;
  const auto found = input.metadata.annotations.find("networking.istio.io/exportTo");
  if (found == input.metadata.annotations.end()) return out;
  const std::string path = "metadata.annotations[\"networking.istio.io/exportTo\"]";
  out.origin = input.origin(found->second.mark, path);
  std::string_view rest = found->second.value;
  out.everywhere = rest.empty();
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    std::string_view name = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    add_name(input, {std::string(name), found->second.mark, path}, out);
  }
  return out;
}

}  // namespace sluice::config
