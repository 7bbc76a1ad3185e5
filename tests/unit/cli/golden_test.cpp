// SPDX-License-Identifier: Apache-2.0
// The real lbctl against a real control server with fixed answers: what a user sees, byte for byte.
// SLUICE_UPDATE_GOLDEN=1 writes the expected files anew; read the diff before committing it.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "agent/control/server.hpp"
#include "fake_agent.hpp"
#include "run_lbctl.hpp"

namespace sluice::test {
namespace {

class LbctlGolden : public testing::Test {
 protected:
  void SetUp() override {
    auto server = control::Server::start(folder_.file("agent.sock"), agent_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }

  LbctlRun run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--control", folder_.file("agent.sock")});
    return run_lbctl(std::move(arguments));
  }

  static void expect_golden(const std::string& actual, const std::string& name) {
    const std::string path = std::string(SLUICE_SOURCE_DIR) + "/tests/unit/cli/golden/" + name;
    if (std::getenv("SLUICE_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << actual;
    std::ifstream file(path);
    std::stringstream expected;
    expected << file.rdbuf();
    EXPECT_EQ(actual, expected.str()) << "compare with " << path;
  }

  TempFolder folder_;
  FakeAgent agent_;
  std::unique_ptr<control::Server> server_;
};

TEST_F(LbctlGolden, StatusTable) {
  const LbctlRun result = run({"status"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  expect_golden(result.out, "status.txt");
}

TEST_F(LbctlGolden, StatusJson) {
  const LbctlRun result = run({"status", "-o", "json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  expect_golden(result.out, "status.json");
}

TEST_F(LbctlGolden, RoutesTable) {
  const LbctlRun result = run({"routes"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  expect_golden(result.out, "routes.txt");
}

TEST_F(LbctlGolden, FlowsTable) {
  const LbctlRun result = run({"flows"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  expect_golden(result.out, "flows.txt");
}

TEST_F(LbctlGolden, FlowsLimitIsPassedOnAndSaysWhatIsMissing) {
  const LbctlRun result = run({"flows", "--limit", "1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  expect_golden(result.out, "flows_limit.txt");
}

TEST_F(LbctlGolden, FlowsFollowPrintsEventsUntilTheAgentEnds) {
  ASSERT_EQ(setenv("TZ", "UTC", 1), 0);
  const LbctlRun table = run({"flows", "--follow"});
  EXPECT_EQ(table.exit_code, 1);
  EXPECT_NE(table.err.find("2 events were not kept"), std::string::npos) << table.err;
  EXPECT_NE(table.err.find("it ends"), std::string::npos) << table.err;
  expect_golden(table.out, "flow_events.txt");
  expect_golden(run({"flows", "--follow", "-o", "json"}).out, "flow_events.json");
}

TEST_F(LbctlGolden, FlowsMoveSaysHowManyWereAsked) {
  const LbctlRun one = run({"flows", "move", "--endpoint", "10.0.1.7:80"});
  EXPECT_EQ(one.exit_code, 0) << one.err;
  EXPECT_EQ(one.out, "1 connection comes back at the next request, or now if idle\n");
  EXPECT_EQ(run({"flows", "move", "--client", "192.0.2.9"}).out,
            "no steered connection was asked to come back\n");
  const LbctlRun all = run({"flows", "move", "--all"});
  EXPECT_NE(all.out.find("1,204 connections come back"), std::string::npos) << all.out;
  EXPECT_NE(all.out.find("1 worker did not answer"), std::string::npos) << all.out;
  EXPECT_NE(run({"flows", "move", "--all", "-o", "json"}).out.find("\"asked\": \"1204\""),
            std::string::npos);
  const LbctlRun wrong = run({"flows", "move", "--client", "nonsense"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_NE(wrong.err.find("is no address"), std::string::npos) << wrong.err;
}

TEST_F(LbctlGolden, ExplainOfAnAnswerThatIsConfiguredIsNoFailure) {
  const LbctlRun result = run({"explain", "http://echo.example.com/moved"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  expect_golden(result.out, "explain_moved.txt");
}

TEST_F(LbctlGolden, ExplainRouted) {
  const LbctlRun result =
      run({"explain", "GET", "http://echo.example.com/routed", "-H", "x-user: alice"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  expect_golden(result.out, "explain_routed.txt");
}

TEST_F(LbctlGolden, ExplainNoRouteExitsWithThree) {
  const LbctlRun result = run({"explain", "POST", "http://echo.example.com/noroute"});
  EXPECT_EQ(result.exit_code, 3) << result.err;
  expect_golden(result.out, "explain_noroute.txt");
}

TEST_F(LbctlGolden, ExplainUnknownHostNamesTheDomains) {
  const LbctlRun result = run({"explain", "http://typo.example.com/nohost"});  // no method: GET
  EXPECT_EQ(result.exit_code, 3) << result.err;
  expect_golden(result.out, "explain_nohost.txt");
}

TEST_F(LbctlGolden, ExplainOfNonsenseIsAUsageError) {
  const LbctlRun result = run({"explain", "GET", "http://x/nonsense"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, "lbctl: the URL has no host; write http://host/path\n");
}

TEST_F(LbctlGolden, ExplainJsonKeepsTheExitCode) {
  const LbctlRun result = run({"-o", "json", "explain", "POST", "http://echo.example.com/noroute"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_NE(result.out.find("\"outcome\": \"404 no_route\""), std::string::npos) << result.out;
}

TEST_F(LbctlGolden, ColoursOnATerminalOnlyAndNotWithNoColor) {
  const std::vector<std::string> status = {"--control", folder_.file("agent.sock"), "status"};
  const std::string green_on = "\033[32mon\033[0m";
  EXPECT_NE(run_lbctl_on_terminal(status, {"TERM=xterm"}).find(green_on), std::string::npos);
  const std::string plain = run_lbctl_on_terminal(status, {"NO_COLOR=1"});
  EXPECT_NE(plain.find("kernel path  on:"), std::string::npos) << plain;
  EXPECT_EQ(plain.find('\033'), std::string::npos) << plain;
  EXPECT_EQ(run_lbctl(status).out.find('\033'), std::string::npos);
}

TEST_F(LbctlGolden, AnAgentThatRefusesIsAnErrorWithItsReason) {
  const LbctlRun result = run({"explain", "GET", "http://x/there-is-no-such-answer"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("the agent refuses: cannot read"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace sluice::test
