/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a translated packet leaves. */
#pragma once
#include "bpf/lib/count.h"
#include "bpf/lib/flow.h"

#define LB_SMALLEST_MTU \
  1280 /* RFC 8200 5: no link has less, so smaller packets need no look at the device */

/* MSS rules keep packets below the MTU; one that is not is told apart from other losses by its
 * counter. */
LB_INLINE void forward_check_size(struct __sk_buff* skb, const struct lb_packet* packet,
                                  const struct lb_flow* flow) {
  __u32 mtu = 0;

  if (skb->gso_size || skb->len - packet->l3 <= LB_SMALLEST_MTU) return;
  if (bpf_check_mtu(skb, flow->ifindex, &mtu, 0, 0) > 0) count(LB_COUNT_TOO_BIG);
}

LB_INLINE int forward_out(struct __sk_buff* skb, __u32 l3, const struct lb_flow* flow) {
  /* A packet without link-layer header cannot appear inside an Ethernet device: let the kernel
   * build one. */
  if (flow->forward == LB_FORWARD_PEER && l3) return (int)bpf_redirect_peer(flow->ifindex, 0);
  skb->mark = LB_MARK_STEERED;
  return (int)bpf_redirect_neigh(flow->ifindex, NULL, 0, 0);
}

LB_INLINE struct lb_action forward_packet(struct __sk_buff* skb, const struct lb_packet* packet,
                                          const struct lb_flow* flow) {
  __u32 counter = flow->direction == LB_TO_POD ? LB_COUNT_TO_POD : LB_COUNT_TO_CLIENT;

  forward_check_size(skb, packet, flow);
  return action(forward_out(skb, packet->l3, flow), counter);
}
