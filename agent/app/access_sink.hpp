// SPDX-License-Identifier: Apache-2.0
// AccessSink: one worker's way from the proxy's records to the access log. Made by the Supervisor, one a worker.
// Thread: worker. Invariants: never waits; no allocation once warm.
#pragma once
#include <string>

#include "agent/proxy/access_record.hpp"
#include "agent/telemetry/access_log.hpp"

namespace sluice::app {

class AccessSink final : public proxy::AccessSink {
 public:
  // The lane outlives it.
  explicit AccessSink(telemetry::AccessLane& lane) : lane_(lane) {}

  [[nodiscard]] bool wants() override { return lane_.sampled(); }
  void record(const proxy::AccessRecord& record) override;
  void record(const proxy::CarriedRecord& record) override;

 private:
  telemetry::AccessLane& lane_;
  std::string route_;
};

}  // namespace sluice::app
