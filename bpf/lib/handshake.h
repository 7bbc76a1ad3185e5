/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Handshakes of connections that may be steered later: both legs must come out without timestamps
 * (their clocks could not be translated) and without ECN, and the numbers they start with are
 * written down.
 */
#pragma once
#include "bpf/lib/count.h"
#include "bpf/lib/listener.h"
#include "bpf/lib/maps.h"
#include "bpf/lib/options.h"

LB_INLINE int handshake_upstream_port(__be16 port) {
  __u16 host = bpf_ntohs(port);

  return host >= knobs.upstream_port_first && host <= knobs.upstream_port_last;
}

/* Takes the ECN bits off a SYN. Returns LB_FOUND_*. */
LB_INLINE __u32 handshake_clear_ecn(struct __sk_buff* skb, const struct lb_packet* packet) {
  __u32 before = packet->words[3], after = before & ~bpf_htonl(LB_TCP_ECN);

  if (before == after) return 0;
  if (bpf_skb_store_bytes(skb, packet->l4 + 12, &after, sizeof(after), 0) ||
      checksum_segment(skb, packet->l4, checksum_fold(checksum_add(0, before, after))))
    return LB_FOUND_ERROR;
  return LB_FOUND_CHANGED;
}

LB_INLINE struct lb_action handshake_done(__u32 found) {
  if (found & LB_FOUND_ERROR) return action(LB_VERDICT_DROP, LB_COUNT_PULL_FAILED);
  if (found & LB_FOUND_CHANGED) return action(LB_VERDICT_PASS, LB_COUNT_HANDSHAKE_CLEANED);
  return action_not_ours();
}

LB_INLINE struct lb_action handshake_clean_syn(struct __sk_buff* skb,
                                               const struct lb_packet* packet) {
  __u32 found = handshake_clear_ecn(skb, packet);

  found |= options_edit(skb, packet->l4 + LB_TCP_HEADER, parse_options_length(packet),
                        LB_EDIT_BLANK_TIMESTAMP, 0);
  return handshake_done(found);
}

/*
 * Would the stack route this packet on instead of taking it? A listener on "every local address"
 * must not make us edit handshakes between others that use the same port.
 */
