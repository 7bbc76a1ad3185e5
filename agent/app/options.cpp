// SPDX-License-Identifier: Apache-2.0
#include "agent/app/options.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <thread>

#include "agent/app/http_flags.hpp"
#include "agent/app/version.hpp"

namespace sluice::app {
namespace {

constexpr char kFooter[] = R"(
Example: serve the Istio objects in ./manifests on this machine
  lb-agent --config ./manifests
  lbctl status                       what runs, which tier carries each listener and why
  lbctl explain GET http://shop/x    which route, subset and endpoint a request would take

Without BPF privileges the agent runs as a plain userspace proxy; lbctl status names the reason.
The full list of settings and fields is in docs/configuration.md.)";

// Text as the user wrote it; turned into Options after parsing, so that each message names the flag.
struct Raw {
  std::string admin = "127.0.0.1:9901";
  std::string labels = "istio=ingressgateway";
  std::string log_format = "text";
  std::string log_level = "info";
  std::string steer_after = "auto";
  std::string client_address = "node";
  std::string forwarded = "auto";
  std::string ports = "15000-29999";
  std::string locality;
  std::string address_pool;
  std::string announce = "on";
  std::vector<std::string> trusted_cidrs;
};

// NOLINTNEXTLINE(readability-function-size): a table
void declare(CLI::App& app, Options& o, Raw& raw) {
  app.set_version_flag("--version", std::string(kVersion));
  app.add_option("--config", o.config_directory,
                 "Directory with *.yaml of Istio and Kubernetes objects; watched")
      ->envname("SLUICE_CONFIG")
      ->type_name("DIR");
  app.add_flag("--kubernetes", o.kubernetes,
               "Follow the objects of the cluster instead of a directory")
      ->envname("SLUICE_KUBERNETES");
  app.add_option("--kubeconfig", o.kubeconfig,
                 "How to log in to the API server; default: as the ServiceAccount of this pod")
      ->envname("KUBECONFIG")
      ->type_name("FILE");
  app.add_option("--kube-context", o.kube_context,
                 "Context of the kubeconfig; default: its current one")
      ->envname("SLUICE_KUBE_CONTEXT")
      ->type_name("NAME");
  app.add_option("--cache", o.cache_directory,
                 "Directory for the cluster's last known objects, by which an agent serves that "
                 "starts while the API server is away; empty: none")
      ->envname("SLUICE_CACHE")
      ->type_name("DIR");
  app.add_option("--agent-namespace", o.agent_namespace,
                 "Namespace in which the agents keep their leases")
      ->envname("SLUICE_AGENT_NAMESPACE")
      ->capture_default_str()
      ->type_name("NAMESPACE");
  app.add_option("--address-pool", raw.address_pool,
                 "Addresses to give to Gateways of Gateway API; empty: a Gateway has to name its "
                 "own")
      ->envname("SLUICE_ADDRESS_POOL")
      ->type_name("CIDR|FIRST-LAST,...");
  app.add_option("--announce", raw.announce,
                 "on: one node at a time answers for each address of the pool (ARP, neighbour "
                 "discovery); off: somebody else leads traffic for them to nodes")
      ->envname("SLUICE_ANNOUNCE")
      ->capture_default_str()
      ->check(CLI::IsMember({"on", "off"}));
  app.add_option("--control", o.control_socket, "Unix socket for lbctl")
      ->envname("SLUICE_CONTROL")
      ->capture_default_str()
      ->type_name("SOCKET");
  app.add_option("--admin", raw.admin, "Listener of /metrics, /healthz and /readyz")
      ->envname("SLUICE_ADMIN")
      ->capture_default_str()
      ->type_name("ADDR:PORT");
  app.add_option("--workers", o.workers, "Worker threads; 0 = one for each CPU")
      ->envname("SLUICE_WORKERS")
      ->capture_default_str()
      ->check(CLI::Range(0, 64));
  app.add_option("--gateway-labels", raw.labels,
                 "Labels that a Gateway's selector must match to be served here")
      ->envname("SLUICE_GATEWAY_LABELS")
      ->capture_default_str()
      ->type_name("K=V,...");
  app.add_option("--pin", o.pin_directory, "Directory on a bpffs where flows outlive the agent")
      ->envname("SLUICE_PIN")
      ->capture_default_str()
      ->type_name("DIR");
  app.add_option("--log-format", raw.log_format, "text or json")
      ->envname("SLUICE_LOG_FORMAT")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json"}));
  app.add_option("--log-level", raw.log_level, "debug, info, warn or error")
      ->envname("SLUICE_LOG_LEVEL")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  app.add_option(
         "--steer-after", raw.steer_after,
         "Hand a connection to the kernel at its N-th request (1 = the first), or auto: learned "
         "for each "
         "listener, or never. A Gateway overrides it by the annotation sluice.dev/steer-after")
      ->envname("SLUICE_STEER_AFTER")
      ->capture_default_str()
      ->type_name("N|auto|never");
  app.add_option("--forwarded-headers", raw.forwarded,
                 "X-Forwarded-For and -Proto: add, none, or auto = none on steerable listeners, "
                 "add on all others")
      ->envname("SLUICE_FORWARDED_HEADERS")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "add", "none"}));
  app.add_option("--client-address", raw.client_address,
                 "Whose address local pods see: node, or preserve = the client's. A Gateway "
                 "overrides it by the annotation sluice.dev/client-address")
      ->envname("SLUICE_CLIENT_ADDRESS")
      ->capture_default_str()
      ->check(CLI::IsMember({"node", "preserve"}));
  app.add_option("--trusted-cidrs", raw.trusted_cidrs,
                 "Addresses of proxies that are believed who the client is (PROXY protocol, "
                 "X-Forwarded-*)")
      ->envname("SLUICE_TRUSTED_CIDRS")
      ->delimiter(',')
      ->type_name("CIDR,...");
  app.add_option("--steer-idle", o.steer_idle_seconds,
                 "Seconds without a packet after which a steered connection is forgotten")
      ->envname("SLUICE_STEER_IDLE")
      ->capture_default_str()
      ->check(CLI::Range(1, 86400));
  app.add_option("--max-steered", o.max_steered,
                 "Steered connections at most (256 bytes of kernel memory each)")
      ->envname("SLUICE_MAX_STEERED")
      ->capture_default_str()
      ->check(CLI::Range(64, 65536));
  app.add_option("--upstream-ports", raw.ports,
                 "Source ports of steerable upstream connections; outside of ip_local_port_range "
                 "and of NodePorts")
      ->envname("SLUICE_UPSTREAM_PORTS")
      ->capture_default_str()
      ->type_name("FIRST-LAST");
  app.add_option("--ignore-interfaces", o.ignore_interfaces,
                 "Interfaces to leave alone: names, or prefixes ending in *")
      ->envname("SLUICE_IGNORE_INTERFACES")
      ->delimiter(',')
      ->type_name("NAME,...");
  app.add_flag("!--no-kernel-path", o.kernel_path,
               "Run as a plain userspace proxy even where BPF is allowed")
      ->envname("SLUICE_KERNEL_PATH");
  app.add_option("--node-name", o.node_name,
                 "Name of this Node, shown in status; default: the host's name")
      ->envname("SLUICE_NODE_NAME")
      ->type_name("NAME");
  app.add_option(
         "--locality", raw.locality,
         "Where this agent runs, for localityLbSetting; default: what the labels of its Node "
         "say")
      ->envname("SLUICE_LOCALITY")
      ->type_name("REGION[/ZONE[/SUBZONE]]");
  app.add_option("--drain-seconds", o.drain_seconds,
                 "On SIGTERM: how long requests in flight may take")
      ->envname("SLUICE_DRAIN_SECONDS")
      ->capture_default_str()
      ->check(CLI::Range(0, 3600));
}

