/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From an skb to the few numbers that the other stages use. Read by helper, not by packet pointers:
 * a program that writes through pointers makes the kernel unclone every packet on the interface
 * (bpf_unclone_prologue), also those of others; headers beyond the linear part need no case of
 * their own this way.
 */
#pragma once
#include "bpf/abi/tuple.h"
#include "bpf/lib/base.h"

/* Bits of the TCP header's fourth word in host order (RFC 9293 3.1). */
#define LB_TCP_FIN 0x00010000
#define LB_TCP_SYN 0x00020000
#define LB_TCP_RST 0x00040000
#define LB_TCP_PSH 0x00080000
#define LB_TCP_ACK 0x00100000
#define LB_TCP_ECE 0x00400000
#define LB_TCP_ECN 0x01c00000 /* ECE, CWR, and AE (RFC 9768) */
#define LB_TCP_WINDOW 0x0000ffff

#define LB_PROTOCOL_ICMP6 58
#define LB_TCP_HEADER 20
#define LB_IP6_HEADER 40
#define LB_TCP_CHECKSUM_OFFSET 16

struct lb_packet {
  struct lb_tuple tuple;
  __u32 words[4]; /* first 16 bytes of the TCP header as they are on the wire */
  __u32 seq;      /* host order, as the next two */
  __u32 ack;
  __u32 control; /* data offset, flags, window */
  __u32 length;  /* payload bytes, from the IP header: skb->len counts Ethernet padding */
  __u32 l3;      /* offsets of the headers */
  __u32 l4;
  __u32 version;     /* 4 or 6 */
  __u32 ip_checksum; /* IPv4, as on the wire */
  __u32 is_icmp;     /* not TCP, but of interest */
  __u32 fragment;    /* first fragment: has a TCP header, but not all of the payload */
};

LB_INLINE __u32 parse_options_length(const struct lb_packet* packet) {
  return (packet->control >> 28) * 4 - LB_TCP_HEADER;
}

LB_INLINE __u32 parse_payload(const struct lb_packet* packet) {
  return packet->l4 + (packet->control >> 28) * 4;
}

LB_INLINE void parse_map_address(struct lb_address* out, __be32 address) {
  out->words[0] = 0;
  out->words[1] = 0;
  out->words[2] = bpf_htonl(0xffff);
  out->words[3] = address;
}

struct lb_ip4_header {
  __u8 version_ihl;
  __u8 tos;
  __be16 total_length;
  __be16 id;
  __be16 fragment;
  __u8 ttl;
  __u8 protocol;
  __be16 checksum;
  __be32 source;
  __be32 destination;
};

struct lb_ip6_header {
  __be32 version_class_flow;
  __be16 payload_length;
  __u8 next_header;
  __u8 hop_limit;
  struct lb_address source;
  struct lb_address destination;
};

/*
 * IP header and the first 16 bytes of TCP in one read: two cost 8 ns more (measured). Packets too short for that
 * are not TCP. Both return the length of the TCP segment, 0 for what is not a TCP packet that can be steered.
 */
LB_INLINE __u32 parse_ip4(struct __sk_buff* skb, struct lb_packet* packet) {
  struct {
    struct lb_ip4_header ip;
    __u32 words[4];
  } head;
  __u32 header, total;

  if (bpf_skb_load_bytes(skb, packet->l3, &head, sizeof(head))) return 0;
  header = (head.ip.version_ihl & 15) * 4;
  packet->version = 4;
  packet->is_icmp = head.ip.protocol == IPPROTO_ICMP;
  if (head.ip.protocol != IPPROTO_TCP || head.ip.version_ihl >> 4 != 4) return 0;
  if (header < sizeof(head.ip) || head.ip.fragment & bpf_htons(0x1fff)) return 0;
  packet->fragment = !!(head.ip.fragment & bpf_htons(0x2000));
  packet->l4 = packet->l3 + header;
  packet->ip_checksum = head.ip.checksum;
  parse_map_address(&packet->tuple.source, head.ip.source);
  parse_map_address(&packet->tuple.destination, head.ip.destination);
  __builtin_memcpy(packet->words, head.words, sizeof(packet->words));
  if (header > sizeof(head.ip) &&
      bpf_skb_load_bytes(skb, packet->l4, packet->words, sizeof(packet->words)))
    return 0;
  total = bpf_ntohs(head.ip.total_length);
  if (!total && skb->gso_size)
    total = skb->len - packet->l3; /* BIG TCP: more than the field can say */
  return total > header && total <= skb->len - packet->l3 ? total - header : 0;
}

/* Extension headers are left to the stack: TCP with them is rare enough not to be worth a loop in every packet. */
LB_INLINE __u32 parse_ip6(struct __sk_buff* skb, struct lb_packet* packet) {
  struct {
    struct lb_ip6_header ip;
    __u32 words[4];
  } head;
  __u32 total;

  if (bpf_skb_load_bytes(skb, packet->l3, &head, sizeof(head))) return 0;
  packet->version = 6;
  packet->is_icmp = head.ip.next_header == LB_PROTOCOL_ICMP6;
  if (head.ip.next_header != IPPROTO_TCP) return 0;
  packet->fragment = 0;
  packet->l4 = packet->l3 + LB_IP6_HEADER;
  packet->ip_checksum = 0;
  packet->tuple.source = head.ip.source;
  packet->tuple.destination = head.ip.destination;
  __builtin_memcpy(packet->words, head.words, sizeof(packet->words));
  total = bpf_ntohs(head.ip.payload_length);
  if (!total && skb->gso_size) total = skb->len - packet->l4;
  return total <= skb->len - packet->l4 ? total : 0;
}

/* True for a TCP packet in IPv4 or IPv6. A tagged packet comes by again on its VLAN's own
 * interface, without tag. */
LB_INLINE int parse_packet(struct __sk_buff* skb, struct lb_packet* packet, __u32 l2_length) {
  __u32 segment, header;

  packet->l3 = l2_length;
  packet->is_icmp = 0;
  if (skb->vlan_present || skb->len < l2_length) return 0;
  if (skb->protocol == bpf_htons(ETH_P_IP)) {
    segment = parse_ip4(skb, packet);
  } else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
    segment = parse_ip6(skb, packet);
  } else {
    return 0;
  }
  if (segment < LB_TCP_HEADER) return 0;
  packet->tuple.source_port = packet->words[0] & 0xffff;
  packet->tuple.destination_port = packet->words[0] >> 16;
  packet->seq = bpf_ntohl(packet->words[1]);
  packet->ack = bpf_ntohl(packet->words[2]);
  packet->control = bpf_ntohl(packet->words[3]);
  header = (packet->control >> 28) * 4;
  if (header < LB_TCP_HEADER || header > segment) return 0;
  packet->length = segment - header;
  return 1;
}

LB_INLINE void parse_reverse(struct lb_tuple* out, const struct lb_tuple* in) {
  out->source = in->destination;
  out->destination = in->source;
  out->source_port = in->destination_port;
  out->destination_port = in->source_port;
}
