/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How long steered requests waited for the first byte of their answer, as lb_tc counts it: one entry a cluster (by
 * lb_slot::cluster) and CPU. The agent makes and removes the entries; a cluster without one is not counted.
 */
#pragma once
#include <linux/types.h>

#include "bpf/abi/check.h"

/* Upper bounds, inclusive, in microseconds: those of proxy::DurationHistogram, so that both tiers add up. */
/* One a line; clang-format never agrees with itself about such a list. */
/* clang-format off */
#define LB_FIRST_BYTE_BOUNDS(X) \
  X(500) \
  X(1000) \
  X(2500) \
  X(5000) \
  X(10000) \
  X(25000) \
  X(50000) \
  X(100000) \
  X(250000) \
  X(500000) \
  X(1000000) \
  X(2500000) \
  X(5000000) \
  X(10000000) \
  X(30000000) \
  X(60000000)
/* clang-format on */

#define LB_FIRST_BYTE_BUCKETS 17 /* the last one is beyond every bound */

struct lb_first_byte {
  __u64 counts[LB_FIRST_BYTE_BUCKETS]; /* not cumulated */
  __u64 sum_ns;
};
LB_ABI_SIZE(struct lb_first_byte, 144);
