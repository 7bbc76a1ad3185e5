/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Turning a packet of one leg into a packet of the other, checksums included. */
#pragma once
#include "bpf/lib/options.h"
#include "bpf/lib/track.h"

LB_INLINE __u32 rewrite_window(const struct lb_flow* flow, __u32 control) {
  __u64 window =
      (__u64)(control & LB_TCP_WINDOW) << (flow->window_left & 15) >> (flow->window_right & 15);

  return window > LB_TCP_WINDOW ? LB_TCP_WINDOW : (__u32)window;
}

/*
 * From the addresses to the TCP window in one write, as every write makes sure again that the header is ours alone.
 * The headers' contents: ports, numbers, flags and window in `words`.
 */
LB_INLINE int rewrite_store4(struct __sk_buff* skb, const struct lb_packet* packet,
                             const struct lb_flow* flow, const __u32* words) {
  struct {
    __u16 unused; /* so that the rest is aligned */
    __u16 checksum;
    __be32 source;
    __be32 destination;
    __u32 words[4];
  } head = {.checksum = checksum_ip4(packet->ip_checksum, flow->address_diff),
            .source = flow->out.source.words[3],
            .destination = flow->out.destination.words[3]};
  const __u32 start = packet->l3 + __builtin_offsetof(struct lb_ip4_header, checksum);
  const __u32 addresses = sizeof(head.checksum) + sizeof(head.source) + sizeof(head.destination);

  __builtin_memcpy(head.words, words, sizeof(head.words));
  if (packet->l4 - packet->l3 == sizeof(struct lb_ip4_header))
    return (int)bpf_skb_store_bytes(skb, start, &head.checksum, sizeof(head) - 2, 0);
  /* IP options lie between. */
  if (bpf_skb_store_bytes(skb, start, &head.checksum, addresses, 0)) return -1;
  return (int)bpf_skb_store_bytes(skb, packet->l4, head.words, sizeof(head.words), 0);
}

LB_INLINE int rewrite_store6(struct __sk_buff* skb, const struct lb_packet* packet,
                             const struct lb_flow* flow, const __u32* words) {
  struct {
    struct lb_address source;
    struct lb_address destination;
    __u32 words[4];
  } head = {.source = flow->out.source, .destination = flow->out.destination};

  __builtin_memcpy(head.words, words, sizeof(head.words));
  return (int)bpf_skb_store_bytes(
      skb, packet->l3 + __builtin_offsetof(struct lb_ip6_header, source), &head, sizeof(head), 0);
}

LB_INLINE int rewrite_headers(struct __sk_buff* skb, const struct lb_packet* packet,
                              const struct lb_flow* flow, const struct lb_view* view) {
  __u32 control = packet->control & ~LB_TCP_WINDOW;
  __u32 words[4];
  __u64 sum = 0;

  words[0] = flow->out.source_port | (__u32)flow->out.destination_port << 16;
  words[1] = bpf_htonl(view->seq_there);
  words[2] = bpf_htonl(view->ack_there);
  words[3] = bpf_htonl(control | rewrite_window(flow, packet->control));
  for (int i = 0; i < 4; i++) sum = checksum_add(sum, packet->words[i], words[i]);
  if (packet->version == 6 ? rewrite_store6(skb, packet, flow, words)
                           : rewrite_store4(skb, packet, flow, words))
    return -1;
  if (checksum_segment(skb, packet->l4, checksum_fold(sum))) return -1;
  return checksum_addresses(skb, packet->l4 + LB_TCP_CHECKSUM_OFFSET, packet->version,
                            flow->address_diff);
}

/* SACK blocks count like acknowledgments. A receiver that did not agree to SACK is not shown any
 * (RFC 2018 2). */
LB_INLINE int rewrite_options(struct __sk_buff* skb, const struct lb_packet* packet,
                              const struct lb_flow* flow, const struct lb_slot* slot) {
  __u32 length = parse_options_length(packet), edit = LB_EDIT_SHIFT_SACK, found;

  if (!length) return 0;
  if (!(flow->direction == LB_TO_POD ? slot->pod_has_sack : slot->client_has_sack))
    edit = LB_EDIT_BLANK_SACK;
  found = options_edit(skb, packet->l4 + LB_TCP_HEADER, length, edit, flow->ack_delta);
  if (found & LB_FOUND_CHANGED) count(LB_COUNT_SACK_REWRITTEN);
  return found & LB_FOUND_ERROR;
}

/* False: it could not be written, and what is half written must not go anywhere. */
LB_INLINE int rewrite_packet(struct __sk_buff* skb, const struct lb_packet* packet,
                             const struct lb_flow* flow, const struct lb_slot* slot,
                             const struct lb_view* view) {
  return !rewrite_headers(skb, packet, flow, view) && !rewrite_options(skb, packet, flow, slot);
}
