// SPDX-License-Identifier: Apache-2.0
// BareProgram: lb_bare on the maps of Programs: what translation alone costs. Thread: the test's.
#pragma once
#include <memory>

#include "tests/bpf/programs.hpp"

struct lb_bare;

namespace sluice::test {

class BareProgram {
 public:
  explicit BareProgram(Programs& programs);
  ~BareProgram();
  BareProgram(const BareProgram&) = delete;
  BareProgram& operator=(const BareProgram&) = delete;

  [[nodiscard]] bool loaded() const { return loaded_; }
  RunResult run(const Bytes& bytes, int repeat = 1);

 private:
  Programs& programs_;
  lb_bare* object_ = nullptr;
  bool loaded_ = false;
};

}  // namespace sluice::test
