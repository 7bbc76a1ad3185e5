// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>

#include "cli/commands/commands.hpp"
#include "cli/commands/shares.hpp"
#include "cli/render/origin.hpp"

namespace sluice::cli {
namespace {

std::string route_title(const v1::RouteStatus& route, const Painter& paint) {
  std::string out = fmt::format("  #{}", route.index());
  if (!route.name().empty()) out += " " + clean(route.name());
  const std::string where = clean(location(route.origin()));
  if (!where.empty()) out += "  " + paint.paint(Style::kDim, where);
  out += "\n";
  if (route.matches().empty()) out += "     every request\n";
  const char* lead = "     ";
  for (const std::string& match : route.matches()) {
    out += lead + clean(match) + "\n";
    lead = "     or ";
  }
  return out;
}

}  // namespace

std::string render_routes(const v1::RoutesReply& reply, const Painter& paint) {
  if (reply.routes().empty()) {
    return fmt::format(
        "generation {}: no routes. `lbctl status` shows what was read and what is wrong with it\n",
        reply.generation());
  }
  std::string out = fmt::format("generation {}\n", reply.generation());
  std::string last;
  for (const v1::RouteStatus& route : reply.routes()) {
    std::string domains;
    for (const std::string& domain : route.domains())
      domains += (domains.empty() ? "" : ", ") + domain;
    const std::string group =
        clean(fmt::format("{}  {}  ({})", route.listener(), domains, route.virtual_host()));
    if (group != last) out += heading(group, paint);
    last = group;
    out += route_title(route, paint);
    for (const v1::Action& action : route.actions()) {
      out += fmt::format("     {} {}\n", paint.paint(Style::kDim, clean(action.name())),
                         clean(action.text()));
    }
    const bool answers =
        std::any_of(route.actions().begin(), route.actions().end(), [](const v1::Action& action) {
          return action.name() == "redirect" || action.name() == "answer";
        });
    if (route.shares().empty() && answers) continue;
    if (route.shares().empty()) {
      out += "     " + paint.paint(Style::kBad, "leads nowhere") + "\n";
    } else {
      out += shares_table(route.shares()).text(paint, 5);
    }
  }
  return out;
}

}  // namespace sluice::cli
