# SPDX-License-Identifier: Apache-2.0
"""Clients and pods wherever they are: on the node, in a pod, behind a bridge, of another family, on changing links."""
import unittest

from node import NodeTest, scaled, wait_for
from raw_client import RawClient


class Places(NodeTest):
    def load_from(self, node, role, **options):
        command = node.load_command("--connections", 12, "--requests", scaled(1500), "--mix", "random", "--max-body",
                                    100000, "--requests-per-connection", "5,30", **options)
        node.run(role, *command)  # fails the test when a request failed

    def test_a_pod_is_the_client_even_of_itself(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1", workers=2)
        for role in ("pod1", "pod3"):
            self.load_from(node, role)
        self.assertGreater(node.sum("sluice_proxy_promotions_total"), 20)
        node.wait_without_flows()

    def test_the_node_is_the_client(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1")
        self.load_from(node, "node")
        self.assertEqual((node.flows(), node.sum("sluice_proxy_promotions_total")), (0, 0))
        self.assertGreater(node.refused("no_leg"), 0)

    def test_machines_on_the_nodes_network(self):
        node = self.make_node(vm=True)
        node.start_agent("--steer-after", "1")
        for role in ("client", "vm"):
            self.load_from(node, role)
        self.assertGreater(node.sum("sluice_proxy_promotions_total"), 20)
        node.wait_without_flows()

    def test_clients_of_the_other_family_are_served(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1")
        self.load_from(node, "client", target="[fd00:200::1]:80")
        self.assertEqual(node.sum("sluice_proxy_promotions_total"), 0)
        self.assertGreater(node.refused("no_path"), 0)

    def test_a_link_that_goes_down_and_comes_back(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1")
        clients = [RawClient(node, timeout=20) for _ in range(10)]
        for client in clients:
            self.assertEqual(client.get()[0], 200)
        node.run("node", "ip", "link", "set", "pod1", "down")
        for client in clients:
            client.send("/?size=100000")
        node.run("node", "ip", "link", "set", "pod1", "up")
        node.run("node", "ip", "route", "add", "10.201.1.2", "dev", "pod1", "src", "10.201.1.1")
        self.assertEqual([len(client.response()[2]) for client in clients], [100000] * 10)
        self.assertNotEqual(node.interface("pod1")["mode"], "none")
        self.assertEqual(node.flows(), 10)

    def narrow_path(self, family):
        """Answers go to the client through the machine `vm`, which takes no more than 1,300 bytes at once."""
        node = self.make_node(vm=True, family=family)
        far, near, vm, client = (("fd00:202::2", "fd00:200::1", "fd00:200::3", "fd00:200::2") if family == 6 else
                                 ("10.202.0.2", "10.200.0.1", "10.200.0.3", "10.200.0.2"))
        ip = ["ip", f"-{family}"]
        node.run("client", *ip, "address", "add", far, "dev", "lo", *(["nodad"] if family == 6 else []))
        node.run("client", *ip, "route", "add", near, "dev", "eth0", "src", far)
        node.run("vm", *ip, "route", "add", far, "via", client, "mtu", "lock", "1300")
        node.run("node", *ip, "route", "add", far, "via", vm)
        node.run("vm", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                 "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.eth0.send_redirects=0")
        node.run("node", "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.eth0.rp_filter=0")
        return node

    def test_a_narrow_path_is_learned_by_the_pod(self):
        for family in (4, 6):
            with self.subTest(family=family):
                node = self.narrow_path(family)
                node.start_agent("--steer-after", "1")
                client = RawClient(node)
                for size in (100, 100000, 300000):
                    self.assertEqual(len(client.get(f"/?size={size}")[2]), size)
                self.assertEqual(node.flows(), 1)
                self.assertGreater(node.sum("sluice_datapath_packets_total", reason="icmp_translated"), 0)
                client.socket.close()

    def test_a_link_whose_mtu_shrinks(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1")
        for role, name in (("node", "pod2"), ("pod2", "eth0")):
            node.run(role, "ip", "link", "set", name, "mtu", "1400")
        wait_for("the agent to learn of it", lambda: node.interface("pod2")["mtu"] == 1400, 5)
        self.load_from(node, "client")
        self.assertGreater(node.sum("sluice_proxy_promotions_total"), 10)
        node.wait_without_flows()


if __name__ == "__main__":
    unittest.main(verbosity=2)
