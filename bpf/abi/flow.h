/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One direction of a steered connection: how to turn a packet of one leg into a packet of the other. */
#pragma once
#include "bpf/abi/tuple.h"

enum lb_forward {
  LB_FORWARD_PEER = 0, /* bpf_redirect_peer into a local pod's namespace */
  LB_FORWARD_NEIGH =
      1, /* bpf_redirect_neigh out of ifindex; the kernel resolves route and neighbour */
};

struct lb_flow {
  struct lb_tuple out; /* addresses and ports of the translated packet */
  __u32 seq_delta;     /* host order */
  __u32 ack_delta;
  __u32 address_diff; /* one's complement difference of all address words, for the checksums */
  __u32 slot;
  __u32 generation; /* of the slot when installed; another one there means: not ours any more */
  __u32 ifindex;    /* where the translated packet leaves */
  __u8 direction;   /* enum lb_direction of packets that match */
  __u8 forward;     /* enum lb_forward */
  __u8 window_left; /* translated window = (window << left) >> right, at most 65535 */
  __u8 window_right;
};
LB_ABI_SIZE(struct lb_flow, 64);
