// SPDX-License-Identifier: Apache-2.0
// networking.istio.io Gateway.
#include <fmt/core.h>

#include <array>

#include "agent/base/text.hpp"
#include "agent/config/translate/decode.hpp"
#include "agent/config/translate/hosts.hpp"

namespace sluice::config {
namespace {

constexpr std::string_view kSteerAfter = "sluice.dev/steer-after";
constexpr std::string_view kForwardedHeaders = "sluice.dev/forwarded-headers";
constexpr std::string_view kPrefix = "sluice.dev/";

std::string annotation_path(std::string_view name) {
  return fmt::format("metadata.annotations[\"{}\"]", name);
}

void read_steer_after(const DecodeInput& input, const Annotation& annotation, GatewaySpec& out) {
  out.steer_after = model::SteerAfter::parse(annotation.value);
  out.steer_after_origin = input.origin(annotation.mark, annotation_path(kSteerAfter));
  if (out.steer_after) return;
  input.report.error(annotation.mark, annotation_path(kSteerAfter), "bad_annotation",
                     fmt::format("`{}` says not when to steer a connection", annotation.value),
                     "write `never`, `auto` or a number of requests from 1 to 1000000, in quotes");
}

void read_forwarded_headers(const DecodeInput& input, const Annotation& annotation,
                            GatewaySpec& out) {
  out.forwarded_headers_origin = input.origin(annotation.mark, annotation_path(kForwardedHeaders));
  if (annotation.value == "auto") {
    out.forwarded_headers = model::ForwardedHeaders::kAuto;
  } else if (annotation.value == "add") {
    out.forwarded_headers = model::ForwardedHeaders::kAdd;
  } else if (annotation.value == "none") {
    out.forwarded_headers = model::ForwardedHeaders::kNone;
  } else {
    input.report.error(annotation.mark, annotation_path(kForwardedHeaders), "bad_annotation",
                       fmt::format("`{}` is not a way to forward headers", annotation.value),
                       "write `auto`, `add` or `none`");
  }
}

void read_annotations(const DecodeInput& input, GatewaySpec& out) {
  for (const auto& [name, annotation] : input.metadata.annotations) {
    if (name == kSteerAfter) {
      read_steer_after(input, annotation, out);
    } else if (name == kForwardedHeaders) {
      read_forwarded_headers(input, annotation, out);
    } else if (name.starts_with(kPrefix)) {
      const std::string_view known[] = {kSteerAfter, kForwardedHeaders};
      const std::string meant = closest(name, known);
      input.report.error(annotation.mark, annotation_path(name), "bad_annotation",
                         fmt::format("no annotation `{}` exists", name),
                         meant.empty() ? std::string() : fmt::format("did you mean `{}`?", meant));
    }
  }
}

void read_host(const DecodeInput& input, const Text& text, ServerSpec& server) {
  GatewayHost host{"*", to_lower(text.value), input.origin(text.mark, text.path)};
  if (const auto slash = host.host.find('/'); slash != std::string::npos) {
    host.name_space = host.host.substr(0, slash);
    host.host = host.host.substr(slash + 1);
    if (host.name_space == ".") host.name_space = input.meta.name_space;
  }
  if (host.name_space.empty() || !valid_host(host.host)) {
    input.report.error(text.mark, text.path, "bad_host",
                       fmt::format("`{}` is not a host name", text.value),
                       "write `echo.example.com`, `*.example.com`, `*` or `namespace/host`");
    return;
  }
  server.hosts.push_back(std::move(host));
}

std::optional<Text> read_port(Fields& server, ServerSpec& out) {
  const auto located = server.map("port");
  if (!located) {
    server.missing("port", "add `port:` with `number`, `name` and `protocol`");
    return std::nullopt;
  }
  Fields port(*located->node, located->path, server.report());
  const auto number = port.port("number");
  if (!number && !port.get("number")) port.missing("number", "add `number: 80`");
  out.port = number.value_or(0);
  (void)port.text("name");
  Text protocol = port.required_text("protocol");
  static constexpr std::array<std::string_view, 2> kUnbuilt{"targetPort", "target_port"};
  port.finish(kUnbuilt);
  return protocol;
}

// False when the protocol is one that this version does not serve, or no protocol at all (which is
// reported).
bool serves(const Text& protocol, Report& report) {
  static constexpr std::array<std::string_view, 11> kProtocols{
      "HTTP", "HTTPS", "HTTP2", "GRPC", "GRPC-WEB", "TCP", "TLS", "MONGO", "MYSQL", "REDIS", "UDP"};
  if (equals_ignore_case(protocol.value, "HTTP")) return true;
  for (const std::string_view known : kProtocols) {
    if (!equals_ignore_case(protocol.value, known)) continue;
    report.unsupported(protocol.mark, protocol.path,
                       fmt::format("this server ({}) is not served", known));
    return false;
  }
  if (protocol.value.empty()) return false;
  const std::string meant = closest(protocol.value, kProtocols);
  report.error(protocol.mark, protocol.path, "bad_protocol",
               fmt::format("no protocol `{}` exists", protocol.value),
               meant.empty() ? "write `HTTP`" : fmt::format("did you mean `{}`?", meant));
  return false;
}

void read_bind(const DecodeInput& input, const Text& text, ServerSpec& out) {
  const auto address = IpAddress::parse(text.value);
  if (!address) {
    input.report.error(text.mark, text.path, "bad_address",
                       fmt::format("`{}` is not an IP address", text.value),
                       "write an address of this node, or leave `bind` out for all of them");
    return;
  }
  if (!address->is_unspecified()) out.bind = address;
}

void read_server(const DecodeInput& input, const Located& located, GatewaySpec& out) {
  Fields server(*located.node, located.path, input.report);
  ServerSpec spec;
  spec.origin = input.origin(located.key, located.path);
  const auto protocol = read_port(server, spec);
  bool served = protocol && serves(*protocol, input.report);
  if (const auto bind = server.text("bind")) read_bind(input, *bind, spec);
  const auto hosts = server.texts("hosts");
  for (const Text& host : hosts) read_host(input, host, spec);
  if (hosts.empty() && !server.get("hosts")) server.missing("hosts", "add `hosts:` with `- \"*\"`");
  (void)server.text("name");
  if (const auto tls = server.get("tls")) {
    const Member* redirect = tls->node->find("httpsRedirect");
    if (served && redirect != nullptr && redirect->value.scalar == "true") {
      input.report.unsupported(redirect->mark, tls->path + ".httpsRedirect",
                               "this server is not served, as it must only redirect");
      served = false;
    } else if (served) {
      input.report.unsupported(tls->key, tls->path, "plain HTTP has no use for it");
    }
  }
  static constexpr std::array<std::string_view, 1> kUnbuilt{"defaultEndpoint"};
  server.finish(kUnbuilt);
  if (served) out.servers.push_back(std::move(spec));
}

}  // namespace

GatewaySpec decode_gateway(const DecodeInput& input) {
  GatewaySpec out;
  out.meta = input.meta;
  read_annotations(input, out);
  Fields spec = spec_fields(input);
  const auto selector = spec.get("selector");
  out.selector = spec.labels("selector");
  out.selector_origin = selector ? input.origin(selector->node->mark, selector->path)
                                 : input.origin(spec.mark(), "spec.selector");
  if (selector && selector->node->members.size() == 1) {
    out.selector_origin = input.origin(selector->node->members.front().mark, selector->path);
  }
  const auto servers = spec.list("servers");
  for (const Located& server : servers) read_server(input, server, out);
  if (servers.empty() && !spec.get("servers")) spec.missing("servers", "add `servers:`");
  spec.finish();
  return out;
}

}  // namespace sluice::config
