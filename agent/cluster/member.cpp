// SPDX-License-Identifier: Apache-2.0
#include "agent/cluster/member.hpp"

#include <fmt/core.h>

#include <atomic>
#include <optional>
#include <random>
#include <sstream>
#include <thread>

#include "agent/base/log.hpp"
#include "agent/base/thread_role.hpp"
#include "agent/cluster/announcer.hpp"
#include "agent/cluster/programmed.hpp"
#include "agent/cluster/status_writer.hpp"

namespace sluice::cluster {
namespace {

constexpr char kNodePrefix[] = "sluice-node-";
constexpr char kElection[] = "sluice-status";
// Heartbeats of all nodes reach all others: not more often than it takes to notice a node's end in time for status.
constexpr std::chrono::seconds kNodeLease{15};
constexpr Milliseconds kNodeRenew{5'000};
constexpr std::chrono::seconds kElectionLease{6};
constexpr Milliseconds kElectionRenew{2'000};
constexpr Milliseconds kSettle{
    1'000};  // after an election: what the one before wrote may be on its way
constexpr Milliseconds kPatient{
    5'000};  // a Gateway that changes may be Programmed for so long as it was
constexpr Milliseconds kTurn{100};
constexpr Milliseconds kFarewell{1'000};

std::string identity_of(const std::string& node) {
  return fmt::format("{}/{:08x}", node, std::random_device{}());
}

std::string node_of(const std::string& identity) { return identity.substr(0, identity.find('/')); }

config::KubeResource leases_of(const std::string& name_space) {
  return {"coordination.k8s.io", {"v1"}, "leases", "Lease", false, name_space};
}

class ClusterMember final : public Member {
 public:
  ClusterMember(Options options, std::unique_ptr<config::KubeClient> client)
      : options_(std::move(options)),
        identity_(identity_of(options_.node)),
        client_(std::move(client)),
        watch_(leases_of(options_.name_space), {}, book_, std::random_device{}()) {
    thread_ = std::thread([this] { run(); });
  }
  ~ClusterMember() override {
    stop_ = true;
    client_->wake();
    if (thread_.joinable()) thread_.join();
  }

  void post(const config::StatusReport& report, std::set<std::string> broken,
            std::vector<std::string> touched) override;
  void leave(bool taken_over) override;
  [[nodiscard]] MemberStatus status() const override;

 private:
  void run();
  void take_news();
  void follow();
  void stand();
  void elect();
  void decide_all();
  void write();
  [[nodiscard]] Acknowledged agents() const;
  [[nodiscard]] std::set<IpAddress> to_announce() const;
  void say_goodbye();
  void publish_status();
  [[nodiscard]] std::string own_lease() const { return kNodePrefix + options_.node; }

  Options options_;
  std::string identity_;
  SteadyClock clock_;
  std::unique_ptr<config::KubeClient> client_;
  ApiCalls calls_{*client_};
  LeaseBook book_{clock_};
  config::KubeWatch watch_;
  LeaseClaims claims_{options_.name_space, clock_, book_, calls_};
  StatusWriter writer_{clock_, calls_};
  Announcer announcer_{options_.node, clock_, claims_};

  std::optional<config::StatusReport> report_;
  std::string words_;      // that this agent acknowledges
  bool counted_ = false;   // its lease was its own once
  bool replaced_ = false;  // by another agent of this node
  std::optional<TimePoint> elected_since_;
  bool decided_ = false;       // all that is known now is in the writer's wishes
  Acknowledged acknowledged_;  // as it was then
  std::map<std::string, TimePoint> waiting_since_;  // of Gateways that not all have in force

  std::atomic<bool> stop_{false};
  std::atomic<bool> taken_over_{false};
  std::thread thread_;

  mutable Mutex mutex_;
  std::optional<config::StatusReport> news_ LB_GUARDED_BY(mutex_);
  std::set<std::string> broken_ LB_GUARDED_BY(mutex_);
  std::vector<std::string> touched_ LB_GUARDED_BY(mutex_);
  MemberStatus status_ LB_GUARDED_BY(mutex_);
};

void ClusterMember::post(const config::StatusReport& report, std::set<std::string> broken,
                         std::vector<std::string> touched) {
  {
    const MutexLock lock(mutex_);
    news_ = report;
    broken_ = std::move(broken);
    touched_.insert(touched_.end(), std::make_move_iterator(touched.begin()),
                    std::make_move_iterator(touched.end()));
  }
  client_->wake();
}

void ClusterMember::leave(bool taken_over) {
  taken_over_ = taken_over;
  stop_ = true;
  client_->wake();
  if (thread_.joinable()) thread_.join();
}

MemberStatus ClusterMember::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

void ClusterMember::take_news() {
  std::vector<std::string> touched;
  {
    const MutexLock lock(mutex_);
    touched.swap(touched_);
    if (news_) {
      words_ = acknowledgements(*news_, broken_);
      report_ = std::move(*news_);
      decided_ = false;
      news_.reset();
    }
  }
  for (const std::string& path : touched) writer_.touched(path);
}

void ClusterMember::follow() {
  const auto path = watch_.next_request(clock_.now());
  if (!path) return;
  config::KubeClient::Request request;
  request.path = *path;
  request.limit = watch_.limit();
  request.compressed = watch_.phase() == config::KubeWatch::Phase::kList;
  client_->send(
      request, [this](std::string_view data) { return watch_.on_data(data, clock_.now()); },
      [this](const config::KubeReply& reply) {
        watch_.on_end(reply, clock_.now());
        book_.follow(watch_.health() == config::KubeWatch::Health::kSynced);
      });
}

// This agent's own lease: once taken, whoever takes it from us is the next agent of this node.
void ClusterMember::stand() {
  const Lease* const lease = book_.find(own_lease());
  const bool own = lease != nullptr && lease->holder == identity_;
  counted_ = counted_ || own;
  replaced_ = counted_ && lease != nullptr && !own && !book_.free(own_lease());
  if (replaced_) {
    claims_.drop(own_lease(), true);
    return;
  }
  claims_.want(own_lease(), {.holder = identity_,
                             .duration = kNodeLease,
                             .renew = kNodeRenew,
                             .patience = {},
                             .note = words_,
                             .by_force = !counted_});
}

void ClusterMember::elect() {
  if (replaced_) {
    claims_.drop(kElection);
    elected_since_.reset();
    return;
  }
  claims_.want(kElection, {.holder = identity_,
                           .duration = kElectionLease,
                           .renew = kElectionRenew,
                           .patience = Milliseconds(std::random_device{}() % 500),
                           .note = {}});
  // A lease that could not be renewed in time may be somebody else's by now.
  if (!claims_.holds(kElection) || book_.free(kElection)) {
    elected_since_.reset();
  } else if (!elected_since_) {
    elected_since_ = clock_.now();
    log::info("cluster", "this agent writes status");
  }
}

Acknowledged ClusterMember::agents() const {
  Acknowledged out;
  for (const std::string& node : book_.held(kNodePrefix)) {
    std::istringstream words(book_.find(kNodePrefix + node)->note);
    std::set<std::string>& each = out[node];
    for (std::string word; words >> word;) each.insert(word);
  }
  return out;
}

void ClusterMember::write() {
  if (!elected_since_ || clock_.now() - *elected_since_ < kSettle) {
    writer_.want({});
    decided_ = false;
    return;
  }
  Acknowledged acknowledged = agents();
  // Nothing is looked at again that cannot have changed: there may be thousands of routes.
  if (!decided_ || acknowledged != acknowledged_ || !waiting_since_.empty()) {
    acknowledged_ = std::move(acknowledged);
    decide_all();
    decided_ = true;
  }
  writer_.turn();
}

void ClusterMember::decide_all() {
  std::map<std::string, StatusWish> wishes;
  for (const auto& each : report_->classes) wishes[StatusWriter::path_of(each.target)] = each;
  for (const auto& each : report_->routes) wishes[StatusWriter::path_of(each.target)] = each;
  const auto grants = plan_addresses(report_->gateways, options_.pool);
  std::map<std::string, TimePoint> waiting;
  for (const config::GatewayStatus& gateway : report_->gateways) {
    const auto grant = grants.find(gateway.target.name_space + "/" + gateway.target.name);
    const bool own = gateway.target.kind == "Gateway" && grant != grants.end();
    Decision decision = decide(gateway, own ? grant->second : AddressGrant{}, acknowledged_);
    const std::string path = StatusWriter::path_of(gateway.target);
    bool patient = false;
    if (decision.waiting) {
      const auto since = waiting_since_.find(path);
      waiting[path] = since == waiting_since_.end() ? clock_.now() : since->second;
      patient = clock_.now() - waiting[path] < kPatient;
    }
    wishes[path] = GatewayWish{std::move(decision.status), patient};
  }
  waiting_since_ = std::move(waiting);
  writer_.want(std::move(wishes));
}

// Addresses of the pool: others are somebody else's to announce.
std::set<IpAddress> ClusterMember::to_announce() const {
  std::set<IpAddress> out;
  if (!options_.announce || replaced_) return out;
  for (const config::GatewayStatus& gateway : report_->gateways) {
    for (const auto& address : gateway.addresses) {
      const auto parsed = IpAddress::parse(address.value);
      if (parsed && options_.pool.contains(*parsed)) out.insert(*parsed);
    }
  }
  return out;
}

void ClusterMember::say_goodbye() {
  const bool keep = taken_over_ || replaced_;
  announcer_.stop(keep);
  claims_.drop(kElection);
  claims_.drop(own_lease(), keep);
  const TimePoint end = clock_.now() + kFarewell;
  while (calls_.under_way() > 0 && clock_.now() < end) client_->poll(kTurn);
}

void ClusterMember::publish_status() {
  MemberStatus next;
  next.writes_status = elected_since_.has_value();
  if (const Lease* const lease = book_.find(kElection);
      lease != nullptr && !book_.free(kElection)) {
    next.elected = node_of(lease->holder);
  }
  next.nodes = book_.held(kNodePrefix);
  next.written = writer_.writes();
  next.conflicts = calls_.conflicts();
  next.to_write = writer_.waiting();
  for (const IpAddress& address : announcer_.held()) next.addresses.insert(to_string(address));
  next.failures = calls_.failures();
  for (const auto& [resource, trouble] : calls_.troubles()) next.troubles.push_back(trouble);
  if (!watch_.trouble().empty()) next.troubles.push_back(watch_.trouble());
  for (const auto& [address, trouble] : announcer_.troubles()) {
    next.troubles.push_back(fmt::format("address {}: {}", to_string(address), trouble));
  }
  const MutexLock lock(mutex_);
  status_ = std::move(next);
}

void ClusterMember::run() {
  while (!stop_) {
    take_news();
    follow();
    if (report_ && watch_.synced()) {
      stand();
      elect();
      if (!replaced_) {
        announcer_.turn(to_announce(), book_.held(kNodePrefix));
      } else {
        announcer_.stop(true);
      }
      claims_.turn();
      write();
    }
    publish_status();
    client_->poll(kTurn);
  }
  say_goodbye();
}

}  // namespace

Result<std::unique_ptr<Member>> Member::open(Options options) {
  auto client = config::KubeClient::create(options.access);
  if (!client) return tl::unexpected(client.error());
  return std::make_unique<ClusterMember>(std::move(options), std::move(*client));
}

}  // namespace sluice::cluster
