// SPDX-License-Identifier: Apache-2.0
// The command line: help, mistakes and what lbctl says when there is no agent.
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "run_lbctl.hpp"

namespace sluice::test {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(LbctlUsage, VersionAndHelpGoToStandardOutput) {
  const LbctlRun version = run_lbctl({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_TRUE(has(version.out, "lbctl ")) << version.out;
  const LbctlRun help = run_lbctl({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* word :
       {"status", "routes", "flows", "explain", "Examples:", "SLUICE_CONTROL", "Exit codes"}) {
    EXPECT_TRUE(has(help.out, word)) << word << " in\n" << help.out;
  }
  const LbctlRun explain = run_lbctl({"explain", "--help"});
  EXPECT_EQ(explain.exit_code, 0);
  EXPECT_TRUE(has(explain.out, "--header")) << explain.out;
}

TEST(LbctlUsage, WithoutCommandPrintsHelpAsAnError) {
  const LbctlRun run = run_lbctl({});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(run.out, "");
  EXPECT_TRUE(has(run.err, "Examples:")) << run.err;
}

TEST(LbctlUsage, UnknownCommandNamesTheNearest) {
  const LbctlRun run = run_lbctl({"stauts"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_TRUE(has(run.err, "unknown command \"stauts\"; did you mean \"status\"?")) << run.err;
}

TEST(LbctlUsage, WrongOptionsExitWithTwo) {
  EXPECT_EQ(run_lbctl({"status", "-o", "yaml"}).exit_code, 2);
  EXPECT_EQ(run_lbctl({"status", "--nope"}).exit_code, 2);
  EXPECT_EQ(run_lbctl({"explain"}).exit_code, 2);
  EXPECT_EQ(run_lbctl({"flows", "--limit", "many"}).exit_code, 2);
  const LbctlRun move = run_lbctl({"flows", "move"});
  EXPECT_EQ(move.exit_code, 2);
  EXPECT_TRUE(has(move.err, "--endpoint or --all")) << move.err;
  EXPECT_EQ(run_lbctl({"flows", "move", "--all", "--client", "192.0.2.7"}).exit_code, 2);
  EXPECT_EQ(run_lbctl({"flows", "--follow", "--limit", "3"}).exit_code, 2);
  EXPECT_EQ(run_lbctl({"flows", "--follow", "move", "--all"}).exit_code, 2);
  const LbctlRun header = run_lbctl({"explain", "GET", "http://x/", "-H", "no-colon"});
  EXPECT_EQ(header.exit_code, 2);
  EXPECT_TRUE(has(header.err, "'Name: value'")) << header.err;
}

TEST(LbctlUsage, NoSocketSaysWhatToDo) {
  const TempFolder folder;
  const LbctlRun run = run_lbctl({"status", "--control", folder.file("none.sock")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.out, "");
  EXPECT_TRUE(has(run.err, folder.file("none.sock"))) << run.err;
  EXPECT_TRUE(has(run.err, "Is the agent running")) << run.err;
  EXPECT_TRUE(has(run.err, "--control")) << run.err;
}

TEST(LbctlUsage, SocketOfADeadAgentIsToldFromNone) {
  const TempFolder folder;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, folder.file("dead.sock").c_str(), sizeof(address.sun_path) - 1);
  {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  const LbctlRun run = run_lbctl({"status"}, {"SLUICE_CONTROL=" + folder.file("dead.sock")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_TRUE(has(run.err, "nobody answers")) << run.err;
}

TEST(LbctlUsage, TooLongSocketPathIsRefused) {
  const LbctlRun run = run_lbctl({"status", "--control", std::string(300, 'a')});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_TRUE(has(run.err, "1 to 107 bytes")) << run.err;
}

}  // namespace
}  // namespace sluice::test
