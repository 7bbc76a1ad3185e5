// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/sandbox.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace sluice::test {
namespace {

constexpr const char* kBpffs = "/mnt";

UniqueFd current_namespace() {
  return UniqueFd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

// Once a process: later sandboxes share the mount and take a directory each.
bool enter_private_mounts() {
  static const bool done = [] {
    return ::unshare(CLONE_NEWNS) == 0 &&
           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("bpf", kBpffs, "bpf", 0, nullptr) == 0;
  }();
  return done;
}

}  // namespace

bool can_use_kernel() { return ::geteuid() == 0 && enter_private_mounts(); }

Sandbox::Sandbox() : original_(current_namespace()) {
  static int number = 0;
  EXPECT_TRUE(enter_private_mounts());
  EXPECT_EQ(::unshare(CLONE_NEWNET), 0);
  own_ = current_namespace();
  pin_directory_ = std::string(kBpffs) + "/" + std::to_string(++number);
  EXPECT_TRUE(run("ip link set lo up"));
}

Sandbox::~Sandbox() {
  std::error_code ignored;
  std::filesystem::remove_all(pin_directory_, ignored);
  (void)::setns(original_.get(), CLONE_NEWNET);
}

bool Sandbox::run(const std::string& command) {
  return std::system((command + " 2>&1").c_str()) == 0;
}

std::string Sandbox::other_namespace() {
  if (!other_) {
    EXPECT_EQ(::unshare(CLONE_NEWNET), 0);
    other_ = current_namespace();
    enter_own();
  }
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(other_.get());
}

void Sandbox::enter_other() { EXPECT_EQ(::setns(other_.get(), CLONE_NEWNET), 0); }

void Sandbox::enter_own() { EXPECT_EQ(::setns(own_.get(), CLONE_NEWNET), 0); }

}  // namespace sluice::test
