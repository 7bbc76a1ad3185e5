// SPDX-License-Identifier: Apache-2.0
// KernelTest: a sandbox with a Datapath in it, for tests that need root. Thread: the test's.
#pragma once
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <memory>
#include <string>

#include "agent/datapath/datapath.hpp"
#include "tests/bpf/sandbox.hpp"

namespace sluice::datapath {

using test::Sandbox;

// A flow whose packets leave as `out`.
inline lb_flow leading_to(const lb_tuple& out) {
  lb_flow flow{};
  flow.out = out;
  return flow;
}

class KernelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!test::can_use_kernel()) GTEST_SKIP() << "needs root and a bpffs";
    sandbox_ = std::make_unique<Sandbox>();
    options_.pin_directory = sandbox_->pin_directory();
    options_.max_steered = 64;
  }

  std::unique_ptr<Datapath> open() {
    auto opened = Datapath::open(options_);
    EXPECT_TRUE(opened.has_value()) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }

  static InterfaceStatus status_of(const Datapath& datapath, const std::string& name) {
    const auto all = datapath.interfaces();
    const auto it = std::ranges::find(all, name, &InterfaceStatus::name);
    EXPECT_NE(it, all.end()) << name << " is not listed";
    return it == all.end() ? InterfaceStatus{} : *it;
  }

  static bool listed(const Datapath& datapath, const std::string& name) {
    const auto all = datapath.interfaces();
    return std::ranges::find(all, name, &InterfaceStatus::name) != all.end();
  }

  // Netlink notifications are queued before the command that causes them returns.
  static void follow(Datapath& datapath) {
    pollfd waiting{.fd = datapath.links_fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&waiting, 1, 2000), 1);
    datapath.poll_links();
  }

  std::unique_ptr<Sandbox> sandbox_;
  DatapathOptions options_;
};

}  // namespace sluice::datapath
