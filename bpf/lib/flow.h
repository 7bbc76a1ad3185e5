/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a packet to its flow entry and slot; leaving a flow. */
#pragma once
#include "bpf/lib/count.h"
#include "bpf/lib/maps.h"
#include "bpf/lib/parse.h"

/* The slot of a flow, or NULL when the slot has been given to another connection since. */
LB_INLINE struct lb_slot* flow_slot(const struct lb_flow* flow) {
  __u32 index = flow->slot;
  struct lb_slot* slot = bpf_map_lookup_elem(&lb_slots, &index);

  if (!slot || LB_READ(slot->generation) != flow->generation) return NULL;
  return slot;
}

/* TC is in charge of the connection. */
LB_INLINE int flow_is_steered(__u32 state) {
  return state >= LB_SLOT_NORMAL && state <= LB_SLOT_HELD;
}

/* The entry of the other direction is keyed by what our translated packets look like when answered.
 */
LB_INLINE void flow_delete_both(const struct lb_packet* packet, const struct lb_flow* flow) {
  struct lb_tuple other;

  parse_reverse(&other, &flow->out);
  bpf_map_delete_elem(&lb_flows, &other);
  bpf_map_delete_elem(&lb_flows, &packet->tuple);
}
