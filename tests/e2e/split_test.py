# SPDX-License-Identifier: Apache-2.0
"""Weights are exact: in both tiers, for each worker, and after a change."""
import unittest

from node import NodeTest, wait_for


def by_version(result):
    return {name: int(count) for name, count in result["versions"].items()}


class Split(NodeTest):
    def check(self, versions, total, share, workers):
        for name, percent in share.items():
            self.assertLessEqual(abs(versions.get(name, 0) - total * percent / 100), workers, f"{name} of {versions}")

    def test_one_request_a_connection(self):
        for steer in ("1", "never"):
            for workers in (1, 2):
                with self.subTest(steer_after=steer, workers=workers):
                    node = self.make_node()
                    node.start_agent("--steer-after", steer, workers=workers)
                    result = node.load("--connections", 10, "--requests", 1000, "--connect-per-request")
                    self.check(by_version(result), 1000, {"v1": 80, "v2": 20}, workers)
                    node.close()

    def test_a_changed_weight_governs_the_next_connections(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1")
        node.load("--connections", 4, "--requests", 100, "--connect-per-request")
        before = int(node.lbctl("status")["generation"])
        node.edit("virtual-service.yaml", "weight: 80", "weight: 30")
        node.edit("virtual-service.yaml", "weight: 20", "weight: 70")
        wait_for("the new generation", lambda: int(node.lbctl("status")["generation"]) > before and
                 "30" in str(node.lbctl("routes")))
        result = node.load("--connections", 4, "--requests", 500, "--connect-per-request")
        self.check(by_version(result), 500, {"v1": 30, "v2": 70}, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
