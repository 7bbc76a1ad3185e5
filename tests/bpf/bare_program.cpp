// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/bare_program.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/abi/knobs.h"
#include "lb_bare.skel.h"

namespace sluice::test {

BareProgram::BareProgram(Programs& programs) : programs_(programs), object_(lb_bare__open()) {
  if (object_ == nullptr) return;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_->obj) {
    const int shared = programs.map(bpf_map__name(map));
    if (shared >= 0 && bpf_map__reuse_fd(map, shared) != 0) return;
  }
  loaded_ = lb_bare__load(object_) == 0;
}

BareProgram::~BareProgram() { lb_bare__destroy(object_); }

RunResult BareProgram::run(const Bytes& bytes, int repeat) {
  return programs_.run(bpf_program__fd(object_->progs.lb_bare), bytes, 0, repeat);
}

}  // namespace sluice::test
