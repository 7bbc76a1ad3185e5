// SPDX-License-Identifier: Apache-2.0
// networking.istio.io Gateway.
#include <fmt/core.h>

#include <array>

#include "agent/base/text.hpp"
#include "agent/config/translate/decode.hpp"
#include "agent/config/translate/gateway_annotations.hpp"
#include "agent/config/translate/hosts.hpp"

namespace sluice::config {
namespace {

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

// nullopt when the protocol is one that this version does not serve, or no protocol at all, both of which are reported.
std::optional<ServerProtocol> protocol_of(const Text& text, Report& report) {
  struct Known {
    std::string_view name;
    std::optional<ServerProtocol> served;
  };
  // The databases' protocols are TCP that Istio can also look into.
  static constexpr std::array<Known, 11> kKnown{{{"HTTP", ServerProtocol::kHttp},
                                                 {"TCP", ServerProtocol::kTcp},
                                                 {"MONGO", ServerProtocol::kTcp},
                                                 {"MYSQL", ServerProtocol::kTcp},
                                                 {"REDIS", ServerProtocol::kTcp},
                                                 {"HTTPS", {}},
                                                 {"HTTP2", {}},
                                                 {"GRPC", {}},
                                                 {"GRPC-WEB", {}},
                                                 {"TLS", {}},
                                                 {"UDP", {}}}};
  std::vector<std::string_view> names;
  for (const Known& known : kKnown) {
    names.push_back(known.name);
    if (!equals_ignore_case(text.value, known.name)) continue;
    if (!known.served) {
      report.unsupported(text.mark, text.path,
                         fmt::format("this server ({}) is not served", known.name));
    }
    return known.served;
  }
  if (text.value.empty()) return std::nullopt;
  const std::string meant = closest(text.value, names);
  report.error(text.mark, text.path, "bad_protocol",
               fmt::format("no protocol `{}` exists", text.value),
               meant.empty() ? "write `HTTP`" : fmt::format("did you mean `{}`?", meant));
  return std::nullopt;
}

// Of a server that is served: whether it only sends its clients to https.
void read_tls(const DecodeInput& input, Fields& server, ServerSpec& out) {
  const auto located = server.get("tls");
  if (!located) return;
  const Member* const redirect = located->node->find("httpsRedirect");
  const bool http = out.protocol == ServerProtocol::kHttp;
  if (http && redirect != nullptr) {
    Fields tls(*located->node, located->path, input.report);
    if (tls.boolean("httpsRedirect").value_or(false)) {
      out.https_redirect = input.origin(redirect->mark, located->path + ".httpsRedirect");
    }
  }
  const bool more = !located->node->is_map() ||
                    located->node->members.size() > (http && redirect != nullptr ? 1U : 0U);
  if (more) {
    input.report.unsupported(located->key, located->path,
                             http ? "plain HTTP has no use for it but for `httpsRedirect`"
                                  : "plain TCP has no use for it");
  }
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
  const auto served = protocol ? protocol_of(*protocol, input.report) : std::nullopt;
  if (const auto bind = server.text("bind")) read_bind(input, *bind, spec);
  const auto hosts = server.texts("hosts");
  for (const Text& host : hosts) read_host(input, host, spec);
  if (hosts.empty() && !server.get("hosts")) server.missing("hosts", "add `hosts:` with `- \"*\"`");
  (void)server.text("name");
  (void)server.get("tls");
  if (served) {
    spec.protocol = *served;
    read_tls(input, server, spec);
  }
  static constexpr std::array<std::string_view, 1> kUnbuilt{"defaultEndpoint"};
  server.finish(kUnbuilt);
  if (served) out.servers.push_back(std::move(spec));
}

}  // namespace

GatewaySpec decode_gateway(const DecodeInput& input) {
  GatewaySpec out;
  out.meta = input.meta;
  out.annotations = read_gateway_annotations(input);
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
