// SPDX-License-Identifier: Apache-2.0
// Tables and colours: alignment, and that names from outside cannot command the terminal.
#include <gtest/gtest.h>

#include "cli/commands/commands.hpp"
#include "cli/commands/shares.hpp"
#include "cli/render/table.hpp"

namespace sluice::cli {
namespace {

TEST(Table, AlignsByTheWidestCellAndLeavesNoTrailingBlanks) {
  Table table({{"NAME"}, {"N", Align::kRight}, {"EMPTY"}, {"LAST"}});
  table.row({"a", "1", "", "x"});
  table.row({"longer", "1000", "", ""});
  EXPECT_EQ(table.text(Painter(false), 2),
            "  NAME       N  LAST\n"
            "  a          1  x\n"
            "  longer  1000\n");
}

TEST(Table, CountsCharactersNotBytes) {
  Table table({{"A"}, {"B"}});
  table.row({"\xc3\xa4\xc3\xb6", "x"});
  table.row({"abc", "y"});
  EXPECT_EQ(table.text(Painter(false), 0), "A    B\n\xc3\xa4\xc3\xb6   x\nabc  y\n");
}

TEST(Painter, ColoursOnlyWhenAskedAndNeverMovesColumns) {
  EXPECT_EQ(Painter(false).paint(Style::kBad, "x"), "x");
  EXPECT_EQ(Painter(true).paint(Style::kBad, "x"), "\033[31mx\033[0m");
  Table table({{"A"}, {"B"}});
  table.row({Cell("red", Style::kBad), "x"});
  EXPECT_NE(table.text(Painter(true), 0).find("\033[31mred\033[0m  x"), std::string::npos);
}

TEST(Painter, ControlBytesOfOthersAreMadeHarmless) {
  EXPECT_EQ(clean("a\033[2Jb\nc\x7f"), "a?[2Jb?c?");
  EXPECT_EQ(clean("\xc2\x9b"
                  "31m"),
            "??31m");  // U+009B begins a command in 8-bit terminals
  EXPECT_EQ(clean("na\xc3\xafve"), "na\xc3\xafve");
}

TEST(Render, HostileNamesNeverReachTheTerminal) {
  const std::string evil = "\033]0;owned\007\r\n";
  v1::StatusReply status;
  status.set_node(evil);
  status.set_kernel_reason(evil);
  auto* diagnostic = status.add_diagnostics();
  diagnostic->set_severity(evil);
  diagnostic->set_message(evil);
  diagnostic->set_hint(evil);
  diagnostic->mutable_origin()->set_file(evil);
  diagnostic->mutable_origin()->set_object(evil);
  status.add_listeners()->set_tier_reason(evil);
  status.add_conditions()->set_message(evil);
  status.add_clusters()->add_endpoints()->set_name(evil);
  v1::ExplainRequest request;
  request.set_url(evil);
  request.add_headers()->set_value(evil);
  v1::ExplainReply explain;
  explain.set_listener("x");
  explain.add_domains(evil);
  explain.add_near_misses()->set_got(evil);
  explain.set_outcome(evil);
  for (const std::string& text :
       {render_status(status, Painter(false)), render_explain(request, explain, Painter(false))}) {
    EXPECT_EQ(text.find_first_of("\033\007\r"), std::string::npos) << text;
  }
}

TEST(Render, ClusterKeysReadAsHostSubsetPort) {
  EXPECT_EQ(cluster_title("echo.default.svc.cluster.local|v1|80"),
            "echo.default.svc.cluster.local v1 :80");
  EXPECT_EQ(cluster_title("echo||80"), "echo :80");
  EXPECT_EQ(cluster_title("odd"), "odd");
}

TEST(Render, EmptyRepliesSayWhatThatMeans) {
  EXPECT_NE(render_status({}, Painter(false)).find("no Gateway in force"), std::string::npos);
  EXPECT_NE(render_routes({}, Painter(false)).find("no routes"), std::string::npos);
  EXPECT_NE(render_flows({}, Painter(false)).find("no steered connections"), std::string::npos);
}

}  // namespace
}  // namespace sluice::cli
