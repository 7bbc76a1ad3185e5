// SPDX-License-Identifier: Apache-2.0
// Promotable: what a downstream that is one plain TCP connection offers beside being a downstream, so that the kernel
// may take the connection over. A downstream that shares its connection or encrypts it has none.
// Callers: Stream. Thread: worker.
#pragma once
#include <cstdint>
#include <string_view>

#include "agent/proxy/channel.hpp"

namespace sluice::proxy {

class Promotable {
 public:
  [[nodiscard]] virtual Channel& channel() = 0;
  // The request as it came, from its first byte to the last one read; ends with the next pull.
  [[nodiscard]] virtual std::string_view request_bytes() const = 0;
  // Number of this request on the connection; 1 = first.
  [[nodiscard]] virtual std::uint64_t requests() const = 0;
  // The client has sent something behind a request before that was answered.
  [[nodiscard]] virtual bool pipelined() const = 0;
  // Whether to offer the request to the kernel path at all.
  [[nodiscard]] virtual bool may_be_offered() const = 0;
  virtual void offer_refused() = 0;
  virtual void handed_over() = 0;  // the kernel has the connection; its socket is gone

 protected:
  ~Promotable() = default;
};

}  // namespace sluice::proxy
