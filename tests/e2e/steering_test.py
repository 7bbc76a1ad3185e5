# SPDX-License-Identifier: Apache-2.0
"""Steered connections carry every byte unharmed, whatever the network does, and leave nothing behind.

The load client checks status, version, body bytes and hash of every answer and the server's hash of every upload.
SLUICE_FULL=1 runs the amounts of docs/benchmarks.md (200,000 requests) instead of a sample.
"""
import os
import unittest

from node import NodeTest, scaled, wait_for

FULL = os.environ.get("SLUICE_FULL") == "1"
CONNECTIONS = 64


class Steering(NodeTest):
    def steer(self, node, requests, *flags, steer_after="1", workers=2, body=8 << 20, connections=CONNECTIONS):
        node.start_agent("--steer-after", steer_after, workers=workers)
        result = node.load("--connections", connections, "--requests", requests, "--mix", "random", "--segment",
                           "1,60000", "--max-body", body, "--requests-per-connection", "5,200", *flags)
        self.assertEqual(result["requests_failed"], 0, result)
        self.assert_steered(node)
        node.wait_without_flows()
        return result

    def assert_steered(self, node):
        metrics = node.metrics()
        promoted = sum(v for k, v in metrics.items() if k.startswith("sluice_proxy_promotions_total"))
        carried = sum(v for k, v in metrics.items() if k.startswith("sluice_datapath_packets_total{reason=\"to_pod\"}"))
        self.assertGreater(promoted, 0, "nothing was promoted, so this test shows nothing")
        self.assertGreater(carried, promoted)

    def test_mixed_sizes(self):
        self.steer(self.make_node(), 200_000 if FULL else scaled(4_000))

    def test_learned_promotion(self):
        self.steer(self.make_node(), scaled(4_000), steer_after="auto", body=65536)

    def test_uploads_do_not_keep_a_connection_from_being_steered(self):
        """Room at the endpoint and the client's last bytes told in one turn once passed for pipelining."""
        for _ in range(3):
            node = self.make_node()
            node.start_agent("--steer-after", "1", workers=1)
            load = node.start("client", *node.load_command("--connections", 96, "--mix", "random", "--max-body", 400000,
                                                           "--segment", "1,60000", "--duration", 8))
            wait_for("every connection to be steered", lambda: node.flows() == 96, 7)
            load.communicate(timeout=60)
            refused = node.metrics()['sluice_proxy_refusals_total{reason="pipelined"}']
            self.assertEqual(refused, 0)
            node.close()

    def test_over_ipv6(self):
        self.steer(self.make_node(family=6), 200_000 if FULL else scaled(2_000))

    def impaired(self, node, *flags):
        for role in ("client", "pod1", "pod2", "pod3"):
            node.netlab("impair", node.name, role, *flags)
        self.steer(node, 200_000 if FULL else scaled(1_500), body=1 << 20 if FULL else 1 << 18)

    def test_with_one_percent_loss(self):
        self.impaired(self.make_node(), "--loss-ppm", "10000")

    def test_with_one_percent_loss_over_ipv6(self):
        self.impaired(self.make_node(family=6), "--loss-ppm", "10000")

    def test_with_reordering_and_duplication(self):
        self.impaired(self.make_node(), "--reorder-ppm", "20000", "--dup-ppm", "10000")

    def test_client_with_a_small_segment_size(self):
        self.steer(self.make_node(), 200_000 if FULL else scaled(1_500), "--mss", 536, body=1 << 20)

    def test_pods_with_a_small_mtu(self):
        self.steer(self.make_node(mtu=1400), scaled(1_500), body=1 << 20)

    def test_clients_that_refuse_options(self):
        for option in ("--no-sack", "--no-timestamps", "--no-wscale"):
            with self.subTest(option=option):
                node = self.make_node()
                node.netlab("tcp", node.name, "client", option)
                self.steer(node, 200_000 if FULL else scaled(1_000), body=1 << 20)
                node.close()

    def test_pods_that_refuse_options_with_loss(self):
        node = self.make_node()
        for pod in ("pod1", "pod2", "pod3"):
            node.netlab("tcp", node.name, pod, "--no-sack")
        self.impaired(node, "--loss-ppm", "5000")


if __name__ == "__main__":
    unittest.main(verbosity=2)
