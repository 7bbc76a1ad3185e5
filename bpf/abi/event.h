/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What lb_tc tells the owner of a slot through that worker's ring. */
#pragma once
#include <linux/types.h>

#include "bpf/abi/check.h"

enum lb_event_type {
  LB_EVENT_ENDING = 1, /* both FINs acknowledged, or a valid RST: remove the flow after a linger */
  LB_EVENT_ENDED = 2,  /* lb_tc removed the flow entries itself; state is ENDED */
  LB_EVENT_TURN = 3,   /* HELD at a request boundary; followed by the client's payload */
  LB_EVENT_DATA = 4,   /* more client payload while HELD */
};

#define LB_EVENT_DATA_SMALL 4096
#define LB_EVENT_DATA_LARGE 65536

struct lb_event {
  __u32 type; /* enum lb_event_type */
  __u32 slot;
  __u32 generation;
  __u32 seq; /* of the payload, client numbering */
  __u32 ack;
  __u32 window;
  __u32 length; /* payload bytes that follow this header */
  __u32 reserved;
  __u64 time_ns; /* bpf_ktime_get_ns() */
};
LB_ABI_SIZE(struct lb_event, 40);
