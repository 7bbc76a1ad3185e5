// SPDX-License-Identifier: Apache-2.0
// What the command line means for workers and for a generation. Called by the Supervisor. Thread: main.
// Invariants: pure.
#pragma once
#include "agent/app/options.hpp"
#include "agent/proxy/worker.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::app {

void apply(const HttpOptions& from, proxy::WorkerOptions& to);
void apply(const HttpOptions& from, snapshot::BuildOptions& to);

}  // namespace sluice::app
