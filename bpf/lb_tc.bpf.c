/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * lb_tc: connection steering on every interface but loopback.
 * Ingress translates packets of steered connections and prepares handshakes; egress keeps the
 * sockets of steered connections silent. The _l3 programs are for devices whose packets start with
 * the IP header (tunnels, WireGuard): a program cannot see the length of the link-layer header, the
 * agent knows it from the device's type.
 */
#include "bpf/lib/count.h"
#include "bpf/lib/icmp.h"
#include "bpf/lib/own.h"
#include "bpf/lib/source.h"
#include "bpf/lib/steer.h"

const volatile struct lb_knobs knobs = {
    .upstream_port_first = 15000, .upstream_port_last = 29999, .workers = 1};

/* Nothing else would bring the layout of events into BTF, where tests/bpf compares it with the agent's. */
const volatile struct lb_event event_layout = {};

LB_INLINE struct lb_action ingress(struct __sk_buff* skb, __u32 l2_length) {
  struct lb_packet packet;
  struct lb_flow* flow;

  if (!parse_packet(skb, &packet, l2_length)) {
    if (!packet.is_icmp) return action_not_ours();
    return action(icmp_incoming(skb, l2_length, packet.version), LB_COUNTER_MAX);
  }
  flow = bpf_map_lookup_elem(&lb_flows, &packet.tuple);
  return source_return(skb, &packet,
                       flow ? steer_packet(skb, &packet, flow) : handshake_incoming(skb, &packet));
}

LB_INLINE struct lb_action egress(struct __sk_buff* skb, __u32 l2_length) {
  struct lb_packet packet;

  if (skb->mark == LB_MARK_STEERED) { /* translated by ingress */
    skb->mark = 0;
    return action_not_ours();
  }
  /* Routed packets have no socket here, and only our own node's sockets are of interest. The one
   * exception: kernels before 6.13 send an RST over IPv6 without one. */
  if (!skb->sk && skb->protocol != bpf_htons(ETH_P_IPV6)) return action_not_ours();
  if (!parse_packet(skb, &packet, l2_length)) return action_not_ours();
  if (!skb->sk && !(packet.control & LB_TCP_RST)) return action_not_ours();
  if (!source_show(skb, &packet)) return action(LB_VERDICT_DROP, LB_COUNT_PULL_FAILED);
  return own_packet(skb, &packet);
}

SEC("tc") int lb_ingress(struct __sk_buff* skb) { return count_exit(ingress(skb, ETH_HLEN)); }

SEC("tc") int lb_ingress_l3(struct __sk_buff* skb) { return count_exit(ingress(skb, 0)); }

SEC("tc") int lb_egress(struct __sk_buff* skb) { return count_exit(egress(skb, ETH_HLEN)); }

SEC("tc") int lb_egress_l3(struct __sk_buff* skb) { return count_exit(egress(skb, 0)); }

char lb_license[] SEC("license") = "Dual BSD/GPL";
