// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/preflight.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/base/unique_fd.hpp"
#include "agent/datapath/kernel_error.hpp"
#include "agent/datapath/pin_store.hpp"

namespace sluice::datapath {
namespace {

constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);  // Linux 6.6
constexpr int kLoopback = 1;  // its index in every network namespace

bool has_capability(unsigned capability) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return false;
  return (data[capability / 32].effective >> (capability % 32) & 1U) != 0;
}

Probe capability(std::string name, unsigned number) {
  // CAP_SYS_ADMIN includes CAP_BPF for kernels' compatibility, and nothing here else.
  const bool ok = has_capability(number) || (number == CAP_BPF && has_capability(CAP_SYS_ADMIN));
  return {.name = std::move(name),
          .ok = ok,
          .required = true,
          .detail = ok ? "present" : "missing: run as root, or grant it to the agent"};
}

// return `value`; the smallest program there is.
UniqueFd load_trivial(bpf_prog_type type, bpf_attach_type attach, int value) {
  const std::array<bpf_insn, 2> code{
      bpf_insn{
          .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = value},
      bpf_insn{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  bpf_prog_load_opts options{};
  options.sz = sizeof options;
  options.expected_attach_type = attach;
  const int fd = bpf_prog_load(type, "lb_probe", "GPL", code.data(), code.size(), &options);
  return UniqueFd(fd < 0 ? -1 : fd);
}

Probe program_type(std::string name, bpf_prog_type type, bpf_attach_type attach,
                   const char* since) {
  const UniqueFd program = load_trivial(type, attach, 1);
  const int error = errno;
  return {.name = std::move(name),
          .ok = program.valid(),
          .required = true,
          .detail = program ? "can be loaded"
                            : std::string("cannot be loaded (") + std::strerror(error) +
                                  "); it needs " + since};
}

Probe helper(std::string name, bpf_func_id function, bool required, const char* since) {
  const int result = libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, function, nullptr);
  return {.name = std::move(name),
          .ok = result == 1,
          .required = required,
          .detail = result == 1 ? "available" : std::string("not available; it needs ") + since};
}

// On the loopback device with a program that lets everything pass, for as long as this function
// runs.
Probe tcx() {
  Probe probe{.name = "tcx", .ok = false, .required = false, .detail = {}};
  const UniqueFd program = load_trivial(BPF_PROG_TYPE_SCHED_CLS, BPF_CGROUP_INET_INGRESS, -1);
  const int link =
      program ? bpf_link_create(program.get(), kLoopback, kTcxIngress, nullptr) : -errno;
  const UniqueFd holder(link < 0 ? -1 : link);
  probe.ok = holder.valid();
  probe.detail = probe.ok ? "attached and detached"
                          : std::string("not available (") + std::strerror(-link) +
                                "; it needs Linux 6.6): clsact filters are used instead";
  return probe;
}

Probe bpffs(const std::string& directory) {
  Probe probe{.name = "bpffs", .ok = false, .required = true, .detail = {}};
  if (directory.empty()) {
    probe.detail = "no pin directory was given: set one with --pin to use the kernel path";
    return probe;
  }
  auto ready = prepare_bpffs(directory);
  probe.ok = ready.has_value();
  probe.detail = ready ? directory : ready.error().message;
  return probe;
}

Probe btf() {
  const bool ok = ::access("/sys/kernel/btf/vmlinux", R_OK) == 0;
  return {.name = "btf",
          .ok = ok,
          .required = false,
          .detail = ok ? "/sys/kernel/btf/vmlinux" : "the kernel does not describe its own types"};
}

void probe_kernel(PreflightReport& report) {
  auto& probes = report.probes;
  probes.push_back(program_type("sk_lookup", BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, "Linux 5.9"));
  probes.push_back(
      program_type("tc", BPF_PROG_TYPE_SCHED_CLS, BPF_CGROUP_INET_INGRESS, "CONFIG_NET_CLS_BPF"));
  probes.push_back(helper("bpf_loop", BPF_FUNC_loop, true, "Linux 5.17"));
  probes.push_back(helper("bpf_redirect_neigh", BPF_FUNC_redirect_neigh, true, "Linux 5.10"));
  probes.push_back(helper("bpf_redirect_peer", BPF_FUNC_redirect_peer, true, "Linux 5.10"));
  probes.push_back(tcx());
  report.tcx = probes.back().ok;
}

std::string sentence(const Probe& probe) { return probe.name + ": " + probe.detail; }

}  // namespace

PreflightReport run_preflight(const std::string& pin_directory) {
  LibbpfMessages messages;
  PreflightReport report;
  report.probes.push_back(capability("cap_bpf", CAP_BPF));
  report.probes.push_back(capability("cap_net_admin", CAP_NET_ADMIN));
  const bool permitted = report.probes[0].ok && report.probes[1].ok;
  // Without the capabilities every other answer would be "not permitted", which says nothing about
  // the kernel.
  if (permitted) {
    report.probes.push_back(bpffs(pin_directory));
    probe_kernel(report);
  }
  report.probes.push_back(btf());
  for (const Probe& probe : report.probes) {
    if (probe.required && !probe.ok && report.reason.empty()) report.reason = sentence(probe);
  }
  report.kernel_path = report.reason.empty();
  return report;
}

}  // namespace sluice::datapath
