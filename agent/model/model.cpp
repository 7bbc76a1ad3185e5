// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "agent/model/origin.hpp"
#include "agent/model/world.hpp"

namespace sluice::model {
namespace {

const char* name_of(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kUnsupported:
      return "unsupported";
  }
  return "error";
}

}  // namespace

std::string location(const Origin& origin) {
  const std::string& file = origin.file;
  return origin.line > 0 ? file + ":" + std::to_string(origin.line) : file;
}

std::string to_string(const Diagnostic& diagnostic) {
  std::string out = location(diagnostic.origin);
  if (diagnostic.origin.line > 0 && diagnostic.origin.column > 0) {
    out += ":" + std::to_string(diagnostic.origin.column);
  }
  out += std::string(": ") + name_of(diagnostic.severity) + ": ";
  if (!diagnostic.origin.object.empty()) out += diagnostic.origin.object.str() + " ";
  if (!diagnostic.origin.path.empty()) out += diagnostic.origin.path.str() + ": ";
  out += diagnostic.message;
  if (!diagnostic.hint.empty()) out += "; " + diagnostic.hint;
  if (!diagnostic.code.empty()) out += " [" + diagnostic.code + "]";
  return out;
}

Locality Locality::parse(std::string_view text) {
  const auto take = [&text] {
    const auto slash = text.find('/');
    const std::string part(text.substr(0, slash));
    text = slash == text.npos ? std::string_view() : text.substr(slash + 1);
    return part;
  };
  Locality out;
  out.region = take();
  out.zone = take();
  out.subzone = std::string(text);
  return out;
}

std::optional<SteerAfter> SteerAfter::parse(const std::string& text) {
  if (text == "never") return SteerAfter{Mode::kNever, 0};
  if (text == "auto") return SteerAfter{Mode::kAuto, 1};
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (count < 1 || count > 1'000'000) return std::nullopt;
  return SteerAfter{Mode::kCount, count};
}

bool TrafficPolicy::same_as(const TrafficPolicy& other) const {
  return load_balancer == other.load_balancer && connection_pool == other.connection_pool &&
         outlier_detection == other.outlier_detection && retry_budget == other.retry_budget &&
         proxy_protocol == other.proxy_protocol;
}

const TrafficPolicyPtr& default_policy() {
  static const TrafficPolicyPtr policy = std::make_shared<const TrafficPolicy>();
  return policy;
}

}  // namespace sluice::model
