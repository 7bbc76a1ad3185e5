// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/attacher.hpp"

#include <bpf/bpf.h>
#include <linux/if_arp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "agent/datapath/clsact.hpp"
#include "agent/datapath/kernel_error.hpp"

namespace sluice::datapath {
namespace {

// Linux 6.6; the headers that we build with do not know them.
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);
constexpr std::string_view kPinPrefix = "link_";

// The head of bpf_link_info, and the part of its union that a tcx link fills.
struct TcxLinkInfo {
  std::uint32_t type;
  std::uint32_t id;
  std::uint32_t program;
  std::uint32_t padding;
  std::uint32_t ifindex;  // 0 once the device is gone
  std::uint32_t attach_type;
};

struct Side {
  bpf_attach_type type;
  const char* suffix;
  int program;
};

std::array<Side, 2> sides(const TcPair& pair) {
  return {Side{kTcxIngress, "_ingress", pair.ingress}, Side{kTcxEgress, "_egress", pair.egress}};
}

std::string pin_name(std::uint32_t ifindex, const char* suffix) {
  return std::string(kPinPrefix) + std::to_string(ifindex) + suffix;
}

bool is_on(int link, std::uint32_t ifindex, bpf_attach_type type) {
  TcxLinkInfo info{};
  std::uint32_t size = sizeof info;
  return bpf_obj_get_info_by_fd(link, &info, &size) == 0 && info.ifindex == ifindex &&
         info.attach_type == static_cast<std::uint32_t>(type);
}

bool is_headerless(std::uint16_t type) {
  // GRE (ARPHRD_IPGRE) is not among them: it adds its header before egress programs run.
  constexpr std::array kTypes{ARPHRD_NONE, ARPHRD_TUNNEL, ARPHRD_TUNNEL6,
                              ARPHRD_SIT,  ARPHRD_PPP,    ARPHRD_RAWIP};
  return std::ranges::find(kTypes, int{type}) != kTypes.end();
}

bool matches(std::string_view name, std::string_view pattern) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return name == pattern;
}

}  // namespace

std::string not_eligible(const Link& link, const std::vector<std::string>& ignored) {
  if (link.loopback) return "loopback: connections of the node to itself stay in the request tier";
  if (std::ranges::any_of(ignored,
                          [&](const std::string& pattern) { return matches(link.name, pattern); }))
    return "ignored by configuration";
  // Packets of such a port come by again on its master, which has the addresses and routes. A pod's
  // veth is different: packets must be met, and can be delivered, right there.
  if (link.master != 0 && link.kind != "veth" && link.kind != "netkit")
    return "port of another interface, which is attached instead";
  if (link.type != ARPHRD_ETHER && !is_headerless(link.type))
    return "link type " + std::to_string(link.type) + " is neither Ethernet nor plain IP";
  return {};
}

Result<void> Attacher::attach_tcx(std::uint32_t ifindex, const TcPair& pair) {
  for (const Side& side : sides(pair)) {
    const std::string name = pin_name(ifindex, side.suffix);
    if (UniqueFd old = pins_.get(name)) {
      // Replacing the program inside the link leaves no moment without one.
      if (is_on(old.get(), ifindex, side.type) &&
          bpf_link_update(old.get(), side.program, nullptr) == 0)
        continue;
      pins_.remove(name);
    }
    UniqueFd link(bpf_link_create(side.program, static_cast<int>(ifindex), side.type, nullptr));
    if (link.get() < 0) return kernel_failure("tcx", link.get());
    if (auto pinned = pins_.pin(link.get(), name); !pinned) return pinned;
  }
  return {};
}

Result<AttachMode> Attacher::attach(const Link& link) {
  LibbpfMessages messages;
  const TcPair& pair = is_headerless(link.type) ? programs_.headerless : programs_.ethernet;
  std::string tcx_failure;
  if (tcx_) {
    auto attached = attach_tcx(link.index, pair);
    if (attached) {
      clsact_detach(
          link.index);  // of an agent that ran before a kernel upgrade, or with other options
      return AttachMode::kTcx;
    }
    tcx_failure = attached.error().message + "; ";
  }
  auto attached = clsact_attach(link.index, pair.ingress, pair.egress);
  if (!attached) {
    attached.error().message = tcx_failure + attached.error().message;
    return tl::unexpected(attached.error());
  }
  forget(link.index);
  return AttachMode::kClsact;
}

void Attacher::detach(std::uint32_t ifindex) {
  forget(ifindex);  // the pin is the last reference of a tcx link
  clsact_detach(ifindex);
}

void Attacher::forget(std::uint32_t ifindex) {
  for (const Side& side : sides({})) pins_.remove(pin_name(ifindex, side.suffix));
}

std::set<std::uint32_t> Attacher::pinned() const {
  std::set<std::uint32_t> result;
  for (const std::string& name : pins_.names()) {
    if (!name.starts_with(kPinPrefix)) continue;
    std::uint32_t index = 0;
    const char* end = name.data() + name.size();
    if (std::from_chars(name.data() + kPinPrefix.size(), end, index).ec == std::errc())
      result.insert(index);
  }
  return result;
}

}  // namespace sluice::datapath
