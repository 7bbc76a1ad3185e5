// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster/announcer.hpp"

#include <algorithm>

#include "agent/base/hash.hpp"
#include "agent/base/log.hpp"
#include "agent/net/neighbour_news.hpp"

namespace sluice::cluster {
namespace {

// A node that dies is noticed after the first of these; the next one takes over in the tenths of a second after it.
constexpr std::chrono::seconds kLease{2};
constexpr Milliseconds kRenew{1'000};
constexpr Milliseconds kStep{200};  // that the second choice waits for the first
constexpr std::size_t kMostSteps = 4;
constexpr std::chrono::seconds kLent{4};
constexpr Milliseconds kLendAgain{800};
constexpr Milliseconds kLookAgain{1'000};
constexpr Milliseconds kTellAgain{250};  // doubled each time
constexpr Milliseconds kTellLast{2'000};

std::string lease_of(const IpAddress& address) {
  std::string name = "sluice-address-" + to_string(address);
  std::ranges::replace(name, ':', '-');
  if (name.ends_with('-')) name += '0';
  return name;
}

}  // namespace

// So that addresses spread over nodes, and each node knows its turn without asking.
Milliseconds Announcer::patience(const std::string& lease,
                                 const std::set<std::string>& nodes) const {
  const std::uint64_t own = fnv1a(node_, fnv1a(lease));
  std::size_t before = 0;
  for (const std::string& node : nodes) {
    if (node != node_ && fnv1a(node, fnv1a(lease)) < own) ++before;
  }
  return kStep * std::min(before, kMostSteps);
}

void Announcer::trouble(const IpAddress& address, const std::string& text) {
  std::string& known = troubles_[address];
  if (known != text) log::warn("cluster", "address {}: {}", to_string(address), text);
  known = text;
}

void Announcer::look_at_links(TimePoint now) {
  if (!local_) {
    auto opened = net::LocalAddresses::open();
    if (!opened) return;
    local_.emplace(std::move(*opened));
  }
  if (looked_ != TimePoint{} && now - looked_ < kLookAgain) return;
  looked_ = now;
  if (auto there = local_->list()) there_ = std::move(*there);
}

void Announcer::turn(const std::set<IpAddress>& addresses, const std::set<std::string>& nodes) {
  const TimePoint now = clock_.now();
  look_at_links(now);
  std::set<std::string> wanted;
  for (const IpAddress& address : addresses) {
    const std::string name = lease_of(address);
    const std::uint32_t link = net::link_of(there_, address);
    if (link == 0) {
      trouble(address, "no interface of this node has a subnet that it belongs to");
      continue;
    }
    wanted.insert(name);
    claims_.want(name, {.holder = node_,
                        .duration = kLease,
                        .renew = kRenew,
                        .patience = patience(name, nodes),
                        .note = {}});
    if (claims_.holds(name)) {
      hold(address, link, now);
    } else if (held_.contains(address)) {
      let_go(address);
    }
  }
  for (const std::string& name : claims_.names("sluice-address-")) {
    if (!wanted.contains(name)) claims_.drop(name);
  }
  for (auto at = held_.begin(); at != held_.end();) {
    const IpAddress address = (at++)->first;
    if (!wanted.contains(lease_of(address))) let_go(address);
  }
  std::erase_if(troubles_,
                [&addresses](const auto& each) { return !addresses.contains(each.first); });
}

void Announcer::hold(const IpAddress& address, std::uint32_t link, TimePoint now) {
  const auto [place, added] = held_.try_emplace(address);
  Held& held = place->second;
  if (added || held.link != link) {
    held = {link, {}, now, kTellAgain};
    log::info("cluster", "this node answers for the address {}", to_string(address));
  }
  if (held.lent == TimePoint{} || now - held.lent >= kLendAgain) {
    if (auto lent = local_->lend(address, link, kLent); !lent) {
      trouble(address, lent.error().message);
      return;
    }
    held.lent = now;
  }
  if (held.pause.count() != 0 && now >= held.tell) {
    held.tell = now + held.pause;
    held.pause = held.pause < kTellLast ? 2 * held.pause : Milliseconds(0);
    if (auto told = net::tell_neighbours(address, link); !told) {
      trouble(address, told.error().message);
      return;
    }
  }
  troubles_.erase(address);
}

void Announcer::let_go(const IpAddress& address) {
  const auto found = held_.find(address);
  log::info("cluster", "this node does not answer for the address {} any more", to_string(address));
  if (auto done = local_->take_back(address, found->second.link); !done) {
    log::warn("cluster", "address {}: {}", to_string(address), done.error().message);
  }
  held_.erase(found);
}

void Announcer::stop(bool keep) {
  for (const std::string& name : claims_.names("sluice-address-")) claims_.drop(name, keep);
  while (!keep && !held_.empty()) let_go(held_.begin()->first);
  held_.clear();
}

std::set<IpAddress> Announcer::held() const {
  std::set<IpAddress> out;
  for (const auto& [address, held] : held_) out.insert(address);
  return out;
}

}  // namespace sluice::cluster
