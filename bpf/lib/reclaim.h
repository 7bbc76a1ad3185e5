/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Taking a connection back at the packet: the first packet of a request, while nothing else is
 * under way in either direction, stops here and its bytes go to the agent.
 */
#pragma once
#include "bpf/lib/event.h"
#include "bpf/lib/track.h"

/* No end in sight, no interim response, no tunnel, and the agent does not hold a socket of this
 * connection. No second request in a turn either, whose answer may be outstanding, unless the agent's
 * patience is over. */
LB_INLINE int reclaim_allowed(const struct lb_slot* slot) {
  if (LB_READ(slot->pipelined) && !LB_READ(slot->force)) return 0;
  return !(LB_READ(slot->fin[0]) | LB_READ(slot->fin[1]) | LB_READ(slot->reset) |
           LB_READ(slot->interim) | LB_READ(slot->tunnel) | LB_READ(slot->hold));
}

/* The packet continues where the client stopped, all is acknowledged both ways, and the pod had the
 * last word. */
LB_INLINE int reclaim_boundary(const struct lb_slot* slot, const struct lb_view* view,
                               const struct lb_packet* packet) {
  return packet->seq == LB_READ(view->own->end) && LB_READ(slot->last_direction) == LB_TO_CLIENT &&
         view->ack_there == LB_READ(view->other->end) &&
         view->seq_there == LB_READ(view->other->ack);
}

/* True: the packet is with the agent, the connection is HELD. False: forward it as ever. */
LB_INLINE int reclaim_at_turn(struct __sk_buff* skb, const struct lb_packet* packet,
                              const struct lb_flow* flow, struct lb_slot* slot,
                              const struct lb_view* view) {
  if (view->direction != LB_TO_POD || !packet->length || packet->length > LB_EVENT_DATA_SMALL)
    return 0;
  if (packet->control & (LB_TCP_SYN | LB_TCP_FIN | LB_TCP_RST)) return 0;
  if (!reclaim_allowed(slot) || !reclaim_boundary(slot, view, packet)) return 0;
  if (__sync_val_compare_and_swap(&slot->state, LB_SLOT_ARMED, LB_SLOT_HELD) != LB_SLOT_ARMED)
    return 0;
  /* HELD is visible: packets of other CPUs stop from now on. What passed before it shows here (see
   * track.h). */
  if (reclaim_allowed(slot) && reclaim_boundary(slot, view, packet)) {
    track_raise(&view->own->ack, packet->ack);
    LB_WRITE(view->own->window, packet->control & LB_TCP_WINDOW);
    if (event_copy(skb, packet, flow, slot, LB_EVENT_TURN)) return 1;
  }
  __sync_val_compare_and_swap(&slot->state, LB_SLOT_HELD, LB_SLOT_ARMED);
  return 0;
}