std::optional<std::map<std::string, std::string>> parse_labels(const std::string& text) {
  std::map<std::string, std::string> labels;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string pair = text.substr(at, comma - at);
    const std::size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos) return std::nullopt;
    labels[pair.substr(0, equals)] = pair.substr(equals + 1);
    at = comma + 1;
  }
  return labels;
}

bool parse_ports(const std::string& text, Options& o) {
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, o.upstream_port_first);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '-') return false;
  const auto last = std::from_chars(first.ptr + 1, end, o.upstream_port_last);
  return last.ec == std::errc{} && last.ptr == end && o.upstream_port_first >= 1024 &&
         o.upstream_port_last >= o.upstream_port_first + 64;
}

bool parse_locality(const std::string& text, Options& o) {
  if (text.empty()) return true;
  const model::Locality parsed = model::Locality::parse(text);
  const bool gap = parsed.region.empty() || (parsed.zone.empty() && !parsed.subzone.empty());
  if (gap || text.ends_with('/') || text.find('*') != std::string::npos) return false;
  o.locality = parsed;
  return true;
}

// The first thing wrong, as a sentence; empty when all is well.
std::string interpret(const Raw& raw, Options& o) {
  if (o.config_directory.empty() != o.kubernetes) {
    return o.kubernetes ? "--config and --kubernetes exclude each other: choose one"
                        : "nothing to serve: name a directory with --config DIR, or follow a "
                          "cluster with --kubernetes";
  }
  // Not --kubeconfig: its variable is everybody's.
  if (!o.kubernetes && !(o.kube_context.empty() && o.cache_directory.empty())) {
    return std::string(o.cache_directory.empty() ? "--kube-context" : "--cache") +
           " is about a cluster: add --kubernetes, or leave it out";
  }
  if (!o.kubernetes && !raw.address_pool.empty()) {
    return "--address-pool is about a cluster: add --kubernetes, or leave it out";
  }
  const auto admin = SocketAddress::parse(raw.admin);
  if (!admin)
    return "--admin: '" + raw.admin +
           "' is not ADDR:PORT, for example 127.0.0.1:9901 or [::1]:9901";
  o.admin = *admin;
  auto labels = parse_labels(raw.labels);
  if (!labels) return "--gateway-labels: '" + raw.labels + "' is not KEY=VALUE[,KEY=VALUE...]";
  o.gateway_labels = std::move(*labels);
  const auto steer = model::SteerAfter::parse(raw.steer_after);
  if (!steer)
    return "--steer-after: '" + raw.steer_after +
           "' is neither a number from 1, nor auto, nor never";
  o.steer_after = *steer;
  if (!parse_ports(raw.ports, o)) {
    return "--upstream-ports: '" + raw.ports +
           "' is not FIRST-LAST with FIRST from 1024 and at least 65 ports";
  }
  for (const std::string& text : raw.trusted_cidrs) {
    const auto prefix = IpPrefix::parse(text);
    if (!prefix) {
      return "--trusted-cidrs: '" + text +
             "' is no block of addresses, for example 10.0.0.0/8,fd00::/8";
    }
    o.trusted_cidrs.push_back(*prefix);
  }
  if (!parse_locality(raw.locality, o)) {
    return "--locality: '" + raw.locality + "' is not REGION[/ZONE[/SUBZONE]]";
  }
  if (!raw.address_pool.empty()) {
    const auto pool = cluster::AddressPool::parse(raw.address_pool);
    if (!pool) {
      return "--address-pool: '" + raw.address_pool +
             "' is neither a block nor a range of addresses, for example "
             "192.168.1.128/28,192.168.1.200-192.168.1.220";
    }
    o.address_pool = *pool;
  }
  o.announce = raw.announce == "on";
  o.log_format = raw.log_format == "json" ? log::Format::kJson : log::Format::kText;
  if (raw.log_level == "debug") o.log_level = log::Level::kDebug;
  if (raw.log_level == "warn") o.log_level = log::Level::kWarn;
  if (raw.log_level == "error") o.log_level = log::Level::kError;
  if (raw.forwarded == "add") o.forwarded_headers = model::ForwardedHeaders::kAdd;
  if (raw.forwarded == "none") o.forwarded_headers = model::ForwardedHeaders::kNone;
  if (raw.client_address == "preserve") o.client_address = model::ClientAddress::kPreserve;
  return {};
}

