// SPDX-License-Identifier: Apache-2.0
// Preflight: what this kernel and these privileges allow, each probe with its reason, made once at
// start. Thread: main.
#pragma once
#include <string>
#include <vector>

namespace sluice::datapath {

struct Probe {
  std::string name;  // "sk_lookup", "tc", "tcx", "bpf_loop", "bpf_redirect_peer", "btf", "cap_bpf",
                     // "cap_net_admin", "bpffs"
  bool ok = false;
  bool required = false;  // without it nothing can be steered
  std::string detail;     // what was found, or why not and what to do
};

struct PreflightReport {
  std::vector<Probe> probes;
  bool kernel_path = false;  // sk_lookup and steering can be loaded
  bool tcx = false;
  std::string reason;  // first required probe that failed, as a sentence; empty when kernel_path
};

// `pin_directory` must be on a bpffs (it is created); empty = no kernel path wanted.
[[nodiscard]] PreflightReport run_preflight(const std::string& pin_directory);

}  // namespace sluice::datapath
