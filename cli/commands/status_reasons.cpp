// SPDX-License-Identifier: Apache-2.0
// The sections of `lbctl status` about what did not go the usual way since the agent started. Thread: main.
#include <algorithm>

#include "cli/commands/status_parts.hpp"
#include "cli/render/table.hpp"
#include "cli/render/units.hpp"

namespace sluice::cli::status_parts {
namespace {

constexpr int kMost = 8;  // of a kind; -o json and the metrics have all

using Counts = google::protobuf::RepeatedPtrField<v1::ReasonCount>;

// Limits are what an operator sets: reaching one is news.
bool is_limit(const std::string& reason) {
  return reason == "overload" || reason.find("limit") != std::string::npos ||
         reason.find("overflow") != std::string::npos;
}

void add(Table& table, const char* kind, const Counts& counts) {
  const int shown = std::min(counts.size(), kMost);
  for (int i = 0; i < shown; ++i) {
    const v1::ReasonCount& entry = counts[i];
    std::string reason = entry.reason();
    if (!entry.action().empty()) reason += ", " + entry.action();
    table.row({i == 0 ? kind : "",
               Cell(reason, is_limit(entry.reason()) ? Style::kWarn : Style::kPlain),
               grouped(entry.count())});
  }
  if (counts.size() > shown) {
    table.note("and " +
               human_count(static_cast<std::uint64_t>(counts.size() - shown), "more reason",
                           "more reasons") +
               ": -o json has all");
  }
}

}  // namespace

std::string reasons(const v1::StatusReply& reply, const Painter& paint) {
  Table table({{"SINCE THE START"}, {"REASON"}, {"COUNT", Align::kRight}});
  add(table, "answered or closed by Sluice", reply.endings());
  add(table, "not handed to the kernel", reply.refusals());
  add(table, "read differently by others", reply.findings());
  return table.empty() ? "" : heading("REASONS", paint) + table.text(paint, 2);
}

std::string access_log(const v1::StatusReply& reply, const Painter& paint) {
  if (!reply.has_access_log()) return "";
  const v1::AccessLogStatus& log = reply.access_log();
  std::string out =
      "  access log   " + clean(log.target()) + ", " + clean(log.format()) + ", " +
      (log.sample() < 1 ? human_percent(log.sample() * 100) + " of requests, " : std::string()) +
      "by " + clean(log.granularity()) + ": " + human_count(log.written(), "line", "lines");
  if (log.dropped() > 0) {
    out += ", " + paint.paint(Style::kWarn, grouped(log.dropped()) + " dropped: too slow");
  }
  if (log.failed() > 0) out += ", " + paint.paint(Style::kBad, grouped(log.failed()) + " lost");
  if (!log.error().empty()) out += "; " + paint.paint(Style::kBad, clean(log.error()));
  return out + "\n";
}

}  // namespace sluice::cli::status_parts