void fill_defaults(Options& o) {
  if (o.workers == 0) o.workers = std::min(64U, std::max(1U, std::thread::hardware_concurrency()));
  if (o.node_name.empty()) {
    char name[256] = "localhost";
    ::gethostname(name, sizeof name - 1);
    o.node_name = name;
  }
}

}  // namespace

Parsed parse_options(int argc, const char* const* argv) {
  Parsed parsed;
  Raw raw;
  CLI::App app(
      "lb-agent: Sluice's load balancer for one node. Reads Istio and Kubernetes objects, serves "
      "HTTP, and hands "
      "connections to the kernel where every request of them may go to the same subsets.",
      "lb-agent");
  app.footer(kFooter);
  declare(app, parsed.options, raw);
  HttpFlags http;
  http.declare(app, parsed.options.http);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    const int code = app.exit(error, text, text);
    parsed.exit = Exit{code == 0 ? 0 : 2, text.str()};
    return parsed;
  }
  std::string wrong = interpret(raw, parsed.options);
  if (wrong.empty()) wrong = http.interpret(parsed.options.http);
  if (!wrong.empty()) {
    parsed.exit = Exit{2, wrong + "\nRun lb-agent --help for all flags.\n"};
    return parsed;
  }
  fill_defaults(parsed.options);
  return parsed;
}

}  // namespace sluice::app
