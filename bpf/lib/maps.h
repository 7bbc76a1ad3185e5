/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps of lb_tc. The agent sets flows, slots and legs to their real size before load and pins
 * all of them. */
#pragma once
#include "bpf/abi/event.h"
#include "bpf/abi/first_byte.h"
#include "bpf/abi/flow.h"
#include "bpf/abi/leg.h"
#include "bpf/abi/slot.h"
#include "bpf/abi/source.h"
#include "bpf/lib/maps_shared.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC); /* most nodes never have the maximum at once */
  __uint(max_entries, LB_MAX_FLOWS);
  __type(key, struct lb_tuple);
  __type(value, struct lb_flow);
} lb_flows SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, LB_MAX_SLOTS);
  __type(key, __u32);
  __type(value, struct lb_slot);
} lb_slots SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, LB_MAX_LEGS);
  __type(key, struct lb_tuple);
  __type(value, struct lb_leg);
} lb_legs SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC); /* an entry is made by the agent alone, and rarely */
  __uint(max_entries, LB_MAX_CLUSTERS);
  __type(key, __u64); /* lb_slot::cluster */
  __type(value, struct lb_first_byte);
} lb_first_bytes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, LB_MAX_SOURCES);
  __type(key, struct lb_tuple);
  __type(value, struct lb_source);
} lb_sources SEC(".maps");

struct lb_ring {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, LB_RING_BYTES);
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, LB_MAX_WORKERS);
  __type(key, __u32);
  __array(values, struct lb_ring);
} lb_rings SEC(".maps");
