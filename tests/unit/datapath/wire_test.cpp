// SPDX-License-Identifier: Apache-2.0
// Real packets through attached programs: what a test run of a single packet cannot show.
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "agent/datapath/event_ring.hpp"
#include "agent/datapath/flow_table.hpp"
#include "tests/bpf/packet.hpp"
#include "tests/unit/datapath/kernel_test.hpp"

namespace sluice::datapath {
namespace {

using test::at;
using test::Bytes;
using test::encode;
using test::Packet;

const SocketAddress kClient = at("198.51.100.7:40000");
const SocketAddress kVip = at("203.0.113.10:80");

class WireTest : public KernelTest {
 protected:
  std::uint64_t counted(lb_counter counter) { return datapath_->counters()[counter]; }

  // As if a neighbour on the other end of the cable had sent it. Delivery on a veth is part of the call.
  static bool send_from(const std::string& interface, const Bytes& frame) {
    const UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    return ::sendto(fd.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&address),
                    sizeof address) == static_cast<ssize_t>(frame.size());
  }

  void make_cable() {
    ASSERT_TRUE(
        Sandbox::run("ip link add east mtu 65535 type veth peer name west mtu 65535 && "
                     "ip link set east up && ip link set west up"));
  }

  static Packet syn() {
    return {.from = kClient, .to = kVip, .flags = test::kSyn, .options = test::option_timestamp()};
  }

  std::unique_ptr<Datapath> datapath_;
};

TEST_F(WireTest, HeldDataOfAnySizeReachesTheOwnersRing) {
  make_cable();
  datapath_ = open();
  ASSERT_TRUE(datapath_);
  const lb_tuple client = make_tuple(kClient, kVip);
  const lb_tuple pod = make_tuple(at("192.0.2.77:8080"), at("192.0.2.1:20000"));
  lb_slot& slot = datapath_->flows().slots()[9];
  slot.generation = 4;
  slot.state = LB_SLOT_HELD;
  lb_flow to_pod = leading_to(reverse(pod));
  to_pod.slot = 9;
  to_pod.generation = 4;
  lb_flow to_client = to_pod;
  to_client.out = reverse(client);
  to_client.direction = LB_TO_CLIENT;
  ASSERT_TRUE(datapath_->flows().install(client, to_pod, pod, to_client));
  std::vector<std::string> received;
  auto ring = EventRing::open(datapath_->flows().ring_fd(0),
                              [&](const lb_event& event, std::string_view payload) {
                                EXPECT_EQ(event.type, static_cast<std::uint32_t>(LB_EVENT_DATA));
                                EXPECT_EQ(event.slot, 9U);
                                EXPECT_EQ(event.generation, 4U);
                                received.emplace_back(payload);
                              });
  ASSERT_TRUE(ring) << ring.error().message;
  const std::vector<std::string> sent{std::string(1, 'a'), std::string(4096, 'b'),
                                      std::string(4097, 'c'), std::string(64000, 'd')};
  for (const std::string& payload : sent)
    ASSERT_TRUE(send_from("west", encode({.from = kClient, .to = kVip, .payload = payload})));
  pollfd ready{.fd = (*ring)->epoll_fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ready, 1, 2000), 1);
  (*ring)->consume();
  EXPECT_EQ(received, sent);
  EXPECT_EQ(counted(LB_COUNT_HELD_DROPPED), 4U);
}

TEST_F(WireTest, ADeviceWithoutLinkLayerHeaderIsUnderstood) {
  const UniqueFd tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (!tun) GTEST_SKIP() << "no /dev/net/tun";
  ifreq request{};
  std::strcpy(request.ifr_name, "tun7");
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  ASSERT_EQ(::ioctl(tun.get(), TUNSETIFF, &request), 0);
  ASSERT_TRUE(Sandbox::run("ip link set tun7 up"));
  datapath_ = open();
  ASSERT_TRUE(datapath_);
  EXPECT_EQ(status_of(*datapath_, "tun7").mode, AttachMode::kTcx);
  ASSERT_TRUE(datapath_->sync_listeners({{.port = 80, .steer = true}}));
  const Bytes frame = encode(syn());
  ASSERT_EQ(::write(tun.get(), frame.data() + 14, frame.size() - 14),
            static_cast<ssize_t>(frame.size() - 14));
  EXPECT_EQ(counted(LB_COUNT_HANDSHAKE_CLEANED), 1U);
}

TEST_F(WireTest, ClsactSeesThePacketsToo) {
  make_cable();
  options_.prefer_tcx = false;
  datapath_ = open();
  ASSERT_TRUE(datapath_);
  ASSERT_TRUE(datapath_->sync_listeners({{.port = 80, .steer = true}}));
  ASSERT_TRUE(send_from("west", encode(syn())));
  EXPECT_EQ(counted(LB_COUNT_HANDSHAKE_CLEANED), 1U);
}

TEST_F(WireTest, HandshakesBetweenOthersAreNotTouched) {
  make_cable();
  ASSERT_TRUE(
      Sandbox::run("sysctl -qw net.ipv4.ip_forward=1 && ip addr add 198.51.100.1/24 dev east && "
                   "ip route add 203.0.113.0/24 via 198.51.100.2"));
  datapath_ = open();
  ASSERT_TRUE(datapath_);
  ASSERT_TRUE(datapath_->sync_listeners({{.port = 80, .steer = true}}));
  ASSERT_TRUE(send_from("west", encode(syn())));
  EXPECT_EQ(counted(LB_COUNT_HANDSHAKE_CLEANED), 0U);
  ASSERT_TRUE(Sandbox::run("ip addr add 203.0.113.10/32 dev east"));  // now it is for us
  ASSERT_TRUE(send_from("west", encode(syn())));
  EXPECT_EQ(counted(LB_COUNT_HANDSHAKE_CLEANED), 1U);
}

}  // namespace
}  // namespace sluice::datapath
