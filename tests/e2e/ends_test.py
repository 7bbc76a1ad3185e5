# SPDX-License-Identifier: Apache-2.0
"""However a steered connection ends, the ends learn of it, and its flow, slot and source port come back."""
import json
import unittest
from concurrent.futures import ThreadPoolExecutor

from node import NodeTest, scaled, wait_for
from raw_client import RawClient

HEAVY = 2 << 20
# A classic BPF filter: return TC_ACT_SHOT.
DROP_ALL = "1,6 0 0 2"


class Ends(NodeTest):
    def steered_node(self, *flags, **options):
        node = self.make_node(**options)
        node.start_agent("--steer-after", "1", *flags)
        self.slots = node.sum("sluice_steer_slots_free")
        return node

    def steered_client(self, node, **options):
        flows = node.flows()
        client = RawClient(node, **options)
        self.addCleanup(client.close)
        self.assertEqual(client.get()[0], 200)
        wait_for("the connection to be steered", lambda: node.flows() == flows + 1, 5)
        return client

    def endings(self, node, reason):
        return node.sum("sluice_steer_endings_total", reason=reason)

    def assert_nothing_left(self, node, **ends):
        node.wait_without_flows(10)
        wait_for("slots to come back", lambda: node.sum("sluice_steer_slots_free") == self.slots, 5)
        metrics = node.metrics()
        self.assertEqual(metrics['sluice_steer_ports_in_use{worker="0"}'],
                         metrics['sluice_proxy_upstreams_open{worker="0"}'], "ports in use without a connection")
        self.assertEqual(metrics['sluice_steer_held_connections{worker="0"}'], 0)
        for name in ("flows", "slots"):
            self.assertEqual(metrics[f'sluice_datapath_map_entries{{map="{name}"}}'], 0, name)
        for reason, count in ends.items():
            self.assertEqual(self.endings(node, reason), count, reason)

    def test_fin_of_the_client(self):
        node = self.steered_node()
        client = self.steered_client(node)
        client.half_close()
        self.assertEqual(client.at_end(), "fin")
        self.assert_nothing_left(node, closed=1, reset=0, idle=0)

    def test_fin_of_the_pod(self):
        node = self.steered_node()
        client = self.steered_client(node)
        status, fields, body = client.get("/bye", headers=["Connection: close"])
        self.assertEqual((status, fields["connection"], json.loads(body)["path"]), (200, "close", "/bye"))
        self.assertEqual(client.at_end(), "fin")
        client.close()
        self.assert_nothing_left(node, closed=1, reset=0, idle=0)

    def test_fin_of_the_pod_in_the_middle_of_a_body(self):
        node = self.steered_node()
        client = self.steered_client(node)
        with self.assertRaises(EOFError):
            client.get("/?size=100000&close=early")
        self.assertEqual(len(client.left), 50000)
        client.close()
        self.assert_nothing_left(node, closed=1, reset=0, idle=0)

    def test_reset_by_the_client(self):
        node = self.steered_node()
        self.steered_client(node).reset()
        self.assert_nothing_left(node, closed=0, reset=1, idle=0)

    def test_reset_by_the_client_in_the_middle_of_a_download(self):
        node = self.steered_node()
        client = self.steered_client(node)
        client.send(f"/?size={HEAVY * 20}")
        client.exactly(HEAVY)
        client.reset()
        self.assert_nothing_left(node, idle=0)

    def test_reset_by_the_pod(self):
        node = self.steered_node()
        client = self.steered_client(node)
        client.send("/?reset=1")
        self.assertEqual(client.at_end(), "reset")
        self.assert_nothing_left(node, closed=0, reset=1, idle=0)

    def test_half_close_still_gets_the_whole_answer(self):
        node = self.steered_node()
        for path, size in (("/?size=3000000&delay=300", 3000000), ("/?size=0&delay=300", 0)):
            with self.subTest(path=path):
                client = self.steered_client(node)
                client.send(path)
                client.half_close()
                status, _, body = client.response()
                self.assertEqual((status, len(body)), (200, size))
                self.assertEqual(client.at_end(), "fin")
        self.assert_nothing_left(node, closed=2, reset=0, idle=0)

    def test_half_close_right_behind_the_first_request(self):
        """The FIN may meet the hand-over at any point of it."""
        node = self.steered_node()
        for _ in range(200):
            client = RawClient(node)
            client.send("/?size=5000")
            client.half_close()
            status, _, body = client.response()
            self.assertEqual((status, len(body)), (200, 5000))
            self.assertEqual(client.at_end(), "fin")
            client.close()
        self.assert_nothing_left(node, reset=0, idle=0)

    def test_a_client_that_vanished_is_swept(self):
        node = self.steered_node("--steer-idle", "2")
        self.steered_client(node)
        node.run("client", "ip", "link", "set", "eth0", "down")
        node.wait_without_flows(8)
        self.assert_nothing_left(node, closed=0, reset=0, idle=1)

    def test_a_busy_connection_is_not_swept(self):
        node = self.steered_node("--steer-idle", "2")
        client = self.steered_client(node)
        status, _, body = client.get("/?stream=12&interval=400")
        self.assertEqual((status, body.count(b"piece")), (200, 12))
        self.assertEqual((node.flows(), self.endings(node, "idle")), (1, 0))

    def test_a_port_that_is_reused_at_once(self):
        node = self.steered_node()
        port = 0
        for how in ("reset", "reset", "close", "reset"):
            client = RawClient(node, source_port=port)
            port = client.port
            for _ in range(3):
                self.assertEqual(client.get()[0], 200)
            if how == "reset":
                client.reset()
            else:
                client.half_close()
                self.assertEqual(client.at_end(), "fin")
                # The client's own TIME_WAIT would refuse the port: leave it by a reset, as a rebooted client would.
                client.reset()
                port = 0
        self.assert_nothing_left(node, idle=0)

    def test_a_port_that_is_reused_while_the_old_connection_lives(self):
        """A client that rebooted: the old connection's pod challenges the SYN, the client resets it, and is served."""
        node = self.steered_node()
        client = self.steered_client(node)
        node.run("client", "ip", "link", "set", "eth0", "down")
        port, _ = client.port, client.reset()
        node.run("client", "ip", "link", "set", "eth0", "up")
        node.run("client", "ip", "route", "replace", "default", "via", "10.200.0.1")
        again = RawClient(node, source_port=port)
        self.assertEqual([again.get()[0] for _ in range(3)], [200] * 3)
        again.close()
        self.assert_nothing_left(node, idle=0)

    def test_a_lost_last_acknowledgement(self):
        """Both FINs passed, but the pod misses the last ACK: its FIN comes again and must still find the flow."""
        node = self.steered_node()
        client = self.steered_client(node)
        pod = self.pod_of(node.lbctl("flows")["flows"][0])
        resets = self.resets_sent(node)
        client.send("/?size=10&delay=700")
        client.half_close()
        wait_for("the pod to acknowledge the FIN", lambda: self.sockets(node, "client", "fin-wait-2"), 5)
        node.run(pod, "tc", "qdisc", "add", "dev", "eth0", "clsact")
        node.run(pod, "tc", "filter", "add", "dev", "eth0", "ingress", "bpf", "da", "bytecode", DROP_ALL)
        self.assertEqual(client.response()[0], 200)
        self.assertEqual(client.at_end(), "fin")
        client.close()
        wait_for("the pod to wait for the last ACK", lambda: self.sockets(node, pod, "last-ack"), 5)
        node.run(pod, "tc", "qdisc", "del", "dev", "eth0", "clsact")
        wait_for("the pod to be told", lambda: not self.sockets(node, pod, "last-ack"), 5)
        self.assertEqual(self.resets_sent(node), resets, "the pod was told by an RST")
        self.assert_nothing_left(node, closed=1, reset=0, idle=0)

    @staticmethod
    def pod_of(flow):
        return f"pod{int(flow['endpoint'].split(':')[0].rsplit('.', 1)[1]) - 1}"

    @staticmethod
    def sockets(node, role, state):
        return node.run(role, "ss", "-Htn", "state", state).stdout

    @staticmethod
    def resets_sent(node):
        table = node.run("node", "cat", "/proc/thread-self/net/snmp").stdout
        names, values = (line.split() for line in table.splitlines() if line.startswith("Tcp:"))
        return int(values[names.index("OutRsts")])

    def test_ends_with_a_fifth_of_the_packets_lost(self):
        node = self.steered_node()
        roles = ("client", "pod1", "pod2", "pod3")
        for role in roles:
            node.netlab("impair", node.name, role, "--loss-ppm", "200000")

        def come_and_go(_):
            client = RawClient(node, timeout=60)
            status = client.get()[0]
            client.half_close()
            client.at_end()
            client.close()
            return status

        with ThreadPoolExecutor(32) as pool:
            self.assertEqual(set(pool.map(come_and_go, range(scaled(32)))), {200})
        for role in roles:
            node.netlab("impair", node.name, role)
        self.assert_nothing_left(node, idle=0)
        for pod in roles[1:]:
            wait_for(f"{pod} to forget its connections", lambda pod=pod: not node.run(
                pod, "ss", "-Htn", "state", "connected", "exclude", "time-wait", "sport", "=", ":80").stdout, 20)

    def test_five_thousand_short_connections_leave_nothing(self):
        node = self.steered_node()
        total = scaled(5000)
        node.load("--connections", 16, "--requests", total * 2 // 5, "--connect-per-request")
        node.load("--connections", 16, "--requests", total * 2 // 5, "--connect-per-request", "--announce-close")
        for index in range(total // 5):
            client = RawClient(node)
            if index % 4 == 0:
                client.send("/?reset=1")
                self.assertEqual(client.at_end(), "reset")
            elif index % 4 == 1:
                client.get()
                client.reset()
            elif index % 4 == 2:
                client.send("/?size=40000&close=early")
                client.at_end()
            else:
                client.send("/?size=100000")
                client.exactly(10)
                client.reset()
            client.close()
        self.assert_nothing_left(node, idle=0)
        promoted = node.sum("sluice_proxy_promotions_total")
        self.assertGreater(promoted, total * 0.5)
        ended = sum(self.endings(node, reason) for reason in ("closed", "reset", "replaced"))
        self.assertEqual(ended, promoted, "each connection is counted once when it ends")


if __name__ == "__main__":
    unittest.main(verbosity=2)
