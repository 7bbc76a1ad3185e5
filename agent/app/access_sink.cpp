// SPDX-License-Identifier: Apache-2.0
#include "agent/app/access_sink.hpp"

#include <charconv>

namespace sluice::app {
namespace {

// "default/echo#0", as in metrics and lbctl routes.
void append_route(const routing::Decision& route, std::string& out) {
  char digits[20];
  const auto index = route.route - route.virtual_host->routes.data();
  const char* const end = std::to_chars(digits, digits + sizeof(digits), index).ptr;
  out.append(route.virtual_host->name).append("#");
  out.append(digits, static_cast<std::size_t>(end - digits));
}

}  // namespace

void AccessSink::record(const proxy::AccessRecord& record) {
  telemetry::AccessLine line;
  line.start = record.start;
  line.downstream = record.client;
  line.peer = record.peer;
  line.upstream = record.endpoint;
  line.method = record.method;
  line.authority = record.authority;
  line.path = record.path;
  line.protocol = record.request->minor_version == 0 ? "HTTP/1.0" : "HTTP/1.1";
  line.status = record.status;
  line.reason = record.reason;
  line.bytes_in = record.bytes_received;
  line.bytes_out = record.bytes_sent;
  line.total = record.total;
  line.upstream_time = record.upstream;
  line.lb_time = record.lb;
  route_.clear();
  if (record.route != nullptr && record.route->virtual_host != nullptr) {
    append_route(*record.route, route_);
    line.file = record.route->route->origin.file;
    line.file_line = record.route->route->origin.line;
  }
  line.route = route_;
  if (record.share != nullptr) line.cluster = record.share->cluster;
  line.attempts = record.attempts;
  line.request_id = record.request_id;
  line.tier = record.promoted ? "connection" : "request";
  line.requests = record.promoted ? 0 : 1;
  lane_.write(line);
}

void AccessSink::record(const proxy::CarriedRecord& record) {
  telemetry::AccessLine line;
  line.start = record.start;
  line.downstream = line.peer = record.client;
  line.upstream = record.endpoint;
  line.reason = record.reason;
  line.bytes_in = record.bytes_in;
  line.bytes_out = record.bytes_out;
  line.total = record.total;
  line.cluster = record.cluster;
  line.tier = "connection";
  line.requests = record.requests;
  lane_.write(line);
}

}  // namespace sluice::app
