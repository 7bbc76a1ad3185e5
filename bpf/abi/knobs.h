/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Load-time constants (.rodata) of both objects. */
#pragma once
#include <linux/types.h>

#include "bpf/abi/check.h"

struct lb_knobs {
  __u16
      upstream_port_first; /* own source ports of steerable upstream connections, host order, inclusive */
  __u16 upstream_port_last;
  __u32 workers; /* sockets in lb_sockets, 1..LB_MAX_WORKERS */
};
LB_ABI_SIZE(struct lb_knobs, 8);
