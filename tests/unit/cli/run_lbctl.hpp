// SPDX-License-Identifier: Apache-2.0
// Runs the real lbctl as a user would and keeps what it wrote. Also a private folder for its
// socket.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/unique_fd.hpp"

namespace sluice::test {

struct LbctlRun {
  int exit_code = -1;
  std::string out;
  std::string err;
};

class TempFolder {
 public:
  TempFolder() {
    std::string name = "/tmp/sluice-cli-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Reads both pipes until lbctl closed them: neither can fill up while the other is waited for.
inline void drain(UniqueFd& out, UniqueFd& err, LbctlRun& run) {
  std::array<pollfd, 2> fds = {pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0}};
  int open = 2;
  while (open > 0 && ::poll(fds.data(), fds.size(), 20'000) > 0) {
    for (std::size_t i = 0; i < fds.size(); ++i) {
      if (fds[i].revents == 0) continue;
      std::array<char, 4096> buffer{};
      const ssize_t got = ::read(fds[i].fd, buffer.data(), buffer.size());
      if (got > 0) {
        (i == 0 ? run.out : run.err).append(buffer.data(), static_cast<std::size_t>(got));
      } else {
        fds[i].fd = -1;
        --open;
      }
    }
  }
}

// -1 when it cannot be started.
inline pid_t spawn_lbctl(std::vector<std::string> arguments, std::vector<std::string> environment,
                         int out, int err) {
  arguments.insert(arguments.begin(), "lbctl");
  std::vector<char*> argv;
  std::vector<char*> envp;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  for (std::string& variable : environment) envp.push_back(variable.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, LBCTL, &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? pid : -1;
}

// Standard output of lbctl on a pseudo terminal, with "\r\n" for line ends as terminals have them.
inline std::string run_lbctl_on_terminal(std::vector<std::string> arguments,
                                         std::vector<std::string> environment) {
  const UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  std::array<char, 128> name{};
  if (::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
      ::ptsname_r(master.get(), name.data(), name.size()) != 0) {
    return "no pseudo terminal";
  }
  UniqueFd terminal(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  const pid_t pid =
      spawn_lbctl(std::move(arguments), std::move(environment), terminal.get(), STDERR_FILENO);
  terminal.reset();
  std::string out;
  std::array<char, 4096> buffer{};
  // EIO: the last holder of the terminal's other side is gone.
  for (ssize_t got = 1; got > 0;) {
    got = ::read(master.get(), buffer.data(), buffer.size());
    if (got > 0) out.append(buffer.data(), static_cast<std::size_t>(got));
  }
  int status = 0;
  if (pid > 0) ::waitpid(pid, &status, 0);
  return out;
}

inline LbctlRun run_lbctl(std::vector<std::string> arguments,
                          std::vector<std::string> environment = {}) {
  LbctlRun run;
  std::array<int, 2> out_pipe{};
  std::array<int, 2> err_pipe{};
  if (::pipe2(out_pipe.data(), O_CLOEXEC) != 0 || ::pipe2(err_pipe.data(), O_CLOEXEC) != 0)
    return run;
  UniqueFd out(out_pipe[0]);
  UniqueFd err(err_pipe[0]);
  UniqueFd out_write(out_pipe[1]);
  UniqueFd err_write(err_pipe[1]);
  const pid_t pid =
      spawn_lbctl(std::move(arguments), std::move(environment), out_write.get(), err_write.get());
  if (pid < 0) return run;
  out_write.reset();
  err_write.reset();
  drain(out, err, run);
  int status = 0;
  if (::waitpid(pid, &status, 0) == pid && WIFEXITED(status)) run.exit_code = WEXITSTATUS(status);
  return run;
}

}  // namespace sluice::test
