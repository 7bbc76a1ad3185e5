/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Incremental checksums (RFC 1624), as sums of 32-bit words in wire order. */
#pragma once
#include "bpf/lib/parse.h"

LB_INLINE __u64 checksum_add(__u64 sum, __u32 from, __u32 to) { return sum + to + (__u32)~from; }

LB_INLINE __u32 checksum_fold(__u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  return (__u32)((sum & 0xffffffff) + (sum >> 32));
}

/* A change inside the TCP header or payload. */
LB_INLINE int checksum_segment(struct __sk_buff* skb, __u32 l4, __u32 diff) {
  return bpf_l4_csum_replace(skb, l4 + LB_TCP_CHECKSUM_OFFSET, 0, diff, 0);
}

/* The IPv4 header's own checksum after a change of words by `diff` (RFC 1624 3, equation 3). */
LB_INLINE __u16 checksum_ip4(__u32 checksum, __u32 diff) {
  __u32 sum = (~checksum & 0xffff) + (diff & 0xffff) + (diff >> 16);

  sum = (sum & 0xffff) + (sum >> 16);
  return ~((sum & 0xffff) + (sum >> 16));
}

/*
 * A change of addresses, for the checksum at `offset` of TCP or ICMPv6, whose pseudo header they are in.
 * BPF_F_PSEUDO_HDR also corrects a NIC's sum over the whole packet (CHECKSUM_COMPLETE), which is right for IPv4, where
 * the header's own checksum makes up for the new addresses. IPv6 has none: there this checksum itself makes up for
 * them, so the correction must be taken back. (Newer kernels have a flag for it, 6.1 does not.)
 */
LB_INLINE int checksum_addresses(struct __sk_buff* skb, __u32 offset, __u32 version, __u32 diff) {
  if (bpf_l4_csum_replace(skb, offset, 0, diff, BPF_F_PSEUDO_HDR)) return -1;
  if (version == 6) bpf_csum_update(skb, diff);
  return 0;
}

/* Checksum and both addresses of an IPv4 header lie side by side. */
LB_INLINE int checksum_store_ip4(struct __sk_buff* skb, __u32 l3, __u16 checksum, __be32 source,
                                 __be32 destination) {
  struct {
    __u16 unused; /* so that the rest is aligned */
    __u16 checksum;
    __be32 addresses[2];
  } head = {.checksum = checksum, .addresses = {source, destination}};

  return (int)bpf_skb_store_bytes(skb, l3 + __builtin_offsetof(struct lb_ip4_header, checksum),
                                  &head.checksum, sizeof(head) - 2, 0);
}
