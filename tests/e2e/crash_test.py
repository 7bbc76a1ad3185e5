# SPDX-License-Identifier: Apache-2.0
"""The agent's death breaks no steered connection, and the next agent takes over what it finds."""
import json
import unittest

from node import NodeTest, wait_for
from raw_client import RawClient


class Crash(NodeTest):
    def test_kill_in_the_middle_of_a_download(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1")
        download = node.start("client", "curl", "-s", "--limit-rate", "8M", "-o", "/dev/null", "-w",
                              "%{http_code} %{size_download}", f"http://{node.vip}/?size=16000000")
        wait_for("the download to be steered", lambda: node.flows() == 1)
        node.kill_agent()
        out, _ = download.communicate(timeout=60)
        self.assertEqual(out, "200 16000000")

    def test_kill_under_load_and_adoption(self):
        node = self.make_node()
        # One version alone: none of the connections is taken back for the sake of shares just when the agent dies.
        node.edit("virtual-service.yaml", "weight: 80", "weight: 100")
        node.edit("virtual-service.yaml", "weight: 20", "weight: 0")
        node.start_agent("--steer-after", "1", workers=2)
        load = node.start("client", *node.load_command("--connections", 32, "--mix", "random", "--max-body", 200000,
                                                       "--think-ms", "0,5", "--duration", 14))
        try:
            wait_for("all connections to be steered", lambda: node.flows() == 32, 6)
        except AssertionError:
            print(json.dumps(node.lbctl("flows"))[:3000], node.metrics(), load.communicate(timeout=60)[0])
            raise
        for workers in (2, 1, 3):
            node.kill_agent()
            node.start_agent("--steer-after", "1", workers=workers)
            status = node.lbctl("status")
            self.assertEqual(int(status["adopted_connections"]), 32)
            self.assertEqual(node.flows(), 32)
        out, _ = load.communicate(timeout=60)
        result = json.loads(out)
        self.assertEqual(result["requests_failed"], 0, out)
        self.assertEqual(result["reconnects"], 0, "no connection broke")
        node.wait_without_flows()

    def test_answers_are_timed_by_the_kernel_also_without_an_agent(self):
        node = self.make_node()
        node.start_agent("--steer-after", "2")
        client = RawClient(node)
        timed = "sluice_request_first_byte_seconds"
        for _ in range(5):  # one is the proxy's, the second is promoted
            client.get("/?delay=20")
        self.assertEqual(node.sum(f"{timed}_count", tier="request"), 1)
        self.assertEqual(node.sum(f"{timed}_count", tier="connection"), 4)
        self.assertGreaterEqual(node.sum(f"{timed}_sum", tier="connection"), 0.08)
        node.kill_agent()
        for _ in range(3):
            client.get()
        node.start_agent("--steer-after", "2")
        client.get()
        self.assertEqual(node.sum(f"{timed}_count", tier="connection"), 8)
        flow = node.lbctl("flows")["flows"][0]
        self.assertGreater(flow["first_byte_seconds"], 0)
        client.socket.close()

    def test_new_connections_are_served_after_the_restart(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1")
        node.load("--connections", 8, "--requests", 200)
        node.kill_agent()
        node.start_agent("--steer-after", "1")
        self.assertEqual(node.load("--connections", 8, "--requests", 200)["requests_failed"], 0)

    def test_an_orderly_stop_leaves_steered_connections_alone(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1")
        client = RawClient(node)
        self.assertEqual(client.get()[0], 200)
        client.send("/?stream=20&interval=50")
        self.assertEqual(node.stop_agent(), 0)
        self.assertEqual(client.response()[2].count(b"piece"), 20)
        node.start_agent("--steer-after", "1")
        self.assertEqual((node.flows(), client.get()[0]), (1, 200))

    def test_connections_that_end_without_an_agent_are_cleared_by_the_next(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1")
        clients = [RawClient(node) for _ in range(6)]
        for client in clients:
            self.assertEqual(client.get()[0], 200)
        node.kill_agent()
        for client in clients[:2]:
            client.reset()
        for client in clients[2:4]:
            client.half_close()
            self.assertEqual(client.at_end(), "fin")
        node.start_agent("--steer-after", "1")
        self.assertEqual([client.get()[0] for client in clients[4:]], [200, 200])
        wait_for("the ended ones to be cleared", lambda: node.flows() == 2, 10)
        for client in clients[2:]:
            client.close()
        node.wait_without_flows(10)
        self.assertEqual(node.sum("sluice_steer_ports_in_use"), 0)

    def test_the_next_agent_may_have_other_limits(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1", "--max-steered", "64")
        for flags in (["--max-steered", "1000"], ["--upstream-ports", "40000-40100"],
                      ["--max-steered", "64", "--upstream-ports", "20000-20064"], []):
            with self.subTest(flags=flags):
                clients = [RawClient(node) for _ in range(10)]
                for client in clients:
                    self.assertEqual(client.get()[0], 200)
                node.kill_agent()
                node.start_agent("--steer-after", "1", *flags)
                self.assertEqual((node.flows(), int(node.lbctl("status")["adopted_connections"])), (10, 10))
                self.assertEqual({client.get()[0] for client in clients}, {200})
                self.assertEqual(node.load("--connections", 10, "--requests", 200)["requests_failed"], 0)
                self.assertEqual(node.sum("sluice_proxy_promotions_total"), 10)
                for client in clients:
                    client.close()
                node.wait_without_flows(10)
                self.assertEqual(node.sum("sluice_steer_ports_in_use"), 0)

    def test_an_orderly_stop_finishes_requests_in_flight(self):
        node = self.make_node()
        node.start_agent("--steer-after", "never")
        slow = node.start("client", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                          f"http://{node.vip}/?delay=1500")
        wait_for("the request to be in flight", lambda: any(
            int(w.get("connections_open", 0)) for w in node.lbctl("status")["workers"]))
        self.assertEqual(node.stop_agent(), 0)
        self.assertEqual(slow.communicate(timeout=30)[0], "200")


if __name__ == "__main__":
    unittest.main(verbosity=2)
