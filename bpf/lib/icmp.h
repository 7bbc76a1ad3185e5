/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * "Packet too big" about a packet that we translated: the router quotes it as it left us, and its real sender is on the
 * other leg. So message and quote are translated back, and path MTU discovery (RFC 1191, RFC 8201) works through a
 * steered connection. Both legs have the same header sizes, so that the MTU stays what it is.
 */
#pragma once
#include "bpf/lib/checksum.h"
#include "bpf/lib/forward.h"
#include "bpf/lib/track.h"

#define LB_ICMP4_UNREACHABLE 3
#define LB_ICMP4_TOO_BIG 4 /* code */
#define LB_ICMP6_TOO_BIG 2 /* type */
#define LB_ICMP_HEADER 8
#define LB_ICMP_CHECKSUM_OFFSET 2

struct lb_icmp {
  __u8 type;
  __u8 code;
  __be16 checksum;
  __be32 mtu; /* IPv4: only the second half of it */
};

/* A message and what it quotes. */
struct lb_too_big {
  struct lb_tuple quoted; /* as our translated packet had it */
  struct lb_address source;
  struct lb_address destination;
  __u32 seq; /* of the quoted segment, as on the wire */
  __u32 version;
  __u32 l3; /* offsets: of the message, ... */
  __u32 l4;
  __u32 quoted_l3; /* ... and inside it */
  __u32 quoted_l4;
  __u32 ip_checksum;        /* IPv4 */
  __u32 quoted_ip_checksum; /* IPv4 */
};

/* Ports and sequence number: as much as every router quotes of a segment (RFC 792). */
LB_INLINE int icmp_parse_segment(struct __sk_buff* skb, struct lb_too_big* message) {
  __u32 words[2];

  if (bpf_skb_load_bytes(skb, message->quoted_l4, words, sizeof(words))) return 0;
  message->quoted.source_port = words[0] & 0xffff;
  message->quoted.destination_port = words[0] >> 16;
  message->seq = words[1];
  return 1;
}

LB_INLINE int icmp_parse4(struct __sk_buff* skb, struct lb_too_big* message) {
  struct {
    struct lb_icmp icmp;
    struct lb_ip4_header ip;
  } head;
  __u32 size;

  /* The outer header first, in the same place: the stack is nearly used up. */
  if (bpf_skb_load_bytes(skb, message->l3, &head.ip, sizeof(head.ip))) return 0;
  size = (head.ip.version_ihl & 15) * 4;
  if (size < sizeof(head.ip) || head.ip.fragment & bpf_htons(0x3fff)) return 0;
  message->ip_checksum = head.ip.checksum;
  parse_map_address(&message->source, head.ip.source);
  parse_map_address(&message->destination, head.ip.destination);
  message->l4 = message->l3 + size;
  if (bpf_skb_load_bytes(skb, message->l4, &head, sizeof(head))) return 0;
  if (head.icmp.type != LB_ICMP4_UNREACHABLE || head.icmp.code != LB_ICMP4_TOO_BIG) return 0;
  size = (head.ip.version_ihl & 15) * 4;
  if (head.ip.version_ihl >> 4 != 4 || size < sizeof(head.ip) || head.ip.protocol != IPPROTO_TCP ||
      head.ip.fragment & bpf_htons(0x1fff))
    return 0;
  message->quoted_l3 = message->l4 + LB_ICMP_HEADER;
  message->quoted_l4 = message->quoted_l3 + size;
  message->quoted_ip_checksum = head.ip.checksum;
  parse_map_address(&message->quoted.source, head.ip.source);
  parse_map_address(&message->quoted.destination, head.ip.destination);
  return icmp_parse_segment(skb, message);
}

LB_INLINE int icmp_parse6(struct __sk_buff* skb, struct lb_too_big* message) {
  struct {
    struct lb_icmp icmp;
    struct lb_ip6_header ip;
  } head;

  message->l4 = message->l3 + LB_IP6_HEADER;
  message->quoted_l3 = message->l4 + LB_ICMP_HEADER;
  message->quoted_l4 = message->quoted_l3 + LB_IP6_HEADER;
  if (bpf_skb_load_bytes(skb, message->l4, &head, sizeof(head))) return 0;
  if (head.icmp.type != LB_ICMP6_TOO_BIG || head.icmp.code) return 0;
  if (head.ip.next_header != IPPROTO_TCP) return 0;
  message->quoted.source = head.ip.source;
  message->quoted.destination = head.ip.destination;
  if (bpf_skb_load_bytes(skb, message->l3 + __builtin_offsetof(struct lb_ip6_header, source),
                         &message->source, 2 * sizeof(message->source)))
    return 0;
  return icmp_parse_segment(skb, message);
}

/*
 * Only about what was sent and is not yet acknowledged (RFC 5927 4.1), so that a blind attacker cannot shrink the
 * segments of a connection. `flow` is that of packets which answer the quoted one.
 */
