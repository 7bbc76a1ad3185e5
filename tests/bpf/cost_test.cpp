// SPDX-License-Identifier: Apache-2.0
// Not a benchmark: prints what a translated packet costs in the program itself, so that a change of it is seen, and
// holds what tracking may add to bare translation.
#include <algorithm>
#include <cstdio>

#include "tests/bpf/bare_program.hpp"
#include "tests/bpf/steered.hpp"

namespace sluice::test {
namespace {

constexpr int kRepeat = 200000;
constexpr int kRounds = 8;                    // the quietest counts: others share the machine
constexpr std::uint32_t kMostTracking = 100;  // ns a packet

class Cost : public SteeredTest {
 protected:
  void report(const char* what, const Packet& packet) { report(what, encode(packet)); }
  void report(const char* what, const Bytes& bytes) {
    const auto result = programs_->ingress_bytes(bytes, kRepeat);
    std::printf("[ cost     ] %-26s %u ns/packet\n", what, result.nanoseconds);
    EXPECT_LT(result.nanoseconds, 20000U);  // it has not become absurd
  }
  // A repetition gets the packet as the one before left it. So the flow leads a packet to where it came from, by the
  // same work as ever.
  void lead_back() {
    to_pod_.out = client_key_;
    to_pod_.seq_delta = 0;
    to_pod_.ack_delta = 0;
    to_pod_.window_right = to_pod_.window_left;
    programs_->put_flow(client_key_, to_pod_);
    change_slot([this](lb_slot& slot) {
      slot.track[LB_TO_CLIENT].end = starts_.vip;
      slot.track[LB_TO_CLIENT].ack = starts_.client;
    });
  }
  void expect_little(const char* what, std::uint32_t tracked, std::uint32_t bare) {
    std::printf("[ cost     ] %-26s %u ns/packet, bare translation %u\n", what, tracked, bare);
    EXPECT_LE(tracked, bare + kMostTracking) << what;
  }
};
LB_BOTH_FAMILIES(Cost);

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
  lead_back();
  report("bare ACK to the pod", from_client({.seq = 100}));
  report("1000 bytes to the pod", from_client({.seq = 100, .payload = std::string(1000, 'x')}));
  report("with a SACK block", from_client({.seq = 100, .options = option_sack({1, 2})}));
  EXPECT_EQ(count("to_pod"), 3U * kRepeat);
}

TEST_P(Cost, OfTrackingIsLittleOverBareTranslation) {
  BareProgram bare(*programs_);
  ASSERT_TRUE(bare.loaded());
  lead_back();
  const Bytes ack = encode(from_client({.seq = 100}));
  const Bytes data = encode(from_client({.seq = 100, .payload = std::string(1000, 'x')}));
  for (const auto& [what, bytes] : {std::pair("bare ACK", &ack), std::pair("1000 bytes", &data)}) {
    std::uint32_t least = ~0U, least_bare = ~0U;
    for (int i = 0; i < kRounds; ++i) {
      least = std::min(least, programs_->ingress_bytes(*bytes, kRepeat).nanoseconds);
      least_bare = std::min(least_bare, bare.run(*bytes, kRepeat).nanoseconds);
    }
    expect_little(what, least, least_bare);
  }
}

// The dearest packets: a request and its answer, each with new data and a turn. The flows lead each into the other, and
// every round trip moves all numbers on by a message.
TEST_P(Cost, OfTrackingATurnIsLittleOverBareTranslation) {
  BareProgram bare(*programs_);
  ASSERT_TRUE(bare.loaded());
  programs_->put_first_bytes(0);  // lb_slot::cluster of this one
  const std::string message = "HTTP/1.1 200 OK\r\n" + std::string(kRequest - 17, 'x');
  const auto prepare = [&] {
    starts_ = {.client = 0, .vip = 0, .node = 0, .pod = 0};
    install();
    to_pod_.out = pod_key_;
    to_pod_.seq_delta = 0;
    to_pod_.ack_delta = kRequest;
    to_client_.out = client_key_;
    to_client_.seq_delta = kRequest;
    to_client_.ack_delta = 0;
    to_pod_.window_left = to_pod_.window_right = to_client_.window_left = to_client_.window_right =
        0;
    programs_->put_flow(client_key_, to_pod_);
    programs_->put_flow(pod_key_, to_client_);
    change_slot([](lb_slot& slot) {
      slot.track[LB_TO_POD].end = 0;
      slot.last_direction = LB_TO_CLIENT;
    });
    return encode(from_client({.seq = 0, .ack = 0, .payload = message}));
  };
  std::uint32_t least = ~0U, least_bare = ~0U;
  for (int i = 0; i < kRounds; ++i) {
    least = std::min(least, programs_->ingress_bytes(prepare(), kRepeat).nanoseconds);
    EXPECT_EQ(slot().turns, 1U + kRepeat / 2);
    least_bare = std::min(least_bare, bare.run(prepare(), kRepeat).nanoseconds);
    EXPECT_EQ(slot().turns, 1U) << "bare indeed";
  }
  std::uint64_t timed = 0;
  const lb_first_byte counted = *programs_->first_bytes(0);
  for (const std::uint64_t count : counted.counts) timed += count;
  EXPECT_EQ(timed, static_cast<std::uint64_t>(kRounds) * kRepeat / 2);
  expect_little("a turn", least, least_bare);
}

}  // namespace
}  // namespace sluice::test
