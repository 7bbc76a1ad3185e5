// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/clsact.hpp"

#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "agent/datapath/kernel_error.hpp"
#include "agent/net/netlink.hpp"

namespace sluice::datapath {
namespace {

// Low numbers are run first and are what other tools take by default; ours comes behind theirs.
constexpr std::uint32_t kPriority = 20942;
constexpr std::uint32_t kHandle = 0x51ce;

std::uint32_t parent_of(bool egress) {
  return TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
}

// The program's name of the filter under our priority and handle ("lb_ingress:[17]"); empty when
// there is none.
std::string filter_name(std::uint32_t ifindex, bool egress) {
  auto socket = net::NetlinkSocket::open(0);
  if (!socket) return {};
  tcmsg body{};
  body.tcm_family = AF_UNSPEC;
  body.tcm_ifindex = static_cast<int>(ifindex);
  body.tcm_parent = parent_of(egress);
  body.tcm_handle = kHandle;
  body.tcm_info = TC_H_MAKE(kPriority << 16, std::uint32_t{htons(ETH_P_ALL)});
  std::string name;
  const auto bytes = std::as_bytes(std::span(&body, 1));
  (void)socket->request(
      RTM_GETTFILTER, NLM_F_DUMP, bytes,
      [&](const nlmsghdr& header, std::span<const std::byte> message) {
        tcmsg filter{};
        if (header.nlmsg_type != RTM_NEWTFILTER || message.size() < sizeof filter) return;
        std::memcpy(&filter, message.data(), sizeof filter);
        if (filter.tcm_handle != kHandle || filter.tcm_info >> 16 != kPriority) return;
        const auto options =
            net::NetlinkAttributes(message.subspan(NLMSG_ALIGN(sizeof filter))).find(TCA_OPTIONS);
        name = net::netlink_text(net::NetlinkAttributes(options).find(TCA_BPF_NAME));
        if (name.empty()) name = "a filter without name";
      });
  return name;
}

bool is_ours(std::string_view name, bool egress) {
  return name.starts_with(egress ? "lb_egress" : "lb_ingress");
}

bpf_tc_hook hook_of(std::uint32_t ifindex, int attach_point) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = static_cast<int>(ifindex);
  hook.attach_point = static_cast<bpf_tc_attach_point>(attach_point);
  return hook;
}

bpf_tc_hook hook_of_side(std::uint32_t ifindex, bool egress) {
  return hook_of(ifindex, egress ? BPF_TC_EGRESS : BPF_TC_INGRESS);
}

bpf_tc_opts our_filter() {
  bpf_tc_opts options{};
  options.sz = sizeof options;
  options.handle = kHandle;
  options.priority = kPriority;
  return options;
}

Result<void> attach_side(std::uint32_t ifindex, int program, bool egress) {
  const std::string present = filter_name(ifindex, egress);
  if (!present.empty() && !is_ours(present, egress))
    return fail(ErrorCode::kUnavailable, "clsact: priority " + std::to_string(kPriority) +
                                             " is taken by " + present + ": remove that filter");
  bpf_tc_hook hook = hook_of_side(ifindex, egress);
  bpf_tc_opts options = our_filter();
  options.prog_fd = program;
  if (!present.empty()) options.flags = BPF_TC_F_REPLACE;
  if (const int result = bpf_tc_attach(&hook, &options); result < 0)
    return kernel_failure("clsact filter", result);
  return {};
}

void detach_side(std::uint32_t ifindex, bool egress) {
  if (!is_ours(filter_name(ifindex, egress), egress)) return;
  bpf_tc_hook hook = hook_of_side(ifindex, egress);
  bpf_tc_opts options = our_filter();
  (void)bpf_tc_detach(&hook, &options);
}

}  // namespace

Result<void> clsact_attach(std::uint32_t ifindex, int ingress_program, int egress_program) {
  bpf_tc_hook hook = hook_of(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
  if (const int result = bpf_tc_hook_create(&hook); result < 0 && result != -EEXIST)
    return kernel_failure("clsact qdisc", result);
  if (auto attached = attach_side(ifindex, ingress_program, false); !attached) return attached;
  auto attached = attach_side(ifindex, egress_program, true);
  if (!attached) detach_side(ifindex, false);
  return attached;
}

void clsact_detach(std::uint32_t ifindex) {
  detach_side(ifindex, false);
  detach_side(ifindex, true);
}

bool clsact_is_attached(std::uint32_t ifindex, bool egress) {
  return is_ours(filter_name(ifindex, egress), egress);
}

}  // namespace sluice::datapath
