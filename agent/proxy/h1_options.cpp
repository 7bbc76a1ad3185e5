// SPDX-License-Identifier: Apache-2.0
#include "agent/proxy/h1_options.hpp"

namespace sluice::proxy {

http::DesyncMode h1_mode(model::DesyncMode mode) {
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

http::H1Options h1_options(const http::H1Options& defaults, const snapshot::Listener* listener) {
  http::H1Options options = defaults;
  if (listener == nullptr) return options;
  if (listener->config.desync_mode) options.mode = h1_mode(*listener->config.desync_mode);
  if (listener->config.max_body_bytes) options.limits.body_bytes = *listener->config.max_body_bytes;
  return options;
}

}  // namespace sluice::proxy
