/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How long a client waited for the first byte of an answer: into the slot, and into its cluster's histogram. */
#pragma once
#include "bpf/lib/maps.h"

/* A global function: the verifier looks at its branches once, not on every path that leads here. */
__noinline int first_byte_count(__u64 cluster, __u64 waited_ns) {
  struct lb_first_byte* entry = bpf_map_lookup_elem(&lb_first_bytes, &cluster);
  __u32 bucket = 0;

  if (!entry) return 0;
#define LB_BOUND(us) bucket += waited_ns > (us) * 1000ULL;
  LB_FIRST_BYTE_BOUNDS(LB_BOUND)
#undef LB_BOUND
  if (bucket >= LB_FIRST_BYTE_BUCKETS) return 0;
  entry->counts[bucket] += 1;
  entry->sum_ns += waited_ns;
  return 1;
}

LB_INLINE void first_byte_seen(struct lb_slot* slot) {
  __u64 began = LB_READ(slot->turn_ns), waited;

  if (!began || LB_READ(slot->interim)) return;
  waited = bpf_ktime_get_ns() - began;
  LB_WRITE(slot->turn_ns, 0);
  LB_WRITE(slot->first_byte, waited >> 10 > 0xffffffff ? 0xffffffff : (__u32)(waited >> 10));
  first_byte_count(slot->cluster, waited);
}
