// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Loses, duplicates and reorders TCP packets of one interface, both directions. For test kernels
// without netem. Attached by the program impair in a client's or pod's namespace, never in the
// node's: the product's programs there see only the result.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// Set on a packet that has been dealt with and comes by once more; cleared when it is let through.
#define MARK_OUT 0x51e70001
#define MARK_IN 0x51e70002

enum { LOST, DUPLICATED, REORDERED, PASSED, COUNTERS };

const volatile __u32 loss_ppm = 0;
const volatile __u32 duplicate_ppm = 0;
const volatile __u32 reorder_ppm = 0;
const volatile __u32 ifindex = 0;        // the impaired interface
const volatile __u32 delay_ifindex = 0;  // one end of the detour

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, COUNTERS);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps");

static __always_inline void count(__u32 what) {
  __u64* value = bpf_map_lookup_elem(&counters, &what);
  if (value) *value += 1;
}

static __always_inline int chance(__u32 ppm) { return bpf_get_prandom_u32() % 1000000 < ppm; }

// Neighbour discovery, ARP and ICMP are spared: losing those tests the kernel, not us.
static __always_inline int is_tcp(struct __sk_buff* skb) {
  __u8 protocol = 0;
  if (skb->protocol == bpf_htons(ETH_P_IP)) {
    bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct iphdr, protocol), &protocol, 1);
  } else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
    bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr), &protocol, 1);
  }
  return protocol == IPPROTO_TCP;
}

static __always_inline int impair(struct __sk_buff* skb, __u32 mark, __u64 direction) {
  if (skb->mark == mark) {
    skb->mark = 0;
    return TC_ACT_UNSPEC;
  }
  if (!is_tcp(skb)) return TC_ACT_UNSPEC;
  if (chance(loss_ppm)) {
    count(LOST);
    return TC_ACT_SHOT;
  }
  if (chance(duplicate_ppm)) {
    count(DUPLICATED);
    skb->mark = mark;
    bpf_clone_redirect(skb, ifindex, direction);
    skb->mark = 0;
  }
  if (delay_ifindex && chance(reorder_ppm)) {
    count(REORDERED);
    skb->mark = mark;
    return bpf_redirect(delay_ifindex, 0);
  }
  count(PASSED);
  return TC_ACT_UNSPEC;
}

SEC("tc")
int impair_out(struct __sk_buff* skb) { return impair(skb, MARK_OUT, 0); }

SEC("tc")
int impair_in(struct __sk_buff* skb) { return impair(skb, MARK_IN, BPF_F_INGRESS); }

// The far end of the detour (a veth pair behind a slow token bucket): packets that went in
// meanwhile have overtaken.
SEC("tc")
int impair_back(struct __sk_buff* skb) {
  if (skb->mark == MARK_OUT) return bpf_redirect(ifindex, 0);
  if (skb->mark == MARK_IN) return bpf_redirect(ifindex, BPF_F_INGRESS);
  return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
