# SPDX-License-Identifier: Apache-2.0
"""Connections that the kernel carries are taken back and handed over again under load, and no client notices.

The load client checks status, version, body bytes and hash of every answer and the server's hash of every upload.
SLUICE_FULL=1 runs the amounts of docs/benchmarks.md instead of a sample.
"""
import json
import os
import time
import unittest

from node import NodeTest, scaled, wait_for

FULL = os.environ.get("SLUICE_FULL") == "1"
CONNECTIONS = 40
PACE = 0.25  # seconds between two moves of everything


class Reclaim(NodeTest):
    def start(self, workers=2, flags=(), **options):
        node = self.make_node(**options)
        node.start_agent("--steer-after", "1", *flags, workers=workers)
        return node

    def move(self, node, *which):
        return int(node.lbctl("flows", "move", *(which or ("--all",)))["asked"])

    def load_while_moving(self, node, requests, *flags, connections=CONNECTIONS, body=1 << 20):
        """Moves everything again and again until the load is done; returns the client's report."""
        load = node.start("client", *node.load_command("--connections", connections, "--requests", requests, "--mix",
                                                       "random", "--max-body", body, *flags))
        asked = 0
        while load.poll() is None:
            asked += self.move(node)
            time.sleep(PACE)  # the pace of the disturbance; nothing is waited for
        output = load.communicate()[0]
        self.assertIn("{", output)
        result = json.loads(output[output.index("{\n"):])
        self.assertEqual(result["requests_failed"], 0, f"{result}\n{node.log()[-4000:]}")
        self.assertEqual(result["reconnects"], 0, result)
        self.assertGreater(asked, connections)
        self.assertGreater(self.returns(node), asked / 2, node.log()[-2000:])
        self.assertGreater(result["moved"], connections, "connections did not see other pods")
        self.assert_nothing_left(node)
        return result

    def returns(self, node, **labels):
        return node.sum("sluice_steer_returns_total", **labels)

    def assert_nothing_left(self, node):
        node.wait_without_flows()
        wait_for("every port to be free", lambda: node.sum("sluice_steer_ports_in_use") == node.sum(
            "sluice_proxy_upstreams_idle"))
        wait_for("every client's socket to be closed", lambda: node.sum("sluice_proxy_connections_open") == 0)
        self.assertEqual(node.sum("sluice_steer_return_failures_total", reason="given_up"), 0)

    def test_all_connections_move_under_load(self):
        self.load_while_moving(self.start(), 200_000 if FULL else scaled(8_000))

    def test_over_ipv6(self):
        self.load_while_moving(self.start(family=6), 200_000 if FULL else scaled(6_000))


if __name__ == "__main__":
    unittest.main(verbosity=2)
