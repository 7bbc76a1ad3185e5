/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One slot per steered connection, in an array that the agent maps into its memory: both sides read it and change
 * `state` by compare-and-swap. Flow entries of both directions name the slot.
 *
 * Writers: the agent fills a slot while USED and publishes it by state = NORMAL. From then on lb_tc writes tracking,
 * flags and NORMAL/ARMED -> HELD, NORMAL -> ENDED; the agent writes NORMAL -> ARMED, any -> PASS -> ENDED -> FREE.
 * Flags are bytes of their own: a read-modify-write of a shared word from two CPUs would lose updates.
 */
#pragma once
#include "bpf/abi/tuple.h"

enum lb_slot_state {
  LB_SLOT_FREE = 0,
  LB_SLOT_USED = 1,   /* an agent socket owns the upstream port; no flow entries */
  LB_SLOT_NORMAL = 2, /* steered: TC translates */
  LB_SLOT_ARMED = 3,  /* steered, to be taken back at the next request boundary */
  LB_SLOT_HELD = 4,   /* TC drops both directions and copies client data to the ring */
  LB_SLOT_PASS = 5,   /* sockets exist again: TC lets the stack have the packets */
  LB_SLOT_ENDED =
      6, /* the flow entries are gone; the agent collects the counters and frees the slot, after a rest */
};

enum lb_direction {
  LB_TO_POD = 0,    /* sent by the client */
  LB_TO_CLIENT = 1, /* sent by the pod */
};

/* What one side has sent, in that side's own numbering. */
struct lb_track {
  __u32 end;     /* highest sequence number + length seen */
  __u32 ack;     /* highest acknowledgment sent (numbering of the other side as this leg sees it) */
  __u32 window;  /* raw window field that came with it */
  __u32 fin_end; /* sequence number behind its FIN, valid once fin is set */
  __u64 packets; /* about: two CPUs may count one */
  __u64
      bytes; /* payload, repetitions included; fetch_add on it is the barrier between tracking and state */
};
LB_ABI_SIZE(struct lb_track, 32);

struct lb_slot {
  __u32 state;      /* enum lb_slot_state */
  __u32 owner;      /* worker whose sockets it was; index of its ring */
  __u32 generation; /* raised at each use: tells a stale flow entry or event */
  __u32 last_seen;  /* bpf_ktime_get_coarse_ns() >> 20 (about milliseconds) of the last packet */
  struct lb_track track[2]; /* by enum lb_direction */
  __u32 last_direction;     /* who sent new data last */
  __u32 turns; /* requests: new client data after pod data; starts at 1 for the promoted one */
  __u8 fin[2]; /* that side sent a FIN */
  __u8 fin_acked[2];      /* and the other side acknowledged it */
  __u8 reset;             /* an in-window RST was seen and nothing new since */
  __u8 interim;           /* last response head was 1xx: not a boundary */
  __u8 tunnel;            /* 101: never a boundary again */
  __u8 hold;              /* the agent's upstream socket still answers for the request */
  __u32 hold_ack;         /* until the pod has acknowledged this (agent's numbering) */
  __u32 request_window;   /* raw window field for the agent's own copy of the request */
  __u32 seq_delta;        /* client -> pod, added to sequence numbers */
  __u32 ack_delta;        /* client -> pod, added to acknowledgments */
  struct lb_tuple client; /* key of the client's packets: client -> VIP */
  struct lb_tuple pod;    /* key of the pod's packets: pod -> node */
  __u16 client_mss;       /* what the agent's sockets might send on each leg */
  __u16 pod_mss;
  __u8 client_wscale_send;    /* scale of the windows the client announces */
  __u8 client_wscale_receive; /* scale of the windows announced to the client */
  __u8 pod_wscale_send;
  __u8 pod_wscale_receive;
  __u8 client_has_wscale;
  __u8 pod_has_wscale;
  __u8 client_has_sack;
  __u8 pod_has_sack;
  __u8 pushed; /* the client's last new data ended a write (PSH): what follows is another one */
  __u8
      pipelined; /* within one turn a second request may have begun: no boundary from then on ... */
  __u8 force;    /* ... unless the agent says so */
  __u8 reserved;
  __u64 installed_ns; /* CLOCK_MONOTONIC */
  __u64 cluster;      /* hash of the cluster's key, for metrics and adoption by a later agent */
  __u32 client_ifindex;
  __u32 pod_ifindex;
  __u32 ended_reason; /* enum lb_counter: why it left */
  __u32
      first_byte; /* from the beginning of the last answered turn to the answer's first byte, ns >> 10 */
  __u64 turn_ns; /* CLOCK_MONOTONIC: when the turn began that has no answer yet; 0: answered */
  __u32
      retransmissions[2]; /* packets with data but nothing new, by enum lb_direction of the data */
  __u32 spare[2];
};
LB_ABI_SIZE(struct lb_slot,
            256); /* a multiple of 8: the kernel rounds the stride of a mapped array up to that */
