# SPDX-License-Identifier: Apache-2.0
"""Slots, source ports and memory are bounded; what does not fit is served by the proxy, and counted."""
import json
import unittest

from node import SCALE, NodeTest, scaled, wait_for
from raw_client import RawClient

SLOTS = 64
# Red zones, quarantine and shadow memory are the sanitizers', not the agent's: four times as much then.
MEMORY = (40 << 20) * (4 if SCALE < 1 else 1)
# Sanitized builds need longer for the same.
PATIENCE = 1 if SCALE >= 1 else 5


def fill_of(node, name):
    return next(entry for entry in node.lbctl("status")["maps"] if entry["name"] == name)


class Limits(NodeTest):
    def open_load(self, node, connections, seconds=4):
        return node.start("client", *node.load_command("--connections", connections, "--think-ms", "1,20",
                                                       "--duration", seconds * PATIENCE))

    def result_of(self, load):
        out, _ = load.communicate(timeout=60)
        result = json.loads(out[out.index("{"):])
        self.assertEqual((result["requests_failed"], result["reconnects"]), (0, 0), out)
        return result

    def test_more_connections_than_slots(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1", "--max-steered", str(SLOTS))
        load = self.open_load(node, 200)
        wait_for("all slots to be taken", lambda: node.flows() == SLOTS, 3 * PATIENCE)
        wait_for("refusals", lambda: node.refused("no_room") > 0, 3 * PATIENCE)
        self.assertEqual(int(fill_of(node, "slots")["used"]), SLOTS)
        self.assertEqual(int(fill_of(node, "slots")["capacity"]), SLOTS)
        self.assertEqual(node.sum("sluice_steer_slots_free"), 0)
        self.assertEqual(node.sum("sluice_datapath_map_entries", map="slots"), SLOTS)
        self.assertEqual(self.result_of(load)["connections"], 200)
        node.wait_without_flows()

    def test_a_connection_that_was_refused_is_steered_when_there_is_room(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1", "--max-steered", str(SLOTS))
        first = [RawClient(node) for _ in range(SLOTS)]
        for client in first:
            self.assertEqual(client.get()[0], 200)
        wait_for("all slots to be taken", lambda: node.flows() == SLOTS, 5)
        late = RawClient(node)
        self.assertEqual(late.get()[0], 200)
        self.assertEqual(node.refused("no_room"), 1)
        first[0].close()
        wait_for("a slot to come back", lambda: node.sum("sluice_steer_slots_free") == 1, 10)

        def is_steered():
            self.assertEqual(late.get()[0], 200)
            return str(late.port) in str(node.lbctl("flows"))

        wait_for("the late connection to be steered", is_steered, 5)
        for client in (*first, late):
            client.close()
        node.wait_without_flows()

    def test_more_connections_than_source_ports(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1", "--upstream-ports", "20000-20064")
        load = self.open_load(node, 300)
        wait_for("refusals", lambda: node.refused("no_port") > 0, 3 * PATIENCE)
        wait_for("all ports to be taken", lambda: node.flows() == 3 * 65, 3 * PATIENCE)
        self.result_of(load)
        node.wait_without_flows()
        self.assertEqual(node.sum("sluice_steer_ports_in_use"), 0)
        again = self.open_load(node, 60, 2)
        wait_for("ports to be used again", lambda: node.flows() == 60, 2 * PATIENCE)
        self.result_of(again)

    def test_without_a_source_port_connections_to_pods_are_kept_all_the_same(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1", "--upstream-ports", "20000-20064")
        load = self.open_load(node, 300)
        wait_for("refusals", lambda: node.refused("no_port") > 0, 3 * PATIENCE)
        self.result_of(load)
        opened, requests = node.sum("sluice_proxy_upstream_connects_total"), node.sum("sluice_proxy_requests_total")
        self.assertGreater(requests, 3000)
        self.assertLess(opened, requests / 4, "each request opened a connection of its own")

    def test_memory_of_two_thousand_connections(self):
        for steer in ("1", "never"):
            with self.subTest(steer_after=steer):
                node = self.make_node()
                node.start_agent("--steer-after", steer)
                total = scaled(2000)
                result = node.load("--connections", total, "--requests", total * 4, "--even", "--stall", 30)
                self.assertEqual((result["requests_failed"], result["connections"]), (0, total))
                self.assertLessEqual(int(node.lbctl("status")["resident_bytes"]), MEMORY)
                node.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
