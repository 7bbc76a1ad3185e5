/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Listener lookup: a listener bound to this address wins over one for every local address. */
#pragma once
#include "bpf/lib/maps_shared.h"

LB_INLINE struct lb_listener* listener_find(const struct lb_address* address, __be16 port) {
  struct lb_listener_key key = {.address = *address, .port = port, .protocol = IPPROTO_TCP};
  struct lb_listener* listener = bpf_map_lookup_elem(&lb_listeners, &key);

  if (listener) return listener;
  __builtin_memset(&key.address, 0, sizeof(key.address));
  return bpf_map_lookup_elem(&lb_listeners, &key);
}
