// SPDX-License-Identifier: Apache-2.0
#include "agent/steer/hand_over.hpp"

#include <algorithm>
#include <cstring>

#include "agent/datapath/flow_table.hpp"

namespace sluice::steer {
namespace {

using proxy::Refusal;

constexpr std::uint32_t kMaxWindowField = 65535;

std::uint8_t scale(bool has, std::uint8_t value) { return has ? value : std::uint8_t{0}; }

std::uint8_t forward_to(const Paths& paths, std::uint32_t ifindex) {
  const auto found = paths.by_index.find(ifindex);
  const bool peer = found != paths.by_index.end() && found->second.peer_redirect;
  return peer ? LB_FORWARD_PEER : LB_FORWARD_NEIGH;
}

void fill_slot(const Leg& client, const Leg& upstream, std::uint32_t request, lb_slot& slot) {
  slot.track[LB_TO_POD] = {
      client.next_receive + request,
      client.next_send,
      client.tcp.window_send >> scale(client.tcp.has_wscale, client.tcp.wscale_send),
      0,
      0,
      0};
  slot.track[LB_TO_CLIENT] = {
      upstream.next_receive,
      upstream.next_send,
      upstream.tcp.window_send >> scale(upstream.tcp.has_wscale, upstream.tcp.wscale_send),
      0,
      0,
      0};
  slot.last_direction = LB_TO_POD;
  slot.turns = 1;
  std::memset(slot.fin, 0, sizeof slot.fin);
  std::memset(slot.fin_acked, 0, sizeof slot.fin_acked);
  slot.reset = slot.interim = slot.tunnel = 0;
  slot.hold = 1;  // until it is known that the client still holds the request
  slot.hold_ack = upstream.next_send + request;
  slot.request_window = std::min(
      client.tcp.window_send >> scale(upstream.tcp.has_wscale, upstream.tcp.wscale_receive),
      kMaxWindowField);
  slot.client_mss = static_cast<std::uint16_t>(std::min(client.tcp.mss_send, kMaxWindowField));
  slot.pod_mss = static_cast<std::uint16_t>(std::min(upstream.tcp.mss_send, kMaxWindowField));
  slot.client_wscale_send = client.tcp.wscale_send;
  slot.client_wscale_receive = client.tcp.wscale_receive;
  slot.pod_wscale_send = upstream.tcp.wscale_send;
  slot.pod_wscale_receive = upstream.tcp.wscale_receive;
  slot.client_has_wscale = client.tcp.has_wscale ? 1 : 0;
  slot.pod_has_wscale = upstream.tcp.has_wscale ? 1 : 0;
  slot.client_has_sack = client.tcp.has_sack ? 1 : 0;
  slot.pod_has_sack = upstream.tcp.has_sack ? 1 : 0;
  slot.client_ifindex = client.handshake.ifindex;
  slot.pod_ifindex = upstream.handshake.ifindex;
  slot.pushed = 1;  // the request is complete: what follows within its turn is another one
  slot.pipelined = slot.force = 0;
  slot.ended_reason = 0;
  slot.first_byte = 0;
  std::memset(slot.retransmissions, 0, sizeof slot.retransmissions);
}

// TCP_MAXSEG caps what the agent sends as well as what it announces. Where it did, the socket no longer says what the
// pod itself would take; its SYN-ACK did.
std::uint32_t segment_taken_by(const Leg& upstream) {
  if (upstream.mss_cap == 0 || upstream.tcp.mss_send < upstream.mss_cap ||
      upstream.handshake.mss == 0) {
    return upstream.tcp.mss_send;
  }
  return upstream.handshake.mss;
}

}  // namespace

void correct_restored(Leg& client) {
  if (client.handshake.mss == 0) return;
  client.tcp.mss_send = client.handshake.mss;
  client.tcp.mss_advertised = kMaxWindowField;
}

std::optional<Refusal> refusal_of(const Leg& client, const Leg& upstream, std::size_t request_bytes,
                                  std::uint16_t promised_mss) {
  // One program translates addresses, not families (RFC 7915 would need other headers).
  if (client.remote.ip.is_v4() != upstream.remote.ip.is_v4()) return Refusal::kNoPath;
  if (!client.tcp.established || client.tcp.timestamps || client.tcp.ecn)
    return Refusal::kClientState;
  if (!upstream.tcp.established || upstream.tcp.timestamps || upstream.tcp.ecn ||
      upstream.tcp.unacked != 0 || upstream.tcp.not_sent != 0) {
    return Refusal::kUpstreamState;
  }
  if ((client.handshake.flags & LB_LEG_CLEAN) == 0) return Refusal::kClientState;
  if ((upstream.handshake.flags & LB_LEG_CLEAN) == 0) return Refusal::kUpstreamState;
  // Each side may send segments as large as it was told; the other side must have agreed to that.
  std::uint32_t client_may_send = client.tcp.mss_advertised;
  if (promised_mss != 0) client_may_send = std::min<std::uint32_t>(client_may_send, promised_mss);
  if (upstream.tcp.mss_advertised > client.tcp.mss_send ||
      client_may_send > segment_taken_by(upstream)) {
    return Refusal::kMss;
  }
  // The whole request must go out in one burst: the agent's socket will see no ACK that opens the
  // window.
  if (request_bytes > upstream.tcp.window_send ||
      request_bytes > static_cast<std::uint64_t>(upstream.tcp.cwnd) * upstream.tcp.mss_send) {
    return Refusal::kUpstreamWindow;
  }
  return std::nullopt;
}

FlowPair prepare(const Leg& client, const Leg& upstream, std::size_t request_bytes,
                 const Paths& paths, std::uint32_t slot_index, std::uint64_t cluster, TimePoint now,
                 lb_slot& slot) {
  fill_slot(client, upstream, static_cast<std::uint32_t>(request_bytes), slot);
  slot.client = datapath::make_tuple(client.remote, client.local);
  slot.pod = datapath::make_tuple(upstream.remote, upstream.local);
  slot.seq_delta = upstream.next_send - client.next_receive;
  slot.ack_delta = upstream.next_receive - client.next_send;
  slot.cluster = cluster;
  slot.installed_ns = static_cast<std::uint64_t>(now.time_since_epoch().count());
  slot.turn_ns = slot.installed_ns;  // of the promoted request, as far as the kernel is concerned
  slot.last_seen = static_cast<std::uint32_t>(slot.installed_ns >> 20);

  FlowPair pair;
  pair.to_pod.out = datapath::make_tuple(upstream.local, upstream.remote);
  pair.to_pod.seq_delta = slot.seq_delta;
  pair.to_pod.ack_delta = slot.ack_delta;
  pair.to_pod.address_diff = datapath::address_difference(slot.client, pair.to_pod.out);
  pair.to_pod.slot = slot_index;
  pair.to_pod.generation = slot.generation;
  pair.to_pod.ifindex = upstream.handshake.ifindex;
  pair.to_pod.direction = LB_TO_POD;
  pair.to_pod.forward = forward_to(paths, upstream.handshake.ifindex);
  pair.to_pod.window_left = scale(client.tcp.has_wscale, client.tcp.wscale_send);
  pair.to_pod.window_right = scale(upstream.tcp.has_wscale, upstream.tcp.wscale_receive);

  pair.to_client.out = datapath::make_tuple(client.local, client.remote);
  pair.to_client.seq_delta = 0U - slot.ack_delta;
  pair.to_client.ack_delta = 0U - slot.seq_delta;
  pair.to_client.address_diff = datapath::address_difference(slot.pod, pair.to_client.out);
  pair.to_client.slot = slot_index;
  pair.to_client.generation = slot.generation;
  pair.to_client.ifindex = client.handshake.ifindex;
  pair.to_client.direction = LB_TO_CLIENT;
  // A client that is itself a local pod is reached through its veth's neighbour entry as well.
  pair.to_client.forward = LB_FORWARD_NEIGH;
  pair.to_client.window_left = scale(upstream.tcp.has_wscale, upstream.tcp.wscale_send);
  pair.to_client.window_right = scale(client.tcp.has_wscale, client.tcp.wscale_receive);
  return pair;
}

}  // namespace sluice::steer
