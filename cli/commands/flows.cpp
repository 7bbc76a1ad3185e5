// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <ctime>

#include "cli/commands/commands.hpp"
#include "cli/commands/shares.hpp"
#include "cli/render/table.hpp"
#include "cli/render/units.hpp"

namespace sluice::cli {
namespace {

Style state_style(const std::string& state) {
  if (state == "normal") return Style::kGood;
  return state == "ended" ? Style::kDim : Style::kWarn;
}

// Of the last answer; of one that is not there yet, how long it has been waited for.
Cell first_byte(const v1::Flow& flow) {
  if (flow.waiting_seconds() > 0)
    return Cell("waits " + human_seconds(flow.waiting_seconds()), Style::kWarn);
  return flow.first_byte_seconds() > 0 ? fmt::format("{:.1f} ms", 1e3 * flow.first_byte_seconds())
                                       : std::string("-");
}

}  // namespace

std::string render_flows(const v1::FlowsReply& reply, const Painter& paint) {
  if (reply.flows().empty()) {
    return reply.total() == 0
               ? "no steered connections. `lbctl status` shows each listener's tier and why\n"
               : fmt::format("{} (none shown)\n", human_count(reply.total(), "flow", "flows"));
  }
  Table table({{"SLOT", Align::kRight},
               {"STATE"},
               {"CLIENT"},
               {"LISTENER"},
               {"ENDPOINT"},
               {"CLUSTER"},
               {"REQUESTS", Align::kRight},
               {"PKTS ->", Align::kRight},
               {"BYTES ->", Align::kRight},
               {"<- PKTS", Align::kRight},
               {"<- BYTES", Align::kRight},
               {"RESENT ->/<-", Align::kRight},
               {"1ST BYTE", Align::kRight},
               {"AGE", Align::kRight},
               {"IDLE", Align::kRight},
               {"WORKER"}});
  for (const v1::Flow& flow : reply.flows()) {
    table.row(
        {std::to_string(flow.slot()), Cell(flow.state(), state_style(flow.state())), flow.client(),
         flow.local(), flow.endpoint(), cluster_title(flow.cluster()), grouped(flow.requests()),
         grouped(flow.packets_to_pod()), human_bytes(flow.bytes_to_pod()),
         grouped(flow.packets_to_client()), human_bytes(flow.bytes_to_client()),
         grouped(flow.resent_to_pod()) + "/" + grouped(flow.resent_to_client()), first_byte(flow),
         human_seconds(flow.age_seconds()), human_seconds(flow.idle_seconds()),
         std::to_string(flow.owner()) + (flow.adopted() ? " adopted" : "")});
  }
  std::string out = table.text(paint, 0);
  const auto shown = static_cast<std::uint64_t>(reply.flows_size());
  if (reply.total() > shown) {
    out += fmt::format("\n{} of {} flows shown; --limit N for more\n", grouped(shown),
                       grouped(reply.total()));
  } else {
    out += "\n" + human_count(shown, "flow", "flows") +
           "; -> from client to pod, <- from pod to client\n";
  }
  return out;
}

// One line: what happened to whom, and what there was of it.
std::string render_event(const v1::FlowEvent& event, const Painter& paint) {
  const auto milliseconds = static_cast<std::int64_t>(event.unix_seconds() * 1000);
  const std::time_t second = milliseconds / 1000;
  std::tm parts{};
  localtime_r(&second, &parts);
  char clock[16];
  const std::size_t size = std::strftime(clock, sizeof(clock), "%H:%M:%S", &parts);
  const bool started = event.event() == "started";
  std::string out = fmt::format("{}.{:03} ", std::string_view(clock, size), milliseconds % 1000);
  out += paint.paint(started ? Style::kGood : Style::kPlain,
                     fmt::format("{:<10}", clean(event.event())));
  out += fmt::format(" {} -> {}  {}", clean(event.client()), clean(event.endpoint()),
                     event.cluster().empty() ? "-" : cluster_title(event.cluster()));
  if (!started) {
    out += fmt::format("  {}; {}, {} ->, {} <-, {}", clean(event.reason()),
                       human_count(event.requests(), "request", "requests"),
                       human_bytes(event.bytes_to_pod()), human_bytes(event.bytes_to_client()),
                       human_seconds(event.age_seconds()));
  }
  return out + "\n";
}

std::string render_move(const v1::MoveFlowsReply& reply) {
  std::string out = reply.asked() == 0
                        ? "no steered connection was asked to come back\n"
                        : human_count(reply.asked(), "connection comes", "connections come") +
                              " back at the next request, or now if idle\n";
  if (reply.workers_silent() > 0) {
    out += human_count(reply.workers_silent(), "worker", "workers") +
           " did not answer in time; try again\n";
  }
  return out;
}

}  // namespace sluice::cli
