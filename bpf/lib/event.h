/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Telling the owner of a slot, through its own ring. A lost event is made up for by the agent's
 * sweep over the slots. */
#pragma once
#include "bpf/lib/flow.h"

LB_INLINE void event_fill(struct lb_event* event, const struct lb_packet* packet,
                          const struct lb_flow* flow, __u32 type, __u32 length) {
  event->type = type;
  event->slot = flow->slot;
  event->generation = flow->generation;
  event->seq = packet->seq;
  event->ack = packet->ack;
  event->window = packet->control & LB_TCP_WINDOW;
  event->length = length;
  event->reserved = 0;
  event->time_ns = bpf_ktime_get_ns();
}

/* Without payload. */
LB_INLINE void event_send(const struct lb_packet* packet, const struct lb_flow* flow,
                          const struct lb_slot* slot, __u32 type) {
  __u32 owner = slot->owner;
  void* ring = bpf_map_lookup_elem(&lb_rings, &owner);
  struct lb_event* event = ring ? bpf_ringbuf_reserve(ring, sizeof(*event), 0) : NULL;

  if (!event) {
    count(LB_COUNT_RING_FULL);
    return;
  }
  event_fill(event, packet, flow, type, 0);
  bpf_ringbuf_submit(event, 0);
}

/* Reservations must have a constant size; two classes keep small requests from filling the ring
 * with air. */
LB_INLINE int event_copy_class(struct __sk_buff* skb, const struct lb_packet* packet,
                               const struct lb_flow* flow, void* ring, __u32 type,
                               const __u32 room) {
  __u32 length = packet->length;
  struct lb_event* event = bpf_ringbuf_reserve(ring, sizeof(*event) + room, 0);

  if (!event) return 0;
  event_fill(event, packet, flow, type, length);
  /* An opaque copy: clang would fold the check into what it already knows, and the verifier would
   * see no bound. */
  asm volatile("" : "+r"(length));
  if (length < 1 || length > room ||
      bpf_skb_load_bytes(skb, parse_payload(packet), event + 1, length)) {
    bpf_ringbuf_discard(event, 0);
    return 0;
  }
  bpf_ringbuf_submit(event, 0);
  return 1;
}

/* With the packet's payload; false when it could not be passed on. */
LB_INLINE int event_copy(struct __sk_buff* skb, const struct lb_packet* packet,
                         const struct lb_flow* flow, const struct lb_slot* slot, __u32 type) {
  __u32 owner = slot->owner;
  void* ring = bpf_map_lookup_elem(&lb_rings, &owner);
  int sent = 0;

  if (ring && packet->length <= LB_EVENT_DATA_SMALL) {
    sent = event_copy_class(skb, packet, flow, ring, type, LB_EVENT_DATA_SMALL);
  } else if (ring && packet->length <= LB_EVENT_DATA_LARGE) {
    sent = event_copy_class(skb, packet, flow, ring, type, LB_EVENT_DATA_LARGE);
  }
  if (!sent) count(LB_COUNT_RING_FULL);
  return sent;
}
