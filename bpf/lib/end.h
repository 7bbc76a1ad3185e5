/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a flow ends: FIN both ways with their acknowledgments, a RST inside the window, a new SYN. */
#pragma once
#include "bpf/lib/event.h"
#include "bpf/lib/track.h"

LB_INLINE int end_has_ended(const struct lb_slot* slot) {
  return (LB_READ(slot->fin_acked[0]) && LB_READ(slot->fin_acked[1])) || LB_READ(slot->reset);
}

/* Once a flow: the agent then waits for late packets and removes the entries. */
LB_INLINE void end_announce(const struct lb_packet* packet, const struct lb_flow* flow,
                            struct lb_slot* slot, __u32 reason) {
  if (__sync_val_compare_and_swap(&slot->ended_reason, 0, reason)) return;
  count(reason);
  event_send(packet, flow, slot, LB_EVENT_ENDING);
}

LB_INLINE void end_note_fin(struct lb_slot* slot, struct lb_view* view,
                            const struct lb_packet* packet) {
  __u32 end = packet->seq + packet->length + 1;

  if (!track_plausible(view, packet->length)) return;
  LB_WRITE(view->own->fin_end, end);
  track_barrier(view, 0); /* fin must never be seen before fin_end */
  /* Constant indexes: a variable one into the slot would cost the verifier a range for nothing. */
  if (view->direction == LB_TO_POD) {
    LB_WRITE(slot->fin[LB_TO_POD], 1);
  } else {
    LB_WRITE(slot->fin[LB_TO_CLIENT], 1);
  }
}

/* Does this packet acknowledge the other side's FIN? */
LB_INLINE void end_note_fin_ack(struct lb_slot* slot, struct lb_view* view) {
  if (track_before(view->ack_there, LB_READ(view->other->fin_end))) return;
  if (view->direction == LB_TO_POD && LB_READ(slot->fin[LB_TO_CLIENT])) {
    LB_WRITE(slot->fin_acked[LB_TO_CLIENT], 1);
  } else if (view->direction == LB_TO_CLIENT && LB_READ(slot->fin[LB_TO_POD])) {
    LB_WRITE(slot->fin_acked[LB_TO_POD], 1);
  }
}

/*
 * An endpoint believes only a RST with exactly the next number; others it answers with a challenge ACK (RFC 5961 3). So
 * the connection goes on when the receiver of the RST still speaks, or its sender has new data. Packets that merely
 * crossed the RST lead to another one.
 */
LB_INLINE void end_revive(struct lb_slot* slot, const struct lb_view* view) {
  __u32 reset = LB_READ(slot->reset);

  if (!reset || (reset == 1 + view->direction && !view->fresh)) return;
  LB_WRITE(slot->reset, 0);
  __sync_val_compare_and_swap(&slot->ended_reason, LB_COUNT_RST_ACCEPTED, 0);
}

/* Before the barrier: whoever sets HELD must see that the connection is ending. */
LB_INLINE void end_track(struct lb_slot* slot, struct lb_view* view,
                         const struct lb_packet* packet) {
  if (packet->control & LB_TCP_RST) {
    if (track_in_window(view)) LB_WRITE(slot->reset, 1 + view->direction);
    return;
  }
  end_revive(slot, view);
  if (packet->control & LB_TCP_FIN) end_note_fin(slot, view, packet);
  if (packet->control & LB_TCP_ACK) end_note_fin_ack(slot, view);
}

/* After it: count and tell. */
LB_INLINE void end_report(const struct lb_packet* packet, const struct lb_flow* flow,
                          struct lb_slot* slot, const struct lb_view* view) {
  if (packet->control & LB_TCP_RST) {
    if (track_in_window(view)) {
      end_announce(packet, flow, slot, LB_COUNT_RST_ACCEPTED);
    } else {
      count(LB_COUNT_RST_OUT_OF_WINDOW);
    }
  } else if (LB_READ(slot->fin_acked[0]) && LB_READ(slot->fin_acked[1])) {
    end_announce(packet, flow, slot, LB_COUNT_FIN_COMPLETE);
  }
}

/*
 * A SYN of the client for a tuple that had ended: the old flow goes at once. False: someone else
 * changed the state.
 */
LB_INLINE int end_replace(const struct lb_packet* packet, const struct lb_flow* flow,
                          struct lb_slot* slot, __u32 state) {
  if (__sync_val_compare_and_swap(&slot->state, state, LB_SLOT_ENDED) != state) return 0;
  flow_delete_both(packet, flow);
  event_send(packet, flow, slot, LB_EVENT_ENDED);
  return 1;
}
