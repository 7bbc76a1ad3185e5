// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster/lease_claims.hpp"

#include <fmt/core.h>

namespace sluice::cluster {
namespace {

constexpr char kLeases[] = "leases.coordination.k8s.io";
constexpr Milliseconds kSoonest{1'000};  // between two writes of one lease
constexpr Milliseconds kAgain{300};      // after one that failed
constexpr std::chrono::seconds kPatience{2};

}  // namespace

std::string LeaseClaims::path_of(const std::string& name) const {
  return fmt::format("/apis/coordination.k8s.io/v1/namespaces/{}/leases{}{}", name_space_,
                     name.empty() ? "" : "/", name);
}

void LeaseClaims::want(const std::string& name, Claim claim) {
  states_[name].claim = std::move(claim);
}

bool LeaseClaims::holds(const std::string& name) const {
  const auto state = states_.find(name);
  const Lease* const lease = book_.find(name);
  return state != states_.end() && lease != nullptr && lease->holder == state->second.claim.holder;
}

std::set<std::string> LeaseClaims::names(const std::string& prefix) const {
  std::set<std::string> out;
  for (auto at = states_.lower_bound(prefix); at != states_.end() && at->first.starts_with(prefix);
       ++at) {
    out.insert(at->first);
  }
  return out;
}

void LeaseClaims::drop(const std::string& name, bool keep) {
  const bool held = holds(name);
  if (states_.erase(name) == 0 || keep || !held) return;
  config::KubeClient::Request request;
  request.path = path_of(name);
  request.method = "DELETE";
  request.limit = kPatience;
  request.content_type = "application/json";
  request.body = fmt::format(
      R"({{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{{"resourceVersion":"{}"}}}})",
      book_.find(name)->version);
  calls_.call(kLeases, std::move(request), [](const config::KubeReply&, const std::string&) {});
}

void LeaseClaims::turn() {
  const TimePoint now = clock_.now();
  for (auto& [name, state] : states_) {
    if (state.busy || now < state.not_before) continue;
    const Lease* const lease = book_.find(name);
    const Claim& claim = state.claim;
    if (lease != nullptr && lease->holder == claim.holder) {
      const bool news = lease->note != claim.note;
      const bool due = !state.renewed || now - state.written >= claim.renew;
      if (due || (news && now - state.written >= kSoonest)) write(name, state, *lease);
    } else if (!claim.by_force && !book_.free(name)) {
      state.free_since.reset();
    } else {
      if (!state.free_since) state.free_since = now;
      if (!claim.by_force && now - *state.free_since < claim.patience) continue;
      Lease wanted = lease == nullptr ? Lease{} : *lease;
      wanted.name = name;
      wanted.acquired.clear();
      wanted.transitions += lease == nullptr ? 0 : 1;
      write(name, state, std::move(wanted));
    }
  }
}

void LeaseClaims::write(const std::string& name, State& state, Lease lease) {
  lease.holder = state.claim.holder;
  lease.duration = state.claim.duration;
  lease.note = state.claim.note;
  state.busy = true;
  state.written = clock_.now();
  config::KubeClient::Request request;
  const bool first = lease.version.empty();
  request.path = path_of(first ? "" : name);
  request.method = first ? "POST" : "PUT";
  request.content_type = "application/json";
  request.limit = kPatience;
  request.body = lease_text(lease, name_space_, std::chrono::system_clock::now());
  calls_.call(kLeases, std::move(request),
              [this, name](const config::KubeReply& reply, const std::string& text) {
                const auto found = states_.find(name);
                if (found != states_.end()) found->second.busy = false;
                if (succeeded(reply)) {
                  if (auto written = read_lease(text)) book_.note(std::move(*written));
                  if (found != states_.end()) found->second.renewed = true;
                  return;
                }
                if (found == states_.end()) return;
                found->second.renewed = false;
                found->second.not_before = clock_.now() + std::max(kAgain, reply.retry_after);
              });
}

}  // namespace sluice::cluster
