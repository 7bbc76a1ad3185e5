/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets of connections that TC does not translate at the moment: HELD, or given back to the
 * stack. */
#pragma once
#include "bpf/lib/event.h"

LB_INLINE struct lb_action held_packet(struct __sk_buff* skb, const struct lb_packet* packet,
                                       const struct lb_flow* flow, const struct lb_slot* slot) {
  /* The client would repeat it only after a timeout; FIN and RST it does repeat or make up for. */
  if (flow->direction == LB_TO_POD && packet->length &&
      !(packet->control & (LB_TCP_SYN | LB_TCP_FIN | LB_TCP_RST)))
    event_copy(skb, packet, flow, slot, LB_EVENT_DATA);
  return action(LB_VERDICT_DROP, LB_COUNT_HELD_DROPPED);
}

/* A state in which nothing may be translated. */
LB_INLINE struct lb_action held_or_passed(struct __sk_buff* skb, const struct lb_packet* packet,
                                          const struct lb_flow* flow, const struct lb_slot* slot,
                                          __u32 state) {
  if (state == LB_SLOT_HELD) return held_packet(skb, packet, flow, slot);
  return action(LB_VERDICT_PASS, LB_COUNT_PASSED_TO_STACK);
}
