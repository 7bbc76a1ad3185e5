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

LB_INLINE int rewrite_addresses(struct __sk_buff* skb, const struct lb_packet* packet,
                                const struct lb_flow* flow) {
  __be32 pair[2];

  if (packet->version == 6)
    return (int)bpf_skb_store_bytes(skb,
                                    packet->l3 + __builtin_offsetof(struct lb_ip6_header, source),
                                    &flow->out, 2 * sizeof(struct lb_address), 0);
  pair[0] = flow->out.source.words[3];
  pair[1] = flow->out.destination.words[3];
  return (int)bpf_skb_store_bytes(
      skb, packet->l3 + __builtin_offsetof(struct lb_ip4_header, source), pair, sizeof(pair), 0);
}

LB_INLINE int rewrite_segment(struct __sk_buff* skb, const struct lb_packet* packet,
                              const struct lb_flow* flow, const struct lb_view* view) {
  __u32 control = packet->control & ~LB_TCP_WINDOW;
  __u32 words[4];
  __u64 sum = 0;

  words[0] = flow->out.source_port | (__u32)flow->out.destination_port << 16;
  words[1] = bpf_htonl(view->seq_there);
  words[2] = bpf_htonl(view->ack_there);
  words[3] = bpf_htonl(control | rewrite_window(flow, packet->control));
  for (int i = 0; i < 4; i++) sum = checksum_add(sum, packet->words[i], words[i]);
  if (bpf_skb_store_bytes(skb, packet->l4, words, sizeof(words), 0)) return -1;
  return checksum_segment(skb, packet->l4, checksum_fold(sum));
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
  return !rewrite_addresses(skb, packet, flow) && !rewrite_segment(skb, packet, flow, view) &&
         !checksum_addresses(skb, packet, flow->address_diff) &&
         !rewrite_options(skb, packet, flow, slot);
}
