/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counters, one value a CPU. count_exit is the only way out of a program. */
#pragma once
#include "bpf/lib/maps_shared.h"

LB_INLINE void count(__u32 counter) {
  __u64* value = bpf_map_lookup_elem(&lb_counters, &counter);

  if (value) *value += 1;
}

LB_INLINE int count_exit(struct lb_action done) {
  if (done.counter < LB_COUNTER_MAX) count(done.counter);
  return done.verdict;
}
