// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/tracking.hpp"

#include <algorithm>

#include "agent/datapath/flow_table.hpp"
#include "agent/steer/slot_state.hpp"

namespace sluice::steer {
namespace {

constexpr std::uint32_t kLargestField = 65'535;

std::uint8_t scale(std::uint8_t has, std::uint8_t value) {
  return has != 0 ? value : std::uint8_t{0};
}

// The window that a receiver was shown: lb_tc translates the other leg's field from scale `from` to `to`, and a field
// has 16 bits.
std::uint32_t shown_window(std::uint32_t field, std::uint8_t from, std::uint8_t to) {
  return std::min((field << from) >> to, kLargestField) << to;
}

}  // namespace

Tracking read_tracking(lb_slot& slot) {
  lb_track& client = slot.track[LB_TO_POD];
  lb_track& pod = slot.track[LB_TO_CLIENT];
  Tracking out;
  out.client_end = read_ordered(client.end);
  out.client_ack = read_ordered(client.ack);
  out.client_window = read_ordered(client.window);
  out.pod_end = read_ordered(pod.end);
  out.pod_ack = read_ordered(pod.ack);
  out.pod_window = read_ordered(pod.window);
  out.answered =
      read_ordered(slot.last_direction) == LB_TO_CLIENT && read_ordered(slot.interim) == 0;
  out.open = is_movable(slot) && read_ordered(slot.hold) == 0 &&
             (read_ordered(slot.pipelined) == 0 || read_ordered(slot.force) != 0);
  return out;
}

bool is_quiescent(const lb_slot& slot, const Tracking& tracking) {
  return tracking.open && tracking.answered &&
         tracking.client_end + slot.seq_delta == tracking.pod_ack &&
         tracking.client_ack + slot.ack_delta == tracking.pod_end;
}

bool is_movable(lb_slot& slot) {
  return read_ordered(slot.fin[LB_TO_POD]) == 0 && read_ordered(slot.fin[LB_TO_CLIENT]) == 0 &&
         read_ordered(slot.reset) == 0 && read_ordered(slot.tunnel) == 0;
}

bool shows_client(const lb_slot& slot) {
  return datapath::destination_of(slot.pod).ip == datapath::source_of(slot.client).ip;
}

net::TcpImage client_image(const lb_slot& slot, const Boundary& at, std::uint32_t input) {
  const std::uint8_t send = scale(slot.client_has_wscale, slot.client_wscale_send);
  const std::uint8_t receive = scale(slot.client_has_wscale, slot.client_wscale_receive);
  net::TcpImage image;
  image.local = datapath::destination_of(slot.client);
  image.remote = datapath::source_of(slot.client);
  image.next_send = at.client_ack;
  image.next_receive = at.client_next + input;
  image.acknowledged = at.client_next;
  image.window_send = at.client_window << send;
  image.window_receive =
      shown_window(at.pod_window, scale(slot.pod_has_wscale, slot.pod_wscale_send), receive);
  image.mss = slot.client_mss;
  image.wscale_send = send;
  image.wscale_receive = receive;
  image.has_sack = slot.client_has_sack != 0;
  return image;
}

net::TcpImage endpoint_image(const lb_slot& slot, const Boundary& at) {
  const std::uint8_t send = scale(slot.pod_has_wscale, slot.pod_wscale_send);
  const std::uint8_t receive = scale(slot.pod_has_wscale, slot.pod_wscale_receive);
  net::TcpImage image;
  image.local = datapath::destination_of(slot.pod);
  image.remote = datapath::source_of(slot.pod);
  image.next_send = at.client_next + slot.seq_delta;
  image.next_receive = at.client_ack + slot.ack_delta;
  image.acknowledged = image.next_receive;
  image.window_send = at.pod_window << send;
  image.window_receive = shown_window(
      at.client_window, scale(slot.client_has_wscale, slot.client_wscale_send), receive);
  image.mss = slot.pod_mss;
  image.wscale_send = send;
  image.wscale_receive = receive;
  image.has_sack = slot.pod_has_sack != 0;
  return image;
}

}  // namespace sluice::steer
