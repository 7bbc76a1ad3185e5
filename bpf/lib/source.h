/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The client's address towards a local pod: on the way out our own packets get it as their source, on the way in what
 * the pod answers gets the node's again as its destination. All stages see what is on the wire to the pod.
 */
#pragma once
#include "bpf/lib/checksum.h"
#include "bpf/lib/handshake.h"

/*
 * A global function, which the verifier looks at once. False: not written, and the packet must not go anywhere. The
 * packet's own view stays as it was.
 */
__noinline int source_write(struct __sk_buff* skb, struct lb_packet* packet,
                            struct lb_source* source, __u32 is_destination) {
  struct lb_address from;
  __u32 diff, offset;
  __be32 other;
  int failed;

  if (!packet || !source) return 0;
  from = is_destination ? packet->tuple.destination : packet->tuple.source;
  diff = (__u32)bpf_csum_diff((__be32*)&from, sizeof(from), (__be32*)&source->address,
                              sizeof(source->address), 0);
  if (packet->version == 4) {
    __u16 checksum = checksum_ip4(packet->ip_checksum, diff);

    if (is_destination) {
      other = packet->tuple.source.words[3];
      failed = checksum_store_ip4(skb, packet->l3, checksum, other, source->address.words[3]);
    } else {
      other = packet->tuple.destination.words[3];
      failed = checksum_store_ip4(skb, packet->l3, checksum, source->address.words[3], other);
    }
  } else {
    offset = packet->l3 + __builtin_offsetof(struct lb_ip6_header, source);
    if (is_destination) offset += sizeof(struct lb_address);
    failed = (int)bpf_skb_store_bytes(skb, offset, &source->address, sizeof(source->address), 0);
  }
  if (failed) return 0;
  return !checksum_addresses(skb, packet->l4 + LB_TCP_CHECKSUM_OFFSET, packet->version, diff);
}

/* NULL for nearly all packets: few have a port of our range. */
LB_INLINE struct lb_source* source_find(const struct __sk_buff* skb, const struct lb_packet* packet,
                                        __be16 port) {
  struct lb_source* source;

  if (!handshake_upstream_port(port)) return NULL;
  source = bpf_map_lookup_elem(&lb_sources, &packet->tuple);
  return source && source->ifindex == skb->ifindex ? source : NULL;
}

/* A packet of our own socket. False: it must be dropped. */
LB_INLINE int source_show(struct __sk_buff* skb, struct lb_packet* packet) {
  struct lb_source* source = source_find(skb, packet, packet->tuple.source_port);

  if (!source) return 1;
  if (!source_write(skb, packet, source, 0)) return 0;
  packet->tuple.source = source->address;
  count(LB_COUNT_SOURCE_SHOWN);
  return 1;
}

/* A packet that was seen through and is for the stack. */
LB_INLINE struct lb_action source_return(struct __sk_buff* skb, struct lb_packet* packet,
                                         struct lb_action done) {
  struct lb_source* source;

  if (done.verdict != LB_VERDICT_PASS) return done;
  source = source_find(skb, packet, packet->tuple.destination_port);
  if (!source) return done;
  if (!source_write(skb, packet, source, 1)) return action(LB_VERDICT_DROP, LB_COUNT_PULL_FAILED);
  count(LB_COUNT_SOURCE_RETURNED);
  return done;
}
