// SPDX-License-Identifier: Apache-2.0
// How strictly the requests of a listener are read: its own settings over the worker's. Called when a request begins.
// Thread: any. Invariants: pure.
#pragma once
#include "agent/http/h1_codec.hpp"
#include "agent/snapshot/snapshot.hpp"

namespace sluice::proxy {

[[nodiscard]] http::DesyncMode h1_mode(model::DesyncMode mode);

// `listener` may be null.
[[nodiscard]] http::H1Options h1_options(const http::H1Options& defaults,
                                         const snapshot::Listener* listener);

}  // namespace sluice::proxy
