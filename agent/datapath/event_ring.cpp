// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/event_ring.hpp"

#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>

#include "agent/datapath/kernel_error.hpp"

namespace sluice::datapath {
namespace {

struct RingDelete {
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

class LibbpfEventRing final : public EventRing {
 public:
  explicit LibbpfEventRing(Handler handler) : handler_(std::move(handler)) {}

  int start(int ring_fd) {
    ring_.reset(ring_buffer__new(ring_fd, &LibbpfEventRing::on_record, this, nullptr));
    return ring_ ? 0 : errno;
  }
  int epoll_fd() const override { return ring_buffer__epoll_fd(ring_.get()); }
  void consume() override { (void)ring_buffer__consume(ring_.get()); }

 private:
  static int on_record(void* context, void* data, std::size_t size) {
    // Records have one of three sizes; the payload is shorter than its record.
    lb_event event;
    if (size < sizeof event) return 0;
    std::memcpy(&event, data, sizeof event);
    if (event.length > size - sizeof event) return 0;
    const std::string_view payload(static_cast<const char*>(data) + sizeof event, event.length);
    static_cast<LibbpfEventRing*>(context)->handler_(event, payload);
    return 0;
  }

  Handler handler_;
  std::unique_ptr<ring_buffer, RingDelete> ring_;
};

}  // namespace

Result<std::unique_ptr<EventRing>> EventRing::open(int ring_fd, Handler handler) {
  LibbpfMessages messages;
  auto ring = std::make_unique<LibbpfEventRing>(std::move(handler));
  if (const int error = ring->start(ring_fd); error != 0)
    return kernel_failure("cannot read a worker's event ring", error);
  return std::unique_ptr<EventRing>(std::move(ring));
}

}  // namespace sluice::datapath
