// SPDX-License-Identifier: Apache-2.0
// LeaseBook: the leases of the agents' namespace as the API server tells of them, each with the time at which this
// process saw it change. Clocks of other nodes do not matter: a lease runs out when it was not seen to change for as
// long as it says, while the server was there to tell. Owned by Member. Thread: cluster.
#pragma once
#include <map>
#include <set>
#include <string>

#include "agent/base/clock.hpp"
#include "agent/cluster/lease.hpp"
#include "agent/config/source/kube_watch.hpp"

namespace sluice::cluster {

class LeaseBook final : public config::KubeSink {
 public:
  explicit LeaseBook(const Clock& clock) : clock_(clock) {}

  void changed(const config::KubeResource& resource, config::ApiObject object) override;
  void removed(const config::KubeResource& resource, const std::string& name_space,
               const std::string& name) override;
  void synced(const config::KubeResource&) override {}

  // What a write of one's own was answered with.
  void note(Lease lease);
  // Whether the server tells of changes. While it does not, nothing runs out; after that everything gets its time anew.
  void follow(bool told);

  [[nodiscard]] const Lease* find(const std::string& name) const;
  // Nobody holds it, or whoever does has not renewed it.
  [[nodiscard]] bool free(const std::string& name) const;
  // Names without the prefix of leases that are held.
  [[nodiscard]] std::set<std::string> held(const std::string& prefix) const;

 private:
  struct Entry {
    Lease lease;
    TimePoint seen;
  };

  const Clock& clock_;
  bool told_ = true;
  TimePoint since_{};
  std::map<std::string, Entry> entries_;
};

}  // namespace sluice::cluster
