// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/status_parts.hpp"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>

#include "cli/commands/shares.hpp"
#include "cli/render/origin.hpp"
#include "cli/render/table.hpp"
#include "cli/render/units.hpp"

namespace sluice::cli::status_parts {
namespace {

Style severity_style(const std::string& severity) {
  if (severity == "error") return Style::kBad;
  return severity == "warning" ? Style::kWarn : Style::kDim;
}

std::string origin_words(const v1::Origin& origin) {
  std::string out = clean(origin.object());
  if (!origin.path().empty()) out += (out.empty() ? "" : " ") + clean(origin.path());
  return out;
}

std::string with_column(const v1::Origin& origin) {
  std::string where = clean(location(origin));
  if (origin.line() > 0 && origin.column() > 0) where += ":" + std::to_string(origin.column());
  return where.empty() ? "(unknown place)" : where;
}

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

Cell open_of(const v1::ListenerStatus& listener) {
  if (listener.max_connections() == 0) return grouped(listener.connections());
  const bool full = listener.connections() >= listener.max_connections();
  return Cell(grouped(listener.connections()) + "/" + grouped(listener.max_connections()),
              full ? Style::kBad : Style::kPlain);
}

// What is not as it is without a word said.
std::string settings_of(const v1::ListenerStatus& listener) {
  std::string out;
  const auto add = [&out](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  if (!listener.desync_mode().empty() && listener.desync_mode() != "defensive") {
    add("desync mode " + listener.desync_mode());
  }
  if (listener.max_body_bytes() > 0) add("bodies up to " + human_bytes(listener.max_body_bytes()));
  if (!listener.path_normalization().empty() && listener.path_normalization() != "none") {
    add("paths normalised: " + listener.path_normalization());
  }
  if (listener.client_address() == "preserve") add("local pods see the client's address");
  if (!listener.client_address_reason().empty()) add(listener.client_address_reason());
  return out;
}

std::string held_back(const v1::ClusterStatus& cluster) {
  std::string out;
  const auto add = [&out](const std::string& what, std::uint64_t count) {
    out += (out.empty() ? "held back: " : ", ") + what + " " + grouped(count);
  };
  for (const v1::ReasonCount& overflow : cluster.overflows())
    add(overflow.reason(), overflow.count());
  if (cluster.ejections_held_back() > 0) add("ejections", cluster.ejections_held_back());
  return out;
}

std::string ejection_of(const v1::EndpointStatus& endpoint) {
  std::string out = fmt::format("{} for another {}", endpoint.ejected_reason(),
                                human_seconds(endpoint.ejected_seconds()));
  if (endpoint.times_ejected() > 1)
    out += fmt::format(", {} times lately", endpoint.times_ejected());
  return out;
}

std::string from_words(const v1::StatusReply& reply) {
  if (reply.has_api()) return " from the cluster";
  return reply.config_source().empty() ? "" : " from " + clean(reply.config_source());
}

}  // namespace

std::string summary(const v1::StatusReply& reply, const Painter& paint) {
  std::string out = paint.paint(Style::kBold, "Sluice " + clean(reply.version()));
  if (!reply.node().empty()) out += " on " + clean(reply.node());
  out += fmt::format(", up {}, {} resident\n",
                     human_seconds(static_cast<double>(reply.uptime_seconds())),
                     human_bytes(reply.resident_bytes()));
  out += fmt::format("  config       generation {}{}: {} in force", reply.generation(),
                     from_words(reply), human_count(reply.objects(), "object", "objects"));
  if (reply.objects_rejected() > 0) {
    out += ", " + paint.paint(Style::kBad, grouped(reply.objects_rejected()) + " rejected");
  }
  out += "\n  kernel path  ";
  if (reply.kernel_path()) {
    out += paint.paint(Style::kGood, "on") + ": " +
           human_count(reply.steered_connections(), "connection", "connections") + " steered now";
    if (reply.adopted_connections() > 0) {
      out +=
          fmt::format(", {} adopted from an earlier agent", grouped(reply.adopted_connections()));
    }
  } else {
    out += paint.paint(Style::kWarn, "off") + ": every request is proxied" +
           (reply.kernel_reason().empty() ? "" : "; " + clean(reply.kernel_reason()));
  }
  return out + "\n";
}

// This node's part among the agents of the cluster.
std::string member(const v1::ApiMember& member, const Painter& paint) {
  const auto words = [](const auto& each) {
    return clean(fmt::format("{}", fmt::join(each, ", ")));
  };
  const std::string elected = member.elected().empty() ? "nobody" : clean(member.elected());
  std::string out =
      fmt::format("  {} ready ({}); status is written by {}",
                  human_count(static_cast<std::uint64_t>(member.nodes_size()), "node", "nodes"),
                  words(member.nodes()), elected);
  if (member.writes_status()) {
    out += fmt::format(", this agent: {} written, {} to look at", grouped(member.written()),
                       grouped(member.to_write()));
  }
  out += "\n";
  if (!member.addresses().empty()) out += "  answers for " + words(member.addresses()) + "\n";
  for (const std::string& trouble : member.troubles()) {
    out += "  " + paint.paint(Style::kBad, "trouble") + ": " + clean(trouble) + "\n";
  }
  return out;
}

std::string api(const v1::StatusReply& reply, const Painter& paint) {
  if (!reply.has_api()) return "";
  const v1::ApiSource& api = reply.api();
  std::string out =
      heading("API SERVER", paint) + "  " + clean(api.server()) + " (" + clean(api.login()) + ")\n";
  if (api.cached()) {
    out += "  " + paint.paint(Style::kWarn, "from the cache") + ", as it was " +
           human_seconds(api.cache_seconds()) + " ago\n";
  }
  if (!api.cache_trouble().empty()) {
    out += "  " + paint.paint(Style::kBad, "cache") + ": " + clean(api.cache_trouble()) + "\n";
  }
  if (api.has_member()) out += member(api.member(), paint);
  Table table({{"RESOURCE"},
               {"STATE"},
               {"OBJECTS", Align::kRight},
               {"LISTS", Align::kRight},
               {"FAILURES", Align::kRight},
               {"LAST WORD", Align::kRight}});
  for (const v1::ApiKind& kind : api.kinds()) {
    const bool fine = kind.state() == "synced" || kind.state() == "absent";
    const bool bad = kind.state() == "forbidden" || kind.state() == "failing";
    table.row({kind.name(),
               Cell(kind.state(), fine  ? Style::kGood
                                  : bad ? Style::kBad
                                        : Style::kPlain),
               grouped(kind.objects()), grouped(kind.lists()), grouped(kind.failures()),
               kind.silent_seconds() < 0 ? "-" : human_seconds(kind.silent_seconds()) + " ago"});
    if (!kind.trouble().empty()) table.note(kind.trouble(), Style::kBad);
  }
  return out + table.text(paint, 2);
}

std::string diagnostics(const v1::StatusReply& reply, const Painter& paint) {
  if (reply.diagnostics().empty()) return "";
  std::string out = heading(fmt::format("DIAGNOSTICS ({})", reply.diagnostics_size()), paint);
  for (const v1::Diagnostic& diagnostic : reply.diagnostics()) {
    const std::string subject = origin_words(diagnostic.origin());
    out += "  " + paint.paint(severity_style(diagnostic.severity()), clean(diagnostic.severity())) +
           "  " + with_column(diagnostic.origin()) + (subject.empty() ? "" : "  " + subject) + "\n";
    out += "    " + clean(diagnostic.message()) +
           (diagnostic.code().empty()
                ? ""
                : " " + paint.paint(Style::kDim, "[" + clean(diagnostic.code()) + "]")) +
           "\n";
    if (!diagnostic.hint().empty()) out += "    fix: " + clean(diagnostic.hint()) + "\n";
  }
  return out;
}

std::string conditions(const v1::StatusReply& reply, const Painter& paint) {
  if (reply.conditions().empty()) return "";
  std::string out = heading(fmt::format("CONDITIONS ({})", reply.conditions_size()), paint);
  for (const v1::Condition& condition : reply.conditions()) {
    out += "  " + paint.paint(Style::kWarn, clean(condition.type())) + "  " +
           clean(cluster_title(condition.cluster())) + clean(in_parentheses(condition.origin())) +
           "\n";
    if (!condition.message().empty()) out += "    " + clean(condition.message()) + "\n";
  }
  return out;
}

std::string listeners(const v1::StatusReply& reply, const Painter& paint) {
  std::string out = heading("LISTENERS", paint);
  if (reply.listeners().empty()) {
    return out +
           "  none: no Gateway in force selects this agent (see --gateway-labels of lb-agent)\n";
  }
  Table table({{"LISTENER"},
               {"PROTOCOL"},
               {"OPEN", Align::kRight},
               {"TIER"},
               {"STEER AFTER"},
               {"FORWARDED HEADERS"},
               {"HOSTS", Align::kRight},
               {"ROUTES", Align::kRight},
               {"GATEWAYS"}});
  for (const v1::ListenerStatus& listener : reply.listeners()) {
    const bool kernel = listener.tier() == "connection";
    table.row({listener.name(), listener.protocol(), open_of(listener),
               Cell(listener.tier(), kernel ? Style::kGood : Style::kPlain), listener.steer_after(),
               listener.forwarded_headers(), std::to_string(listener.virtual_hosts()),
               std::to_string(listener.routes()), joined(listener.gateways())});
    if (const std::string set = settings_of(listener); !set.empty()) table.note(set);
    if (!listener.error().empty()) {
      std::string note = "not served: " + listener.error();
      if (listener.retry_seconds() > 0)
        note += "; tried again in " + human_seconds(listener.retry_seconds());
      table.note(note, Style::kBad);
    }
    if (!listener.tier_reason().empty()) {
      std::string note = listener.tier_reason() + " [" + listener.tier_code() + "]";
      // The sentence often names the place itself.
      const std::string where = location(listener.tier_origin());
      if (!where.empty() && note.find(where) == std::string::npos) note += " (" + where + ")";
      table.note(note);
    }
  }
  return out + table.text(paint, 2);
}

std::string clusters(const v1::StatusReply& reply, const Painter& paint) {
  if (reply.clusters().empty()) return "";
  std::string out = heading("CLUSTERS", paint);
  Table totals({{"CLUSTER"},
                {"READY", Align::kRight},
                {"EJECTED", Align::kRight},
                {"PICKS", Align::kRight},
                {"PROMOTIONS", Align::kRight},
                {"STEERED REQUESTS", Align::kRight}});
  for (const v1::ClusterStatus& cluster : reply.clusters()) {
    const auto ready =
        std::count_if(cluster.endpoints().begin(), cluster.endpoints().end(),
                      [](const v1::EndpointStatus& endpoint) { return endpoint.ready(); });
    totals.row({cluster_title(cluster.key()),
                Cell(fmt::format("{}/{}", ready, cluster.endpoints_size()),
                     ready > 0 ? Style::kGood : Style::kBad),
                Cell(cluster.ejected() == 0 ? "" : std::to_string(cluster.ejected()), Style::kWarn),
                grouped(cluster.picks()), grouped(cluster.promotions()),
                grouped(cluster.steered_turns())});
    if (const std::string held = held_back(cluster); !held.empty()) totals.note(held, Style::kWarn);
  }
  return out + totals.text(paint, 2);
}

std::string endpoints(const v1::StatusReply& reply, const Painter& paint) {
  Table table({{"ENDPOINT"},
               {"STATE"},
               {"IN FLIGHT", Align::kRight},
               {"CONNECTIONS", Align::kRight},
               {"CLUSTER"},
               {"NAME"}});
  for (const v1::ClusterStatus& cluster : reply.clusters()) {
    for (const v1::EndpointStatus& endpoint : cluster.endpoints()) {
      table.row({endpoint.address(), endpoint_state(endpoint), grouped(endpoint.in_flight()),
                 grouped(endpoint.connections()), cluster_title(cluster.key()), endpoint.name()});
      if (endpoint.ejected()) table.note(ejection_of(endpoint), Style::kWarn);
    }
  }
  return table.empty() ? "" : heading("ENDPOINTS", paint) + table.text(paint, 2);
}

std::string workers(const v1::StatusReply& reply, const Painter& paint) {
  if (reply.workers().empty()) return "";
  Table table({{"WORKER"},
               {"GENERATION", Align::kRight},
               {"OPEN", Align::kRight},
               {"ACCEPTED", Align::kRight},
               {"REQUESTS", Align::kRight},
               {"UPSTREAMS", Align::kRight},
               {"IDLE", Align::kRight},
               {"BUFFERS", Align::kRight}});
  for (const v1::WorkerStatus& worker : reply.workers()) {
    const bool behind = worker.generation() != reply.generation();
    table.row({std::to_string(worker.index()),
               Cell(std::to_string(worker.generation()), behind ? Style::kWarn : Style::kPlain),
               grouped(worker.connections_open()), grouped(worker.connections_accepted()),
               grouped(worker.requests()), grouped(worker.upstreams_open()),
               grouped(worker.upstreams_idle()), human_bytes(worker.buffer_bytes())});
  }
  return heading("WORKERS", paint) + table.text(paint, 2);
}

std::string interfaces(const v1::StatusReply& reply, const Painter& paint) {
  if (reply.interfaces().empty()) return "";
  Table table({{"INTERFACE"},
               {"INDEX", Align::kRight},
               {"MTU", Align::kRight},
               {"MODE"},
               {"REDIRECT"},
               {"REASON"}});
  for (const v1::InterfaceStatus& interface : reply.interfaces()) {
    const bool attached = interface.mode() != "none";
    table.row({interface.name(), std::to_string(interface.index()), std::to_string(interface.mtu()),
               Cell(interface.mode(), attached ? Style::kGood : Style::kWarn),
               attached ? (interface.peer_redirect() ? "into the pod" : "neighbour") : "-",
               interface.reason()});
  }
  return heading("INTERFACES", paint) + table.text(paint, 2);
}

std::string maps(const v1::StatusReply& reply, const Painter& paint) {
  if (reply.maps().empty()) return "";
  Table table(
      {{"MAP"}, {"USED", Align::kRight}, {"CAPACITY", Align::kRight}, {"FILL", Align::kRight}});
  for (const v1::MapStatus& map : reply.maps()) {
    const double fill = map.capacity() == 0 ? 0
                                            : 100.0 * static_cast<double>(map.used()) /
                                                  static_cast<double>(map.capacity());
    Style style = Style::kPlain;
    if (fill >= 80) style = fill >= 95 ? Style::kBad : Style::kWarn;
    table.row({map.name(), grouped(map.used()), grouped(map.capacity()),
               Cell(fmt::format("{:.1f} %", fill), style)});
  }
  return heading("MAPS", paint) + table.text(paint, 2);
}

std::string probes(const v1::StatusReply& reply, const Painter& paint) {
  if (reply.probes().empty()) return "";
  Table table({{"PROBE"}, {"FOUND"}, {"DETAIL"}});
  for (const v1::ProbeStatus& probe : reply.probes()) {
    Cell found("yes", Style::kGood);
    if (!probe.ok())
      found = probe.required() ? Cell("NO", Style::kBad) : Cell("no (optional)", Style::kWarn);
    table.row({probe.name(), found, probe.detail()});
  }
  return heading("KERNEL PROBES", paint) + table.text(paint, 2);
}

}  // namespace sluice::cli::status_parts
