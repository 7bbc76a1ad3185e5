/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every verdict that is not "not ours" is counted under one of these. Name = metric label = row in docs/operations.md.
 * LB_COUNTERS(X): X(enumerator, label, help)
 */
#pragma once

#define LB_COUNTERS(X)                                                                             \
  X(TO_POD, "to_pod", "packets translated from client to pod")                                     \
  X(TO_CLIENT, "to_client", "packets translated from pod to client")                               \
  X(SACK_REWRITTEN, "sack_rewritten", "packets whose SACK blocks were translated")                 \
  X(HANDSHAKE_CLEANED, "handshake_cleaned",                                                        \
    "handshakes whose timestamps, ECN or MSS were changed")                                        \
  X(LEG_RECORDED, "leg_recorded", "handshakes whose numbers were recorded")                        \
  X(AGENT_ACK_DROPPED, "agent_ack_dropped", "bare ACKs of the agent on a steered tuple, dropped")  \
  X(AGENT_END_DROPPED, "agent_end_dropped", "FIN or RST of the agent on a steered tuple, dropped") \
  X(HOLD_ACK_PASSED, "hold_ack_passed", "partial ACKs passed to the agent's held socket")          \
  X(SYN_ON_LIVE_FLOW, "syn_on_live_flow",                                                          \
    "SYNs translated on a live tuple, for the endpoint to challenge")                              \
  X(SYN_ON_ENDED_FLOW, "syn_on_ended_flow", "SYNs that replaced a flow that had ended")            \
  X(SYNACK_ON_FLOW, "synack_on_flow", "late duplicate SYN-ACKs of a pod, dropped")                 \
  X(FIN_COMPLETE, "fin_complete", "flows whose FINs were both acknowledged")                       \
  X(RST_ACCEPTED, "rst_accepted", "RSTs inside the window (RFC 5961)")                             \
  X(RST_OUT_OF_WINDOW, "rst_out_of_window",                                                        \
    "RSTs outside the window, forwarded without ending the flow")                                  \
  X(HELD_DROPPED, "held_dropped", "packets dropped while a connection was held")                   \
  X(PASSED_TO_STACK, "passed_to_stack", "packets of connections that were given back")             \
  X(STALE_FLOW, "stale_flow", "flow entries of a slot that had been reused")                       \
  X(RING_FULL, "ring_full", "events lost because a worker's ring was full; the sweep catches up")  \
  X(FRAGMENT, "fragment", "IP fragments on a steered address pair, left to the stack")             \
  X(PULL_FAILED, "pull_failed", "packets whose headers could not be written, dropped")             \
  X(ICMP_TRANSLATED, "icmp_translated",                                                            \
    "'packet too big' about a translated packet, passed on to its sender")                         \
  X(ICMP_REFUSED, "icmp_refused",                                                                  \
    "'packet too big' that quotes what is not under way, left to the stack")                       \
  X(TOO_BIG, "too_big", "packets larger than the MTU of the way out, forwarded all the same")      \
  X(SOURCE_SHOWN, "source_shown", "packets to a local pod that carry their client's address")      \
  X(SOURCE_RETURNED, "source_returned", "answers to them, on their way to the agent's socket")     \
  X(LOOKUP_ASSIGNED, "lookup_assigned", "connections given to a worker's socket")                  \
  X(LOOKUP_NO_SOCKET, "lookup_no_socket", "connections to a listener without a worker's socket")

enum lb_counter {
#define LB_COUNTER_ENUM(name, label, help) LB_COUNT_##name,
  LB_COUNTERS(LB_COUNTER_ENUM)
#undef LB_COUNTER_ENUM
      LB_COUNTER_MAX
};
