// SPDX-License-Identifier: Apache-2.0
// Not a benchmark: prints what a translated packet costs in the program itself, so that a change of it is seen.
#include <cstdio>

#include "tests/bpf/steered.hpp"

namespace sluice::test {
namespace {

constexpr int kRepeat = 200000;

class Cost : public SteeredTest {
 protected:
  void report(const char* what, const Packet& packet) { report(what, encode(packet)); }
  void report(const char* what, const Bytes& bytes) {
    const auto result = programs_->ingress_bytes(bytes, kRepeat);
    std::printf("[ cost     ] %-26s %u ns/packet\n", what, result.nanoseconds);
    EXPECT_LT(result.nanoseconds, 20000U);  // it has not become absurd
  }
};
LB_BOTH_FAMILIES(Cost);

// A repetition gets the packet as the one before left it. So the flow here leads a packet to where it came from, by the
// same work as ever.
TEST_P(Cost, OfPackets) {
  Packet other = from_client({.seq = 100, .payload = "x"});
  other.from.port = 40001;
  Bytes arp = encode(other);
  arp[13] = 6;
  report("not IP", arp);
  Bytes udp = encode(other);
  udp[GetParam() ? 23 : 20] = 17;
  report("not TCP", udp);
  report("not ours", other);
  to_pod_.out = client_key_;
  to_pod_.seq_delta = 0;
  to_pod_.ack_delta = 0;
  to_pod_.window_right = to_pod_.window_left;
  programs_->put_flow(client_key_, to_pod_);
  change_slot([](lb_slot& slot) {
    slot.track[LB_TO_CLIENT].end = kVipStart;
    slot.track[LB_TO_CLIENT].ack = kClientStart;
  });
  report("bare ACK to the pod", from_client({.seq = 100}));
  report("1000 bytes to the pod", from_client({.seq = 100, .payload = std::string(1000, 'x')}));
  report("with a SACK block", from_client({.seq = 100, .options = option_sack({1, 2})}));
  EXPECT_EQ(count("to_pod"), 3U * kRepeat);
}

}  // namespace
}  // namespace sluice::test
