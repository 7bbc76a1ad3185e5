/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets of the node's own sockets on their way out: handshakes, and what sockets of steered
 * connections still say. */
#pragma once
#include "bpf/lib/flow.h"
#include "bpf/lib/handshake.h"

/*
 * The agent's copy of a request, or its repetition, while the pod has not acknowledged it. The pod
 * must see the client's window: what it sends in answer goes to the client.
 */
LB_INLINE struct lb_action own_data(struct __sk_buff* skb, const struct lb_packet* packet,
                                    const struct lb_flow* flow, const struct lb_slot* slot) {
  __u32 before = packet->words[3], after;

  if (flow->direction != LB_TO_CLIENT) return action_not_ours();
  after = bpf_htonl((packet->control & ~LB_TCP_WINDOW) | (slot->request_window & LB_TCP_WINDOW));
  if (before == after) return action_not_ours();
  if (bpf_skb_store_bytes(skb, packet->l4 + 12, &after, sizeof(after), 0) ||
      checksum_segment(skb, packet->l4, checksum_fold(checksum_add(0, before, after))))
    return action(LB_VERDICT_DROP, LB_COUNT_PULL_FAILED);
  return action_not_ours();
}

/* A steered connection's sockets have no say any more: an ACK or FIN of theirs would speak for the
 * other end. */
LB_INLINE struct lb_action own_segment(struct __sk_buff* skb, const struct lb_packet* packet) {
  __u32 ends = packet->control & (LB_TCP_FIN | LB_TCP_RST);
  struct lb_tuple remote;
  struct lb_flow* flow;
  struct lb_slot* slot;

  /* Responses of the request tier are data from a listener's port: the bulk, and never touched
   * here. */
  if (packet->length && !ends && !handshake_upstream_port(packet->tuple.source_port))
    return action_not_ours();
  parse_reverse(&remote, &packet->tuple);
  flow = bpf_map_lookup_elem(&lb_flows, &remote);
  if (!flow) return action_not_ours();
  slot = flow_slot(flow);
  if (!slot || !flow_is_steered(LB_READ(slot->state))) return action_not_ours();
  if (ends) return action(LB_VERDICT_DROP, LB_COUNT_AGENT_END_DROPPED);
  if (!packet->length) return action(LB_VERDICT_DROP, LB_COUNT_AGENT_ACK_DROPPED);
  return own_data(skb, packet, flow, slot);
}

LB_INLINE struct lb_action own_packet(struct __sk_buff* skb, const struct lb_packet* packet) {
  __u32 flags = packet->control & (LB_TCP_SYN | LB_TCP_ACK);

  if (flags == (LB_TCP_SYN | LB_TCP_ACK)) return handshake_client_synack(skb, packet);
  if (flags & LB_TCP_SYN) {
    if (!handshake_upstream_port(packet->tuple.source_port)) return action_not_ours();
    return handshake_upstream_syn(skb, packet);
  }
  return own_segment(skb, packet);
}
