/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Upstream connections that show their client's address to a local pod. The agent's socket has the node's address, the
 * wire behind the pod's interface the client's; the port is the same on both, one of the agent's own range. Two entries
 * a connection: what our socket sends (node:port -> pod) has its source replaced, what the pod sends (pod ->
 * client:port) its destination. The agent makes and removes both.
 */
#pragma once
#include "bpf/abi/tuple.h"

struct lb_source {
  struct lb_address address; /* instead of the packet's: of the client, or of the node */
  __u32 ifindex;             /* the pod's interface: nowhere else is anything replaced */
  __u32 is_answer;           /* which of the two; for an agent that finds them */
};
LB_ABI_SIZE(struct lb_source, 24);
