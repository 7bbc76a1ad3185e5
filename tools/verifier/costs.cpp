// SPDX-License-Identifier: Apache-2.0
#include "tools/verifier/costs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/utsname.h>

#include <cstdio>
#include <sstream>

#include "bpf/abi/event.h"
#include "bpf/abi/knobs.h"
#include "bpf/abi/limits.h"
#include "lb_sk_lookup.skel.h"
#include "lb_tc.skel.h"

namespace sluice::verifier {
namespace {

constexpr const char* kKernelLine = "Kernel: ";

Cost cost_of(const bpf_program* program) {
  bpf_prog_info info{};
  std::uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) != 0) return {};
  return {.program = bpf_program__name(program),
          .verified = info.verified_insns,
          .instructions = info.xlated_prog_len / sizeof(bpf_insn)};
}

// The worst case: as many workers as there may be.
constexpr lb_knobs kKnobs{
    .upstream_port_first = 15000, .upstream_port_last = 29999, .workers = LB_MAX_WORKERS};

}  // namespace

std::vector<Cost> measure() {
  std::vector<Cost> costs;
  lb_tc* tc = lb_tc__open();
  lb_sk_lookup* lookup = lb_sk_lookup__open();
  if (tc != nullptr && lookup != nullptr) {
    tc->rodata->knobs = kKnobs;
    lookup->rodata->knobs = kKnobs;
    bpf_map__set_max_entries(tc->maps.lb_slots, 64);
    if (lb_tc__load(tc) == 0 && lb_sk_lookup__load(lookup) == 0) {
      bpf_program* program = nullptr;
      bpf_object__for_each_program(program, tc->obj) costs.push_back(cost_of(program));
      bpf_object__for_each_program(program, lookup->obj) costs.push_back(cost_of(program));
    }
  }
  lb_tc__destroy(tc);
  lb_sk_lookup__destroy(lookup);
  return costs;
}

std::string kernel_release() {
  utsname name{};
  if (uname(&name) != 0) return {};
  const std::string release = name.release;
  return release.substr(0, release.find_first_of(".-", release.find('.') + 1));
}

std::string to_markdown(const std::vector<Cost>& costs, const std::string& release) {
  std::ostringstream out;
  out << "# What the verifier says\n\n"
         "Written by `tools/verifier/update`; held by the test `verifier_cost`, which fails when a "
         "program needs\n"
         "5 % more than here. \"Verified\" is the number of instructions that the verifier looked "
         "at on all paths (its\n"
         "limit is 1,000,000), with the largest number of workers. Another kernel counts "
         "otherwise: the test compares\n"
         "only on the same kernel, and elsewhere asks for no more than twice as much.\n\n"
      << kKernelLine << release << "\n\n| program | verified | instructions |\n|---|---:|---:|\n";
  for (const Cost& cost : costs)
    out << "| " << cost.program << " | " << cost.verified << " | " << cost.instructions << " |\n";
  return out.str();
}

std::optional<Log> from_markdown(const std::string& text) {
  Log log;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(kKernelLine)) log.release = line.substr(std::string(kKernelLine).size());
    char program[64];
    unsigned long long verified = 0;
    unsigned long long instructions = 0;
    if (std::sscanf(line.c_str(), "| %63s | %llu | %llu |", program, &verified, &instructions) == 3)
      log.costs.push_back({.program = program, .verified = verified, .instructions = instructions});
  }
  if (log.release.empty() || log.costs.empty()) return std::nullopt;
  return log;
}

}  // namespace sluice::verifier
