/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a packet says about its connection, written into the slot for the agent and for reclaim.
 *
 * Invariant (store buffering, as in Dekker's algorithm): tracking is written, then a full barrier,
 * then state is read again. Whoever sets HELD does so first and reads tracking after that. So one
 * of the two always sees the other.
 */
#pragma once
#include "bpf/lib/first_byte.h"
#include "bpf/lib/flow.h"

/*
 * How far beyond the receiver's right edge a sender may be and still be believed. It is not zero
 * because a receiver may have taken its edge back and some accept a little more than they offered;
 * it is not endless because a blind spoofer's numbers must not move our view of the connection (RFC
 * 5961 is about the same guesser).
 */
#define LB_TRACK_SLACK (1 << 20)

LB_INLINE int track_before(__u32 a, __u32 b) { return (__s32)(a - b) < 0; }

/* Each failed round means that another CPU has raised the number meanwhile. */
#define LB_TRACK_ROUNDS 8

/*
 * Numbers only ever rise, also when two CPUs have packets of one direction (a sender that moved from one to the other):
 * one that fell would make HELD look idle while data is under way (tests/model, rule "Rising"). True: it was raised.
 */
LB_INLINE int track_raise(__u32* number, __u32 to) {
  for (int i = 0; i < LB_TRACK_ROUNDS; i++) {
    __u32 old = LB_READ(*number);

    if (!track_before(old, to)) return 0;
    if (__sync_val_compare_and_swap(number, old, to) == old) return 1;
  }
  return 0;
}

/* What one packet means: all numbers of the other leg are as that side counts them. */
struct lb_view {
  struct lb_track* own;   /* of the sender */
  struct lb_track* other; /* of the receiver */
  __u32 direction;
  __u32 seq_there; /* the packet's numbers after translation */
  __u32 ack_there;
  __u32 offset; /* of its first byte from the receiver's left edge */
  __u32 window; /* the receiver's, in bytes */
  __u32 fresh;  /* carries data not seen before */
};

LB_INLINE void track_view(struct lb_view* view, struct lb_slot* slot, const struct lb_flow* flow,
                          const struct lb_packet* packet) {
  __u32 scale;

  if (flow->direction == LB_TO_POD) {
    view->direction = LB_TO_POD;
    view->own = &slot->track[LB_TO_POD];
    view->other = &slot->track[LB_TO_CLIENT];
    scale = slot->pod_wscale_send;
  } else {
    view->direction = LB_TO_CLIENT;
    view->own = &slot->track[LB_TO_CLIENT];
    view->other = &slot->track[LB_TO_POD];
    scale = slot->client_wscale_send;
  }
  view->seq_there = packet->seq + flow->seq_delta;
  view->ack_there = packet->ack + flow->ack_delta;
  view->offset = view->seq_there - LB_READ(view->other->ack);
  view->window = LB_READ(view->other->window) << (scale & 15); /* RFC 7323 2.3: at most 14 */
  view->fresh = 0;
}

/* RFC 9293 3.10.7.4: a segment without data is acceptable when it starts inside the window. */
LB_INLINE int track_in_window(const struct lb_view* view) { return view->offset <= view->window; }

LB_INLINE int track_plausible(const struct lb_view* view, __u32 length) {
  return view->offset + length <= view->window + LB_TRACK_SLACK;
}

/*
 * What the first bytes of a pod's data say: 1xx is not the end of a turn (RFC 9110 15.2), 101 is the
 * end of HTTP. Behind an interim response only what is plainly a final one ends the wait for it.
 */
LB_INLINE void track_response(struct __sk_buff* skb, struct lb_slot* slot,
                              const struct lb_packet* packet, int turned) {
  char head[12]; /* "HTTP/1.1 101" */
  __u32 payload = parse_payload(packet);
  int is_http;

  if (packet->length < sizeof(head) || bpf_skb_load_bytes(skb, payload, head, sizeof(head))) {
    LB_WRITE(slot->interim, 1); /* cannot tell: no boundary behind this one */
    return;
  }
  is_http = head[0] == 'H' && head[4] == '/';
  if (is_http && head[9] == '1') {
    LB_WRITE(slot->interim, 1);
    if (head[10] == '0' && head[11] == '1') LB_WRITE(slot->tunnel, 1);
  } else if (turned || is_http) {
    LB_WRITE(slot->interim, 0);
  }
}

/*
 * Could these bytes be the beginning of a request? Methods in use are capitals, three at least (RFC 9110 16.1.1), and
 * nobody sends one in a packet of its own. A body of random bytes looks like that in one of 200,000 writes; with fewer
 * letters it would in one of 2,000, and a body of one byte in one of ten.
 */
#define LB_TRACK_METHOD 3
LB_INLINE int track_looks_like_request(struct __sk_buff* skb, const struct lb_packet* packet) {
  char head[8] = {};
  __u32 size = packet->length;

  asm volatile("" : "+r"(size)); /* or clang folds the bounds away that the verifier must see */
  if (size > sizeof(head)) size = sizeof(head);
  if (size < 1 || bpf_skb_load_bytes(skb, parse_payload(packet), head, size)) return 1;
  for (int i = 0; i < (int)sizeof(head); i++) {
    if (i >= (int)size) return i > LB_TRACK_METHOD; /* too short to tell */
    if (head[i] == ' ') return i >= LB_TRACK_METHOD;
    if (head[i] < 'A' || head[i] > 'Z') return 0;
  }
  return 1;
}

/*
 * New data of the client. A turn may come in several writes: a request's head and its body, or two
 * requests, whose answers no later turn could be told from. Whoever has no more to send sets PSH (RFC
 * 9293 3.9.1.2, MUST-61), so that what follows within the turn is another write.
 */
LB_INLINE void track_client_data(struct __sk_buff* skb, struct lb_slot* slot,
                                 const struct lb_packet* packet, int turned) {
  if (turned && !LB_READ(slot->interim)) {
    LB_WRITE(slot->turns, LB_READ(slot->turns) + 1);
    LB_WRITE(slot->turn_ns, bpf_ktime_get_ns());
  } else if (!turned && LB_READ(slot->pushed) && !LB_READ(slot->pipelined) &&
             track_looks_like_request(skb, packet)) {
    LB_WRITE(slot->pipelined, 1);
  }
  LB_WRITE(slot->pushed, !!(packet->control & LB_TCP_PSH));
}

LB_INLINE void track_fresh(struct __sk_buff* skb, struct lb_slot* slot, struct lb_view* view,
                           const struct lb_packet* packet) {
  int turned = LB_READ(slot->last_direction) != view->direction;

  view->fresh = 1;
  if (view->direction == LB_TO_CLIENT) {
    if (turned || LB_READ(slot->interim)) {
      track_response(skb, slot, packet, turned);
      first_byte_seen(slot);
    }
  } else {
    track_client_data(skb, slot, packet, turned);
  }
  if (turned) LB_WRITE(slot->last_direction, view->direction);
}

/* Nothing new: sent again, or overtaken on its way. */
LB_INLINE void track_repeated(struct lb_slot* slot, const struct lb_view* view) {
  /* Constant indexes: see end.h. */
  if (view->direction == LB_TO_POD) {
    __sync_fetch_and_add(&slot->retransmissions[LB_TO_POD], 1);
  } else {
    __sync_fetch_and_add(&slot->retransmissions[LB_TO_CLIENT], 1);
  }
}

LB_INLINE void track_packet(struct __sk_buff* skb, struct lb_slot* slot, struct lb_view* view,
                            const struct lb_packet* packet) {
  __u32 end = packet->seq + packet->length;

  LB_WRITE(view->own->packets, LB_READ(view->own->packets) + 1);
  LB_WRITE(slot->last_seen, bpf_ktime_get_coarse_ns() >> 20);
  if (packet->length) {
    if (!track_before(LB_READ(view->own->end), end)) {
      track_repeated(slot, view);
    } else if (track_plausible(view, packet->length) && track_raise(&view->own->end, end)) {
      track_fresh(skb, slot, view, packet);
    }
  }
  if (!(packet->control & LB_TCP_ACK) || track_before(packet->ack, LB_READ(view->own->ack))) return;
  if (track_before(LB_READ(view->other->end) + LB_TRACK_SLACK, view->ack_there)) return;
  track_raise(&view->own->ack, packet->ack);
  LB_WRITE(view->own->window, packet->control & LB_TCP_WINDOW);
}

/* The full barrier of the invariant. The result must be used, or clang emits an add that orders
 * nothing on arm64. */
LB_INLINE void track_barrier(struct lb_view* view, __u64 bytes) {
  __u64 before = __sync_fetch_and_add(&view->own->bytes, bytes);

  asm volatile("" : : "r"(before));
}
