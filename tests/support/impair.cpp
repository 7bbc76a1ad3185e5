// SPDX-License-Identifier: Apache-2.0
// impair: loads impair.bpf.c in the current network namespace and attaches it, or shows what it has
// done so far. Caller: tools/netlab. The programs stay attached after this one ends; a second call
// replaces them. Thread: main.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "agent/base/unique_fd.hpp"
#include "impair.skel.h"
#include "tests/support/flags.hpp"

namespace {

using sluice::UniqueFd;

constexpr unsigned kHandle = 0x51e7;
constexpr unsigned kPriority = 1;
constexpr std::array<const char*, 4> kCounterNames = {"lost", "duplicated", "reordered", "passed"};

struct Options {
  std::string interface = "eth0";
  std::string delay_out;   // where reordered packets go
  std::string delay_back;  // where they come back
  unsigned loss = 0, duplicate = 0, reorder = 0;
  bool show = false;
};

int complain(const char* what, const std::string& where, int error) {
  std::fprintf(stderr, "impair: %s %s: %s\n", what, where.c_str(), std::strerror(error));
  return 1;
}

// Not LIBBPF_OPTS: it is C that clang refuses in C++.
bpf_tc_hook hook_of(const std::string& interface, bpf_tc_attach_point point) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  hook.attach_point = point;
  return hook;
}

bpf_tc_opts our_filter() {
  bpf_tc_opts options{};
  options.sz = sizeof options;
  options.handle = kHandle;
  options.priority = kPriority;
  return options;
}

bool attach(const std::string& interface, bpf_tc_attach_point point, const bpf_program* program) {
  bpf_tc_hook hook = hook_of(interface, point);
  if (const int error = bpf_tc_hook_create(&hook); error != 0 && error != -EEXIST) {
    return complain("cannot create clsact on", interface, -error) == 0;
  }
  bpf_tc_opts options = our_filter();
  options.prog_fd = bpf_program__fd(program);
  options.flags = BPF_TC_F_REPLACE;
  if (const int error = bpf_tc_attach(&hook, &options); error != 0) {
    return complain("cannot attach to", interface, -error) == 0;
  }
  return true;
}

int install(const Options& options) {
  const std::unique_ptr<impair_bpf, decltype(&impair_bpf::destroy)> skeleton(impair_bpf::open(),
                                                                             &impair_bpf::destroy);
  if (!skeleton) return complain("cannot open", "impair.bpf.o", errno);
  skeleton->rodata->loss_ppm = options.loss;
  skeleton->rodata->duplicate_ppm = options.duplicate;
  skeleton->rodata->reorder_ppm = options.reorder;
  skeleton->rodata->ifindex = if_nametoindex(options.interface.c_str());
  skeleton->rodata->delay_ifindex =
      options.delay_out.empty() ? 0 : if_nametoindex(options.delay_out.c_str());
  if (skeleton->rodata->ifindex == 0) return complain("no interface", options.interface, errno);
  if (const int error = impair_bpf::load(skeleton.get()); error != 0) {
    return complain("cannot load", "impair.bpf.o", -error);
  }
  const bool attached = attach(options.interface, BPF_TC_EGRESS, skeleton->progs.impair_out) &&
                        attach(options.interface, BPF_TC_INGRESS, skeleton->progs.impair_in) &&
                        (options.delay_back.empty() ||
                         attach(options.delay_back, BPF_TC_INGRESS, skeleton->progs.impair_back));
  return attached ? 0 : 1;
}

// The counters belong to the attached program: found through its id.
UniqueFd find_counters(const std::string& interface) {
  bpf_tc_hook hook = hook_of(interface, BPF_TC_EGRESS);
  bpf_tc_opts options = our_filter();
  if (bpf_tc_query(&hook, &options) != 0) return {};
  const UniqueFd program(bpf_prog_get_fd_by_id(options.prog_id));
  std::array<__u32, 8> map_ids{};
  bpf_prog_info info{};
  info.nr_map_ids = map_ids.size();
  info.map_ids = reinterpret_cast<__u64>(map_ids.data());
  __u32 size = sizeof info;
  if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0) return {};
  for (__u32 i = 0; i < info.nr_map_ids && i < map_ids.size(); ++i) {
    UniqueFd map(bpf_map_get_fd_by_id(map_ids[i]));
    bpf_map_info map_info{};
    size = sizeof map_info;
    if (map && bpf_obj_get_info_by_fd(map.get(), &map_info, &size) == 0 &&
        map_info.type == BPF_MAP_TYPE_PERCPU_ARRAY) {
      return map;
    }
  }
  return {};
}

int show(const Options& options) {
  const UniqueFd map = find_counters(options.interface);
  if (!map) return complain("nothing is attached to", options.interface, ENOENT);
  std::vector<__u64> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  for (__u32 key = 0; key < kCounterNames.size(); ++key) {
    if (bpf_map_lookup_elem(map.get(), &key, values.data()) != 0) return 1;
    std::printf("%-12s %llu\n", kCounterNames[key],
                std::accumulate(values.begin(), values.end(), 0ULL));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  sluice::support::Flags flags("impair", "loses, duplicates and reorders TCP packets (needs root)");
  flags.add_text("--interface", "NAME", "in this namespace (eth0)", options.interface);
  flags.add_number("--loss-ppm", "N", "packets in a million, each direction", options.loss);
  flags.add_number("--duplicate-ppm", "N", "packets in a million", options.duplicate);
  flags.add_number("--reorder-ppm", "N", "packets in a million, needs the detour", options.reorder);
  flags.add_text("--detour-out", "NAME", "interface reordered packets are sent to",
                 options.delay_out);
  flags.add_text("--detour-back", "NAME", "interface they come back from", options.delay_back);
  flags.add_switch("--show", "print the counters and end", options.show);
  flags.parse(argc, argv);
  if (options.delay_out.empty() != options.delay_back.empty() ||
      (options.reorder != 0 && options.delay_out.empty())) {
    std::fprintf(stderr, "impair: reordering needs both --detour-out and --detour-back\n");
    return 2;
  }
  return options.show ? show(options) : install(options);
}
