/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every stage needs: kernel and helper headers, our own constants, small words. */
#pragma once
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi/counters.h"
#include "bpf/abi/knobs.h"
#include "bpf/abi/limits.h"

#define LB_INLINE static __always_inline

/* Fields that another CPU or the agent changes meanwhile: read them again, each time. */
#define LB_READ(field) (*(volatile typeof(field)*)&(field))
#define LB_WRITE(field, value) (*(volatile typeof(field)*)&(field) = (value))

/* What a stage decided: the verdict for the kernel and the counter that the single exit raises. */
struct lb_action {
  int verdict;
  __u32 counter; /* enum lb_counter; LB_COUNTER_MAX: not ours, not counted */
};

/* TC_ACT_UNSPEC: the next program or filter decides, as if ours were not there (TCX_NEXT has the
 * same value). */
#define LB_VERDICT_PASS TC_ACT_UNSPEC
#define LB_VERDICT_DROP TC_ACT_SHOT

LB_INLINE struct lb_action action(int verdict, __u32 counter) {
  struct lb_action result = {.verdict = verdict, .counter = counter};
  return result;
}

LB_INLINE struct lb_action action_not_ours(void) { return action(LB_VERDICT_PASS, LB_COUNTER_MAX); }

/* Set before load by the agent. */
extern const volatile struct lb_knobs knobs;