LB_INLINE int handshake_is_transit(struct __sk_buff* skb, const struct lb_packet* packet) {
  struct bpf_fib_lookup route = {};
  long result;

  route.ifindex = skb->ingress_ifindex;
  route.l4_protocol = IPPROTO_TCP;
  if (packet->version == 6) {
    route.family = 10; /* AF_INET6 */
    __builtin_memcpy(route.ipv6_src, &packet->tuple.source, sizeof(route.ipv6_src));
    __builtin_memcpy(route.ipv6_dst, &packet->tuple.destination, sizeof(route.ipv6_dst));
  } else {
    route.family = 2; /* AF_INET */
    route.ipv4_src = packet->tuple.source.words[3];
    route.ipv4_dst = packet->tuple.destination.words[3];
  }
  result = bpf_fib_lookup(skb, &route, sizeof(route), 0);
  return result == BPF_FIB_LKUP_RET_SUCCESS || result == BPF_FIB_LKUP_RET_NO_NEIGH ||
         result == BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

/* A client's SYN on its way to a listener. */
LB_INLINE struct lb_action handshake_client_syn(struct __sk_buff* skb,
                                                const struct lb_packet* packet) {
  struct lb_listener* listener =
      listener_find(&packet->tuple.destination, packet->tuple.destination_port);

  if (!listener || !(listener->flags & LB_LISTENER_STEER)) return action_not_ours();
  if (handshake_is_transit(skb, packet)) return action_not_ours();
  return handshake_clean_syn(skb, packet);
}

/* Keeps what was recorded first: a repeated SYN-ACK, or the same one on a device stacked on
 * another, adds nothing. */
LB_INLINE int handshake_known(const struct lb_leg* leg, __u32 local_next) {
  return leg && leg->local_next == local_next && leg->ifindex;
}

/* The answer of our listener's socket: the promised MSS must suit the pods (a steered segment is
 * not cut again). */
LB_INLINE struct lb_action handshake_client_synack(struct __sk_buff* skb,
                                                   const struct lb_packet* packet) {
  struct lb_listener* listener = listener_find(&packet->tuple.source, packet->tuple.source_port);
  struct lb_leg leg = {.local_next = packet->seq + 1, .remote_next = packet->ack};
  struct lb_tuple client;
  __u32 cap, found;

  if (!listener || !(listener->flags & LB_LISTENER_STEER)) return action_not_ours();
  cap = packet->version == 6 ? listener->mss6 : listener->mss4;
  found = options_edit(skb, packet->l4 + LB_TCP_HEADER, parse_options_length(packet),
                       cap ? LB_EDIT_MSS : 0, cap);
  /* Timestamps here mean that we did not see the SYN: the socket has agreed to them, so they must
   * stay. */
  if (!(found & LB_FOUND_TIMESTAMP) && !(packet->control & LB_TCP_ECE)) leg.flags = LB_LEG_CLEAN;
  leg.ifindex = skb->ifindex;
  parse_reverse(&client, &packet->tuple);
  if (!handshake_known(bpf_map_lookup_elem(&lb_legs, &client), leg.local_next)) {
    bpf_map_update_elem(&lb_legs, &client, &leg, BPF_ANY);
    count(LB_COUNT_LEG_RECORDED);
  }
  return handshake_done(found);
}

/* Our own SYN to a pod. Its leg is entered now, so that nobody else's SYN-ACKs can fill the table.
 */
LB_INLINE struct lb_action handshake_upstream_syn(struct __sk_buff* skb,
                                                  const struct lb_packet* packet) {
  struct lb_leg leg = {.local_next = packet->seq + 1};
  struct lb_tuple pod;

  parse_reverse(&pod, &packet->tuple);
  if (!handshake_known(bpf_map_lookup_elem(&lb_legs, &pod), leg.local_next))
    bpf_map_update_elem(&lb_legs, &pod, &leg, BPF_ANY);
  return handshake_clean_syn(skb, packet);
}

/* A pod's answer to it. */
LB_INLINE struct lb_action handshake_upstream_synack(struct __sk_buff* skb,
                                                     const struct lb_packet* packet) {
  struct lb_leg* leg;
  __u32 found;

  if (!handshake_upstream_port(packet->tuple.destination_port)) return action_not_ours();
  leg = bpf_map_lookup_elem(&lb_legs, &packet->tuple);
  if (!leg || leg->ifindex || leg->local_next != packet->ack) return action_not_ours();
  found = options_edit(skb, packet->l4 + LB_TCP_HEADER, parse_options_length(packet), 0, 0);
  leg->remote_next = packet->seq + 1;
  leg->mss = LB_FOUND_MSS(found);
  if (!(found & LB_FOUND_TIMESTAMP) && !(packet->control & LB_TCP_ECE)) leg->flags = LB_LEG_CLEAN;
  LB_WRITE(leg->ifindex, skb->ifindex); /* last: it says that the entry is complete */
  return action(LB_VERDICT_PASS, LB_COUNT_LEG_RECORDED);
}

/* A packet that comes in and belongs to no flow. */
LB_INLINE struct lb_action handshake_incoming(struct __sk_buff* skb,
                                              const struct lb_packet* packet) {
  __u32 flags = packet->control & (LB_TCP_SYN | LB_TCP_ACK | LB_TCP_FIN | LB_TCP_RST);

  if (flags == LB_TCP_SYN) return handshake_client_syn(skb, packet);
  if (flags == (LB_TCP_SYN | LB_TCP_ACK)) return handshake_upstream_synack(skb, packet);
  return action_not_ours();
}
