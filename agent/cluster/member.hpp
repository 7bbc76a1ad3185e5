// SPDX-License-Identifier: Apache-2.0
// Member: this agent among those of its cluster. It shows by a lease that it is there and what it has in force; one of
// all, elected by another lease, gives Gateways their addresses and writes status; and each address is answered for by
// one node (docs/adr/0006). In a thread of its own: nothing here holds up configuration or traffic.
// Owned by ConfigFeed. Thread: main, status() any.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/cluster/address_pool.hpp"
#include "agent/config/source/kube_access.hpp"
#include "agent/config/status.hpp"

namespace sluice::cluster {

struct MemberStatus {
  bool writes_status = false;                     // it is the elected one
  std::string elected;                            // the node that is; empty: nobody
  std::set<std::string> nodes;                    // with a ready agent
  std::uint64_t written = 0;                      // statuses
  std::uint64_t conflicts = 0;                    // writes that somebody else was quicker with
  std::uint64_t to_write = 0;                     // objects still to be looked at
  std::set<std::string> addresses;                // that this node answers for
  std::map<std::string, std::uint64_t> failures;  // of requests, by resource
  std::vector<std::string> troubles;              // in words, with what to do
};

class Member {
 public:
  struct Options {
    config::KubeAccess access;
    std::string name_space;
    std::string node;
    AddressPool pool;
    bool announce = true;
  };

  static Result<std::unique_ptr<Member>> open(Options options);
  virtual ~Member() = default;

  // What is in force now. `broken`: Gateways that this agent cannot serve, "namespace/name". `touched`: objects that
  // changed, by ObjectText::path. The first call makes this agent one that counts.
  virtual void post(const config::StatusReport& report, std::set<std::string> broken,
                    std::vector<std::string> touched) = 0;
  // Gives up what it holds, or leaves it to another agent of this node that has taken over. Returns when that is done,
  // at most a second later. Nothing is to be posted after it.
  virtual void leave(bool taken_over) = 0;
  [[nodiscard]] virtual MemberStatus status() const = 0;
};

}  // namespace sluice::cluster
