// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/shares.hpp"

#include <fmt/core.h>

#include "cli/render/units.hpp"

namespace sluice::cli {
namespace {

Cell share_state(const v1::Share& share) {
  if (share.state() == "empty")
    return {"no endpoint, its share goes to its siblings", Style::kWarn};
  if (share.state() == "invalid") return {"no such backend: answered with 500", Style::kWarn};
  if (share.state() == "draining") {
    return {"draining: no other endpoint is left for the route", Style::kWarn};
  }
  if (share.state() == "kept") return {"kept: endpoints of the previous generation", Style::kWarn};
  return {share.state(), Style::kGood};
}

}  // namespace

std::string cluster_title(const std::string& key) {
  const std::size_t first = key.find('|');
  const std::size_t last = key.rfind('|');
  if (first == std::string::npos || first == last) return key;
  const std::string subset = key.substr(first + 1, last - first - 1);
  return key.substr(0, first) + (subset.empty() ? "" : " " + subset) + " :" + key.substr(last + 1);
}

Table shares_table(const google::protobuf::RepeatedPtrField<v1::Share>& shares) {
  Table table({{"DESTINATION"},
               {"WEIGHT", Align::kRight},
               {"WANTED", Align::kRight},
               {"REALISED", Align::kRight},
               {"REQUESTS", Align::kRight},
               {"ENDPOINTS", Align::kRight},
               {"STATE"}});
  std::uint64_t requests = 0;
  for (const v1::Share& share : shares) requests += share.requests();
  for (const v1::Share& share : shares) {
    table.row({cluster_title(share.cluster()), fmt::format("{:g}", share.weight()),
               human_percent(share.wanted_percent()),
               requests == 0 ? std::string("-") : human_percent(share.realised_percent()),
               grouped(share.requests()),
               Cell(std::to_string(share.endpoints()),
                    share.endpoints() == 0 ? Style::kWarn : Style::kPlain),
               share_state(share)});
  }
  return table;
}

Cell endpoint_state(const v1::EndpointStatus& endpoint) {
  if (endpoint.terminating()) {
    return endpoint.serving() ? Cell("draining", Style::kWarn) : Cell("terminating", Style::kWarn);
  }
  if (endpoint.ejected()) return {"ejected", Style::kWarn};
  return endpoint.ready() ? Cell("ready", Style::kGood) : Cell("not ready", Style::kBad);
}

}  // namespace sluice::cli
