/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet that belongs to a flow: the states of its slot, in order. */
#pragma once
#include "bpf/lib/end.h"
#include "bpf/lib/forward.h"
#include "bpf/lib/handshake.h"
#include "bpf/lib/held.h"
#include "bpf/lib/reclaim.h"
#include "bpf/lib/rewrite.h"

/* The agent's upstream socket still repeats the request until the pod has all of it: partial ACKs
 * are for that socket. */
LB_INLINE int steer_is_for_held_socket(struct lb_slot* slot, const struct lb_packet* packet) {
  if (!LB_READ(slot->hold)) return 0;
  if (!track_before(packet->ack, slot->hold_ack)) {
    LB_WRITE(slot->hold, 0);
    return 0;
  }
  return !packet->length && !(packet->control & (LB_TCP_SYN | LB_TCP_FIN | LB_TCP_RST));
}

LB_INLINE struct lb_action steer_translate(struct __sk_buff* skb, const struct lb_packet* packet,
                                           const struct lb_flow* flow, const struct lb_slot* slot,
                                           const struct lb_view* view) {
  if (!rewrite_packet(skb, packet, flow, slot, view))
    return action(LB_VERDICT_DROP, LB_COUNT_PULL_FAILED);
  return forward_packet(skb, packet, flow);
}

/*
 * A SYN. From a pod it is a late duplicate of its SYN-ACK. From a client: after the end it starts a
 * new connection; otherwise the endpoint answers with a challenge ACK and decides by what comes
 * back (RFC 5961 4).
 */
LB_INLINE struct lb_action steer_syn(struct __sk_buff* skb, const struct lb_packet* packet,
                                     const struct lb_flow* flow, struct lb_slot* slot,
                                     const struct lb_view* view, __u32 state) {
  struct lb_action done;

  if (view->direction == LB_TO_CLIENT) return action(LB_VERDICT_DROP, LB_COUNT_SYNACK_ON_FLOW);
  if (!(packet->control & LB_TCP_ACK) && end_has_ended(slot)) {
    if (!end_replace(packet, flow, slot, state))
      return action(LB_VERDICT_DROP, LB_COUNT_SYN_ON_LIVE_FLOW);
    done = handshake_clean_syn(skb, packet);
    if (done.verdict == LB_VERDICT_DROP) return done;
    if (done.counter < LB_COUNTER_MAX) count(done.counter);
    return action(LB_VERDICT_PASS, LB_COUNT_SYN_ON_ENDED_FLOW);
  }
  count(LB_COUNT_SYN_ON_LIVE_FLOW);
  return steer_translate(skb, packet, flow, slot, view);
}

LB_INLINE struct lb_action steer_packet(struct __sk_buff* skb, const struct lb_packet* packet,
                                        struct lb_flow* flow) {
  struct lb_slot* slot = flow_slot(flow);
  struct lb_view view;
  __u32 state;

  if (!slot) {
    bpf_map_delete_elem(&lb_flows, &packet->tuple);
    return action(LB_VERDICT_PASS, LB_COUNT_STALE_FLOW);
  }
  if (packet->fragment) return action(LB_VERDICT_PASS, LB_COUNT_FRAGMENT);
  state = LB_READ(slot->state);
  if (state != LB_SLOT_NORMAL && state != LB_SLOT_ARMED)
    return held_or_passed(skb, packet, flow, slot, state);
  track_view(&view, slot, flow, packet);
  if (packet->control & LB_TCP_SYN) return steer_syn(skb, packet, flow, slot, &view, state);
  if (state == LB_SLOT_ARMED && reclaim_at_turn(skb, packet, flow, slot, &view))
    return action(LB_VERDICT_DROP, LB_COUNT_HELD_DROPPED);
  track_packet(skb, slot, &view, packet);
  end_track(slot, &view, packet);
  track_barrier(&view, packet->length);
  state = LB_READ(slot->state);
  if (state != LB_SLOT_NORMAL && state != LB_SLOT_ARMED)
    return held_or_passed(skb, packet, flow, slot, state);
  if (packet->control & (LB_TCP_RST | LB_TCP_ACK)) end_report(packet, flow, slot, &view);
  if (view.direction == LB_TO_CLIENT && steer_is_for_held_socket(slot, packet))
    return action(LB_VERDICT_PASS, LB_COUNT_HOLD_ACK_PASSED);
  return steer_translate(skb, packet, flow, slot, &view);
}
