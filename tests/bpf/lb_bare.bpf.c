/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * lb_bare: what lb_ingress does to a packet of a steered connection, without what it remembers of it. Only to tell what
 * tracking costs: nothing could be taken back, and nothing would ever end.
 */
#include "bpf/lib/count.h"
#include "bpf/lib/steer.h"

const volatile struct lb_knobs knobs = {.workers = 1};

LB_INLINE struct lb_action translate(struct __sk_buff* skb) {
  struct lb_packet packet;
  struct lb_view view;
  struct lb_flow* flow;
  struct lb_slot* slot;

  if (!parse_packet(skb, &packet, ETH_HLEN)) return action_not_ours();
  flow = bpf_map_lookup_elem(&lb_flows, &packet.tuple);
  if (!flow) return action_not_ours();
  slot = flow_slot(flow);
  if (!slot || LB_READ(slot->state) != LB_SLOT_NORMAL) return action_not_ours();
  track_view(&view, slot, flow, &packet);
  return steer_translate(skb, &packet, flow, slot, &view);
}

SEC("tc") int lb_bare(struct __sk_buff* skb) { return count_exit(translate(skb)); }

char lb_license[] SEC("license") = "Dual BSD/GPL";
