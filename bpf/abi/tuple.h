/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Addresses and tuples as map keys. One 16-byte form for both families: IPv4 is ::ffff:a.b.c.d (RFC 4291 2.5.5.2),
 * so that one program, one table and one agent code serve both. Network byte order throughout.
 */
#pragma once
#include <linux/types.h>

#include "bpf/abi/check.h"

struct lb_address {
  __be32 words[4];
};
LB_ABI_SIZE(struct lb_address, 16);

/* As a packet carries it: the sender is the source. */
struct lb_tuple {
  struct lb_address source;
  struct lb_address destination;
  __be16 source_port;
  __be16 destination_port;
};
LB_ABI_SIZE(struct lb_tuple, 36);
