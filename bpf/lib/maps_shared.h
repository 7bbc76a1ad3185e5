/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps that both objects use: lb_tc and lb_sk_lookup are loaded against the same pinned ones.
 */
#pragma once
#include "bpf/abi/listener.h"
#include "bpf/lib/base.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, LB_MAX_LISTENERS);
  __type(key, struct lb_listener_key);
  __type(value, struct lb_listener);
} lb_listeners SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, LB_COUNTER_MAX);
  __type(key, __u32);
  __type(value, __u64);
} lb_counters SEC(".maps");
