// SPDX-License-Identifier: Apache-2.0
// KernelPath: everything that exists only where BPF may be used: the datapath, the division of slots and ports among
// workers, the sockets that sk_lookup assigns, and the picture of interfaces that workers steer by.
// Thread: main, except steering_factory()'s result, which runs on worker threads.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/app/options.hpp"
#include "agent/base/error.hpp"
#include "agent/base/thread_role.hpp"
#include "agent/datapath/datapath.hpp"
#include "agent/proxy/worker.hpp"
#include "agent/snapshot/snapshot.hpp"
#include "agent/steer/paths.hpp"
#include "agent/steer/slot_pool.hpp"
#include "agent/steer/worker_steering.hpp"

namespace sluice::app {

class KernelPath {
 public:
  // Loads and attaches; the flows of an earlier agent are kept and divided among the new workers.
  // `client_descriptors`: as WorkerOptions has it, for connections that come back.
  static Result<std::unique_ptr<KernelPath>> open(const Options& options,
                                                  std::uint32_t client_descriptors);
  ~KernelPath();

  [[nodiscard]] proxy::Worker::SteeringFactory steering_factory(std::uint32_t worker);
  // Listening sockets for sk_lookup to assign, one for each family. They are bound to loopback only and serve whatever
  // local address lb_sk_lookup says. `inherited`: those of an earlier agent's workers by family, used where there is
  // one for this worker.
  struct Inherited {
    std::vector<UniqueFd> v4;
    std::vector<UniqueFd> v6;
  };
  struct MadeSocket {
    UniqueFd fd;
    bool inherited = false;
  };
  Result<std::vector<MadeSocket>> make_worker_sockets(std::uint32_t worker, Inherited& inherited);
  // The sockets by family, for the next agent; one for each worker.
  [[nodiscard]] std::vector<int> worker_sockets(int family) const;
  // This process accepts no more: only the workers keep their sockets.
  void forget_worker_sockets() { sockets_.clear(); }
  // Another agent may have flows, slots and pins; all workers have retired their steering.
  void release();
  // The listener map becomes what the snapshot wants.
  Result<void> publish(const snapshot::SnapshotPtr& snapshot);

  [[nodiscard]] bool released() const { return released_; }
  [[nodiscard]] int links_fd() const { return datapath_->links_fd(); }
  void on_links();

  [[nodiscard]] const datapath::Datapath& datapath() const { return *datapath_; }
  [[nodiscard]] std::span<lb_slot> slots() { return datapath_->flows().slots(); }
  [[nodiscard]] std::uint64_t adopted() const { return adopted_; }

 private:
  struct Handle {
    steer::WorkerSteering* steering = nullptr;
    net::Reactor* reactor = nullptr;
  };

  KernelPath(const Options& options, std::uint32_t client_descriptors);
  void refresh_paths();
  void time_clusters(const snapshot::Snapshot& snapshot);
  void adopt();
  std::unique_ptr<proxy::Steering> make_steering(std::uint32_t worker, net::Reactor& reactor);

  Options options_;
  std::uint32_t client_descriptors_;
  std::unique_ptr<datapath::Datapath> datapath_;
  std::vector<steer::PortRange> ports_;
  std::vector<steer::SlotShare> shares_;  // by worker; taken by its steering
  std::uint64_t adopted_ = 0;
  struct WorkerSocket {
    int family = 0;
    UniqueFd fd;  // a duplicate
  };
  std::vector<WorkerSocket> sockets_;
  bool clients_speak_first_ = true;  // on all listeners
  bool released_ = false;
  std::uint16_t largest_mss4_ = 0;  // ever promised by a handshake
  std::uint16_t largest_mss6_ = 0;
  std::uint16_t mss4_ = 0;  // promised now
  std::uint16_t mss6_ = 0;
  snapshot::SnapshotPtr published_;

  Mutex mutex_;
  std::vector<Handle> handles_ LB_GUARDED_BY(mutex_);
  steer::PathsPtr paths_ LB_GUARDED_BY(mutex_);
};

}  // namespace sluice::app
