// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/h1_options.hpp"

namespace sluice::proxy {
namespace {

http::DesyncMode mode_of(model::DesyncMode mode) {
  switch (mode) {
    case model::DesyncMode::kMonitor:
      return http::DesyncMode::kMonitor;
    case model::DesyncMode::kStrictest:
      return http::DesyncMode::kStrictest;
    case model::DesyncMode::kDefensive:
      break;
  }
  return http::DesyncMode::kDefensive;
}

}  // namespace

http::H1Options h1_options(const http::H1Options& defaults, const snapshot::Listener* listener) {
  http::H1Options options = defaults;
  if (listener == nullptr) return options;
  if (listener->config.desync_mode) options.mode = mode_of(*listener->config.desync_mode);
  if (listener->config.max_body_bytes) options.limits.body_bytes = *listener->config.max_body_bytes;
  return options;
}

}  // namespace sluice::proxy