LB_INLINE int icmp_is_about_flight(const struct lb_slot* slot, const struct lb_flow* flow,
                                   const struct lb_too_big* message) {
  const struct lb_track *own = &slot->track[LB_TO_CLIENT], *other = &slot->track[LB_TO_POD];
  __u32 acknowledged, end;

  if (flow->direction == LB_TO_POD) {
    own = &slot->track[LB_TO_POD];
    other = &slot->track[LB_TO_CLIENT];
  }
  acknowledged = LB_READ(own->ack);
  end = LB_READ(other->end) - flow->ack_delta; /* as this leg counts it */
  return bpf_ntohl(message->seq) - acknowledged < end - acknowledged &&
         !track_before(end, acknowledged);
}

LB_INLINE int icmp_store_addresses(struct __sk_buff* skb, const struct lb_too_big* message,
                                   const struct lb_flow* flow, __u32 outer_diff) {
  const __u32 addresses = __builtin_offsetof(struct lb_ip6_header, source);
  const __u32 quoted = message->quoted_l3 + addresses; /* there the other way round */
  const __u32 size = sizeof(struct lb_address);

  if (message->version == 4)
    return checksum_store_ip4(skb, message->l3, checksum_ip4(message->ip_checksum, outer_diff),
                              flow->out.source.words[3], flow->out.destination.words[3]) ||
           checksum_store_ip4(skb, message->quoted_l3,
                              checksum_ip4(message->quoted_ip_checksum, flow->address_diff),
                              flow->out.destination.words[3], flow->out.source.words[3]);
  return bpf_skb_store_bytes(skb, message->l3 + addresses, &flow->out.source, 2 * size, 0) ||
         bpf_skb_store_bytes(skb, quoted, &flow->out.destination, size, 0) ||
         bpf_skb_store_bytes(skb, quoted + size, &flow->out.source, size, 0);
}

LB_INLINE int icmp_rewrite(struct __sk_buff* skb, const struct lb_too_big* message,
                           const struct lb_flow* flow) {
  const __u32 checksum = message->l4 + LB_ICMP_CHECKSUM_OFFSET;
  __u32 before[2], after[2], outer;
  __u64 sum;

  before[0] = message->quoted.source_port | (__u32)message->quoted.destination_port << 16;
  before[1] = message->seq;
  after[0] = flow->out.destination_port | (__u32)flow->out.source_port << 16;
  after[1] = bpf_htonl(bpf_ntohl(message->seq) + flow->ack_delta);
  sum = checksum_add(checksum_add(0, before[0], after[0]), before[1], after[1]);
  outer = (__u32)bpf_csum_diff((__be32*)&message->source, 2 * sizeof(message->source),
                               (__be32*)&flow->out.source, 2 * sizeof(message->source), 0);
  if (icmp_store_addresses(skb, message, flow, outer) ||
      bpf_skb_store_bytes(skb, message->quoted_l4, after, sizeof(after), 0))
    return -1;
  /* The quoted IPv4 header's own checksum makes up for its new addresses. ICMPv6 also covers the message's own. */
  if (message->version == 6) sum += flow->address_diff;
  if (bpf_l4_csum_replace(skb, checksum, 0, checksum_fold(sum), 0)) return -1;
  return message->version == 6 ? checksum_addresses(skb, checksum, 6, outer) : 0;
}

/* A global function, which the verifier looks at once: messages are rare, and every ICMP packet comes here. Returns the
 * verdict. */
__noinline int icmp_incoming(struct __sk_buff* skb, __u32 l3, __u32 version) {
  struct lb_too_big message = {.version = version, .l3 = l3};
  struct lb_tuple answers;
  struct lb_flow* flow;
  struct lb_slot* slot;
  __u32 state;

  if (!(version == 4 ? icmp_parse4(skb, &message) : icmp_parse6(skb, &message)))
    return LB_VERDICT_PASS;
  parse_reverse(&answers, &message.quoted);
  flow = bpf_map_lookup_elem(&lb_flows, &answers);
  if (!flow) return LB_VERDICT_PASS;
  slot = flow_slot(flow);
  if (!slot) return LB_VERDICT_PASS;
  state = LB_READ(slot->state);
  if (state != LB_SLOT_NORMAL && state != LB_SLOT_ARMED) return LB_VERDICT_PASS;
  if (!icmp_is_about_flight(slot, flow, &message)) {
    count(LB_COUNT_ICMP_REFUSED);
    return LB_VERDICT_PASS; /* the stack has no such connection */
  }
  if (icmp_rewrite(skb, &message, flow)) {
    count(LB_COUNT_PULL_FAILED);
    return LB_VERDICT_DROP;
  }
  count(LB_COUNT_ICMP_TRANSLATED);
  return forward_out(skb, l3, flow);
}
