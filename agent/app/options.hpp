// SPDX-License-Identifier: Apache-2.0
// Options: the agent's command line and environment. Thread: main, before anything else.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/base/log.hpp"
#include "agent/cluster/address_pool.hpp"
#include "agent/http/h1_codec.hpp"
#include "agent/model/world.hpp"

namespace sluice::app {

struct AccessLogOptions {
  std::string target = "off";  // or "stdout", or the path of a file
  bool json = false;
  bool per_request = true;  // every request has its line, so nothing is steered
  double sample = 1;        // the share of requests that is written
  [[nodiscard]] bool enabled() const { return target != "off" && sample > 0; }
};

// About requests; the worker's part of it goes to proxy::WorkerOptions.
struct HttpOptions {
  model::DesyncMode desync_mode = model::DesyncMode::kDefensive;
  http::UnderscoreNames underscores = http::UnderscoreNames::kKeep;
  std::optional<model::PathNormalization> path_normalization;  // unset: automatic
  std::uint32_t trusted_hops = 0;
  std::string via;            // empty: no Via is written
  std::string server_header;  // empty: Server stays as the endpoint wrote it
  http::H1Limits limits;
  std::uint32_t head_seconds = 10;
  std::uint32_t idle_seconds = 75;
  std::uint32_t stream_seconds = 60;
  std::uint32_t upstream_idle_seconds = 60;
  std::uint32_t max_connections = 50'000;  // of each worker
  AccessLogOptions access_log;
};

struct Options {
  std::string config_directory;                   // empty with `kubernetes`
  bool kubernetes = false;                        // objects come from the API server
  std::string kubeconfig;                         // empty: as a pod
  std::string kube_context;                       // empty: the current one
  std::string cache_directory;                    // empty: no cache
  std::string agent_namespace = "sluice-system";  // where the agents' leases are
  cluster::AddressPool address_pool;              // empty: none
  bool announce = true;                           // its addresses on this node's interfaces
  std::string control_socket = "/run/sluice/agent.sock";
  SocketAddress admin;                                // default 127.0.0.1:9901
  std::uint32_t workers = 0;                          // 0 = one a CPU
  std::map<std::string, std::string> gateway_labels;  // default istio=ingressgateway
  std::string pin_directory = "/sys/fs/bpf/sluice";
  log::Format log_format = log::Format::kText;
  log::Level log_level = log::Level::kInfo;
  model::SteerAfter steer_after;
  model::ForwardedHeaders forwarded_headers = model::ForwardedHeaders::kAuto;
  model::ClientAddress client_address = model::ClientAddress::kNode;
  std::vector<IpPrefix> trusted_cidrs;  // of proxies whose word on the client's address counts
  std::uint32_t steer_idle_seconds = 900;
  std::uint32_t max_steered = 16384;
  std::uint16_t upstream_port_first = 15000;
  std::uint16_t upstream_port_last = 29999;
  std::vector<std::string> ignore_interfaces;
  bool kernel_path = true;
  std::string node_name;
  std::optional<model::Locality> locality;  // unset: what the Node named node_name says
  std::uint32_t drain_seconds = 10;
  HttpOptions http;
};

// What to do instead of running: print `text` and exit with `code` (help, version, a wrong flag).
struct Exit {
  int code = 0;
  std::string text;
};

struct Parsed {
  Options options;
  std::optional<Exit> exit;
};
[[nodiscard]] Parsed parse_options(int argc, const char* const* argv);

}  // namespace sluice::app
