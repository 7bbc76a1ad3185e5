// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster/lease_book.hpp"

#include <algorithm>

namespace sluice::cluster {

void LeaseBook::changed(const config::KubeResource&, config::ApiObject object) {
  auto lease = read_lease(object.text, object.resource_version);
  if (lease) note(std::move(*lease));
}

void LeaseBook::removed(const config::KubeResource&, const std::string&, const std::string& name) {
  entries_.erase(name);
}

void LeaseBook::note(Lease lease) {
  const auto [place, added] = entries_.try_emplace(lease.name);
  // A list that was asked for again brings what is known already: that is no sign of life.
  if (!added && place->second.lease.version == lease.version) return;
  place->second = {std::move(lease), clock_.now()};
}

void LeaseBook::follow(bool told) {
  if (told && !told_) since_ = clock_.now();
  told_ = told;
}

const Lease* LeaseBook::find(const std::string& name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second.lease;
}

bool LeaseBook::free(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.lease.holder.empty()) return true;
  const Entry& entry = found->second;
  return told_ && clock_.now() - std::max(entry.seen, since_) >= entry.lease.duration;
}

std::set<std::string> LeaseBook::held(const std::string& prefix) const {
  std::set<std::string> out;
  for (auto at = entries_.lower_bound(prefix);
       at != entries_.end() && at->first.starts_with(prefix); ++at) {
    if (!free(at->first)) out.insert(at->first.substr(prefix.size()));
  }
  return out;
}

}  // namespace sluice::cluster
