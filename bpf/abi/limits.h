/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bounds of the maps. The agent may shrink flows and slots before load (--max-steered); it never exceeds these. */
#pragma once

/* Part of the name of the pin directory: maps of another version are never reused. Raise on any layout change. */
#define LB_ABI_VERSION 2

#define LB_MAX_SLOTS 65536   /* steered connections; 256 bytes each, mapped into the agent */
#define LB_MAX_FLOWS 131072  /* two entries a connection, allocated when used */
#define LB_MAX_LEGS 65536    /* handshakes remembered, least recently used go first */
#define LB_MAX_CLUSTERS 4096 /* whose first bytes are timed */
#define LB_MAX_SOURCES \
  65536 /* two entries an upstream connection that shows its client's address */
#define LB_MAX_LISTENERS 4096
#define LB_MAX_WORKERS 64
#define LB_RING_BYTES (1 << 20) /* one ring a worker */

/* Set on packets that the ingress program redirects, so that the egress program lets them pass; cleared there. */
#define LB_MARK_STEERED 0x51ce0001

/* Index into the socket map: each worker has a listening socket for each family. */
#define LB_SOCKET_OF(worker, is_ip6) ((worker) * 2 + (is_ip6))
