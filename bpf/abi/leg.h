/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What TC saw of a handshake: the proof that our programs are on this connection's path, and the initial numbers from
 * which the agent counts. Key: the tuple as the remote side's packets carry it (source = client, or source = pod).
 */
#pragma once
#include "bpf/abi/tuple.h"

struct lb_leg {
  __u32 local_next;  /* first sequence number the agent's socket sends after its SYN, host order */
  __u32 remote_next; /* first sequence number the remote sends after its SYN, host order */
  __u32 ifindex;     /* where the remote's packets come in; 0 while only our own SYN was seen */
  __u16 flags;       /* LB_LEG_* */
  __u16
      mss; /* largest segment that the remote takes, by its SYN-ACK; 0 = not told (clients: only when taken back) */
};
LB_ABI_SIZE(struct lb_leg, 16);

#define LB_LEG_CLEAN 1 /* timestamps and ECN are off on this connection */
