/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the agent accepts connections. Read by lb_sk_lookup (which socket) and lb_tc (which handshakes to prepare). */
#pragma once
#include "bpf/abi/tuple.h"

struct lb_listener_key {
  struct lb_address address; /* all zero: every local address */
  __be16 port;
  __u16 protocol; /* IPPROTO_TCP */
};
LB_ABI_SIZE(struct lb_listener_key, 20);

/* Connections of this listener may be steered: strip timestamps and ECN from the handshake, cap the MSS. */
#define LB_LISTENER_STEER 1

struct lb_listener {
  __u32 flags;
  __u16 mss4; /* the largest MSS that may be promised to a client, 0 = no cap */
  __u16 mss6;
};
LB_ABI_SIZE(struct lb_listener, 8);
