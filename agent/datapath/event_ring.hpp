// SPDX-License-Identifier: Apache-2.0
// EventRing: reads one worker's ring of lb_event records. Thread: the worker that owns it.
#pragma once
#include <functional>
#include <memory>
#include <string_view>

#include "agent/base/error.hpp"
#include "bpf/abi/event.h"

namespace sluice::datapath {

class EventRing {
 public:
  // `payload` views the ring itself: read-only, valid during the call.
  using Handler = std::function<void(const lb_event& event, std::string_view payload)>;

  static Result<std::unique_ptr<EventRing>> open(int ring_fd, Handler handler);
  virtual ~EventRing() = default;
  [[nodiscard]] virtual int epoll_fd() const = 0;
  virtual void consume() = 0;  // all records that are there now
};

}  // namespace sluice::datapath
