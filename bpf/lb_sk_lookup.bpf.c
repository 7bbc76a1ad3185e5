/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * lb_sk_lookup: gives a connection to a listener's address and port to the socket of one worker,
 * whatever that socket is bound to. So listeners come and go without a bind, and a change of
 * configuration never closes a listening socket.
 */
#include "bpf/lib/count.h"
#include "bpf/lib/listener.h"

const volatile struct lb_knobs knobs = {
    .upstream_port_first = 15000, .upstream_port_last = 29999, .workers = 1};

struct {
  __uint(type, BPF_MAP_TYPE_SOCKMAP);
  __uint(max_entries, 2 * LB_MAX_WORKERS); /* LB_SOCKET_OF(worker, family) */
  __type(key, __u32);
  __type(value, __u64);
} lb_sockets SEC(".maps");

/* Each field must be read at its own constant offset: clang would rather merge the branches into
 * one computed one. */
LB_INLINE void local_address(const struct bpf_sk_lookup* context, struct lb_address* out) {
  __be32 last4 = context->local_ip4, last6 = context->local_ip6[3];
  int six = context->family == 10; /* AF_INET6 */

  asm volatile("" : "+r"(last4), "+r"(last6));
  out->words[0] = six ? context->local_ip6[0] : 0;
  out->words[1] = six ? context->local_ip6[1] : 0;
  out->words[2] = six ? context->local_ip6[2] : bpf_htonl(0xffff);
  out->words[3] = six ? last6 : last4;
}

/* Multiplying twice spreads the consecutive ports of one client evenly over any number of workers.
 */
LB_INLINE __u32 pick_worker(const struct bpf_sk_lookup* context, __u32 workers) {
  __u32 four = context->remote_ip4, six = context->remote_ip6[3], hash;

  asm volatile("" : "+r"(four), "+r"(six)); /* as above */
  hash = four ^ six;                        /* the one of the other family is zero */
  hash = (hash ^ (__u32)context->remote_port << 16 ^ context->local_port) * 0x9e3779b1u;
  hash ^= hash >> 15;
  hash *= 0x85ebca6bu;
  return (__u32)((__u64)hash * workers >> 32);
}

LB_INLINE int assign_from(struct bpf_sk_lookup* context, __u32 index) {
  struct bpf_sock* socket = bpf_map_lookup_elem(&lb_sockets, &index);
  long result;

  if (!socket) return -1;
  result = bpf_sk_assign(context, socket, 0);
  bpf_sk_release(socket);
  return (int)result;
}

/* An IPv6 socket takes IPv4 connections as well if it is dual stack; the kernel says so. */
LB_INLINE int assign(struct bpf_sk_lookup* context, __u32 worker) {
  if (context->family != 10 && !assign_from(context, LB_SOCKET_OF(worker, 0))) return 0;
  return assign_from(context, LB_SOCKET_OF(worker, 1));
}

struct lb_search {
  struct bpf_sk_lookup* context;
  __u32 worker;
  __u32 found;
};

/* bpf_loop, because the verifier would follow a loop of 64 rounds with all the ways that each of them can go. */
static long try_worker(__u32 round, void* data) {
  struct lb_search* search = data;

  if (!assign(search->context, search->worker)) {
    search->found = 1;
    return 1;
  }
  /* One that is starting or gone: the next. */
  search->worker = search->worker + 1 < knobs.workers ? search->worker + 1 : 0;
  return 0;
}

SEC("sk_lookup") int lb_sk_lookup(struct bpf_sk_lookup* context) {
  struct lb_search search = {.context = context};
  struct lb_address address;

  if (context->protocol != IPPROTO_TCP) return SK_PASS;
  local_address(context, &address);
  if (!listener_find(&address, bpf_htons(context->local_port))) return SK_PASS;
  search.worker = pick_worker(context, knobs.workers);
  bpf_loop(knobs.workers, try_worker, &search, 0);
  count(search.found ? LB_COUNT_LOOKUP_ASSIGNED : LB_COUNT_LOOKUP_NO_SOCKET);
  return SK_PASS; /* without a socket the stack goes on, finds nobody listening and refuses */
}

char lb_license[] SEC("license") = "Dual BSD/GPL";
