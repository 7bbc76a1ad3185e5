/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one walker over TCP options: caps the MSS, blanks timestamps, shifts or blanks SACK blocks. A
 * slow path: only handshakes and packets with options come here. A global function, so that the
 * verifier checks it once, not once a caller; bpf_loop (5.17) keeps it from checking every
 * iteration.
 */
#pragma once
#include "bpf/lib/checksum.h"

#define LB_OPTIONS_MAX 40

#define LB_OPTION_END 0
#define LB_OPTION_NOP 1
#define LB_OPTION_MSS 2
#define LB_OPTION_SACK 5
#define LB_OPTION_TIMESTAMP 8

/* What to do ... */
#define LB_EDIT_MSS 1 /* at most `value` */
#define LB_EDIT_BLANK_TIMESTAMP 2
#define LB_EDIT_SHIFT_SACK 4 /* add `value` to both edges of each block */
#define LB_EDIT_BLANK_SACK 8
/* ... and what was found: bits of the result. */
#define LB_FOUND_TIMESTAMP 1
#define LB_FOUND_CHANGED 2
#define LB_FOUND_ERROR 4 /* the packet could not be written: it must be dropped */
#define LB_FOUND_MSS(found) ((found) >> 16) /* as it came; 0: no such option */

struct lb_options {
  __u8 before[64]; /* a power of two, so that a mask proves an index to be inside */
  __u8 after[64];
  __u32 position;
  __u32 length;
  __u32 edits;
  __u32 value;
  __u32 found;
};

/* Keeps clang from moving or dropping the mask that the verifier needs to see. */
LB_INLINE __u32 options_index(__u32 index) {
  asm volatile("%0 &= 63" : "+r"(index));
  return index;
}

LB_INLINE __u32 options_get32(const struct lb_options* options, __u32 at) {
  return (__u32)options->before[options_index(at)] << 24 |
         (__u32)options->before[options_index(at + 1)] << 16 |
         (__u32)options->before[options_index(at + 2)] << 8 |
         options->before[options_index(at + 3)];
}

LB_INLINE void options_put32(struct lb_options* options, __u32 at, __u32 value) {
  options->after[options_index(at)] = value >> 24;
  options->after[options_index(at + 1)] = value >> 16;
  options->after[options_index(at + 2)] = value >> 8;
  options->after[options_index(at + 3)] = value;
}

static long options_blank_byte(__u32 i, void* context) {
  struct lb_options* options = context;

  options->after[options_index(options->position + i)] = LB_OPTION_NOP;
  return 0;
}

/* The option at `position`. */
LB_INLINE void options_blank(struct lb_options* options, __u32 size) {
  bpf_loop(size, options_blank_byte, options, 0);
  options->found |= LB_FOUND_CHANGED;
}

LB_INLINE void options_see_mss(struct lb_options* options, __u32 at) {
  __u32 mss =
      (__u32)options->before[options_index(at + 2)] << 8 | options->before[options_index(at + 3)];

  options->found |= mss << 16;
  if (!(options->edits & LB_EDIT_MSS) || mss <= options->value) return;
  options->after[options_index(at + 2)] = options->value >> 8;
  options->after[options_index(at + 3)] = options->value;
  options->found |= LB_FOUND_CHANGED;
}

LB_INLINE void options_shift_sack(struct lb_options* options, __u32 at, __u32 size) {
  for (__u32 i = 2; i < 2 + 4 * 8; i += 4) { /* RFC 2018: at most four blocks of two edges */
    if (i + 4 > size) break;
    options_put32(options, at + i, options_get32(options, at + i) + options->value);
  }
  options->found |= LB_FOUND_CHANGED;
}

static long options_step(__u32 round, void* context) {
  struct lb_options* options = context;
  __u32 at = options->position, kind, size;

  if (at >= LB_OPTIONS_MAX || at >= options->length) return 1;
  kind = options->before[options_index(at)];
  if (kind == LB_OPTION_END) return 1;
  if (kind == LB_OPTION_NOP) {
    options->position = at + 1;
    return 0;
  }
  size = options->before[options_index(at + 1)];
  if (size < 2 || at + size > options->length) return 1; /* malformed: the endpoint's business */
  if (kind == LB_OPTION_TIMESTAMP) {
    options->found |= LB_FOUND_TIMESTAMP;
    if (options->edits & LB_EDIT_BLANK_TIMESTAMP) options_blank(options, size);
  }
  if (kind == LB_OPTION_MSS && size == 4) options_see_mss(options, at);
  if (kind == LB_OPTION_SACK) {
    if (options->edits & LB_EDIT_SHIFT_SACK) options_shift_sack(options, at, size);
    if (options->edits & LB_EDIT_BLANK_SACK) options_blank(options, size);
  }
  options->position = at + size;
  return 0;
}

/* `offset`: of the options, which end the TCP header; `length`: 0..40. Returns LB_FOUND_*. */
__noinline __u32 options_edit(struct __sk_buff* skb, __u32 offset, __u32 length, __u32 edits,
                              __u32 value) {
  struct lb_options options = {.length = length, .edits = edits, .value = value};
  __s64 diff;

  if (length < 1 || length > LB_OPTIONS_MAX) return 0;
  if (bpf_skb_load_bytes(skb, offset, options.before, length)) return 0;
  __builtin_memcpy(options.after, options.before, sizeof(options.after));
  bpf_loop(LB_OPTIONS_MAX, options_step, &options, 0);
  if (!(options.found & LB_FOUND_CHANGED)) return options.found;
  diff = bpf_csum_diff((__be32*)options.before, LB_OPTIONS_MAX, (__be32*)options.after,
                       LB_OPTIONS_MAX, 0);
  if (bpf_skb_store_bytes(skb, offset, options.after, length, 0) ||
      checksum_segment(skb, offset - LB_TCP_HEADER, (__u32)diff))
    return options.found | LB_FOUND_ERROR;
  return options.found;
}
