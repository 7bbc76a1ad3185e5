// SPDX-License-Identifier: Apache-2.0
// Sandbox: a mount namespace with a bpffs of its own, and fresh network namespaces, for tests that use the kernel.
// Nothing of it has a name outside the process, so that nothing is left behind, also after a crash.
// Thread: the test's main thread; the whole program must have one thread while a Sandbox is made.
#pragma once
#include <string>

#include "agent/base/unique_fd.hpp"

namespace sluice::test {

// Without root (or in a container that forbids it) the kernel cannot be tested.
[[nodiscard]] bool can_use_kernel();

class Sandbox {
 public:
  Sandbox();
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  // A fresh directory on the bpffs for this sandbox.
  [[nodiscard]] const std::string& pin_directory() const { return pin_directory_; }
  // Runs a command line; false when it fails.
  static bool run(const std::string& command);
  // A second, empty network namespace, as a path that `ip link set ... netns` understands.
  [[nodiscard]] std::string other_namespace();
  void enter_other();
  void enter_own();

 private:
  UniqueFd original_;
  UniqueFd own_;
  UniqueFd other_;
  std::string pin_directory_;
};

}  // namespace sluice::test
