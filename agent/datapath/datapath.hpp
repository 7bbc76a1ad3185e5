// SPDX-License-Identifier: Apache-2.0
// Datapath: owns all BPF objects: loads the skeletons against the pinned maps, attaches lb_tc to
// the interfaces as they come and go, keeps listeners and worker sockets. Destroying it leaves TC
// programs, flows and slots in place (steered connections go on); detach_all() removes everything.
// Thread: main, except flows() whose calls are safe from any thread.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/ip_address.hpp"
#include "agent/datapath/flow_table.hpp"
#include "bpf/abi/counters.h"
#include "bpf/abi/first_byte.h"

namespace sluice::datapath {

struct DatapathOptions {
  std::string pin_directory;  // on a bpffs
  std::uint32_t workers = 1;
  std::uint32_t max_steered = 16384;  // slots; flows are twice that
  std::uint16_t upstream_port_first = 15000;
  std::uint16_t upstream_port_last = 29999;
  std::vector<std::string> ignore_interfaces;  // names, or prefixes ending in '*'
  bool prefer_tcx = true;
};

struct ListenerEntry {
  std::optional<IpAddress> bind{};  // nullopt = every local address
  std::uint16_t port = 0;
  bool steer = false;
  std::uint16_t mss4 = 0;  // 0 = no cap
  std::uint16_t mss6 = 0;

  bool operator==(const ListenerEntry&) const = default;
};

enum class AttachMode { kTcx, kClsact, kNone };

struct InterfaceStatus {
  std::string name;
  std::uint32_t index = 0;
  std::uint32_t mtu = 0;
  AttachMode mode = AttachMode::kNone;
  // A veth or netkit whose other end is in another namespace, and no route leads on behind it: that end is a pod.
  bool peer_redirect = false;
  std::string reason;  // with kNone: why
};

struct MapFill {
  std::string name;
  std::uint64_t used = 0;  // best effort where the kernel keeps no count
  std::uint64_t capacity = 0;
};

class Datapath {
 public:
  static Result<std::unique_ptr<Datapath>> open(DatapathOptions options);
  virtual ~Datapath() = default;

  [[nodiscard]] virtual FlowTable& flows() = 0;

  // A listening TCP socket of worker `index`; one for each family, or one that is dual stack.
  virtual Result<void> set_worker_socket(std::uint32_t index, int fd) = 0;
  // Makes the listener map equal to `wanted`: additions and changes first, then removals.
  virtual Result<void> sync_listeners(const std::vector<ListenerEntry>& wanted) = 0;

  // How long steered requests wait for the first byte of their answer is counted for these clusters (lb_slot::cluster),
  // and for others as long as a connection to them is steered. What was counted outlives the agent.
  virtual void time_clusters(const std::set<std::uint64_t>& clusters) = 0;
  [[nodiscard]] virtual std::map<std::uint64_t, lb_first_byte> first_bytes() const = 0;

  // Netlink: readable when links changed; then call poll_links(), which attaches to what is new.
  [[nodiscard]] virtual int links_fd() const = 0;
  virtual void poll_links() = 0;
  [[nodiscard]] virtual std::vector<InterfaceStatus> interfaces() const = 0;

  [[nodiscard]] virtual std::array<std::uint64_t, LB_COUNTER_MAX> counters() const = 0;
  [[nodiscard]] virtual std::vector<MapFill> map_fill() const = 0;
  // The sk_lookup program's link: whoever holds it keeps the program attached, also when this process is gone.
  [[nodiscard]] virtual int lookup_link() const = 0;
  // Lets another agent have the pin directory. From then on nothing may be changed through this object.
  virtual void release_pins() = 0;
  // Removes programs, pins and entries: an uninstall, not a restart.
  virtual void detach_all() = 0;
};

}  // namespace sluice::datapath
