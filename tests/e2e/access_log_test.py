# SPDX-License-Identifier: Apache-2.0
"""The access log of a whole agent: what a line says, in which tier, across a rotation, and that it is whole."""
import json
import signal
import unittest

from node import NodeTest, scaled, wait_for
from raw_client import RawClient


class AccessLog(NodeTest):
    def start(self, *flags, workers=1):
        node = self.make_node()
        self.path = node.directory / "access.log"
        node.start_agent("--steer-after", "1", "--access-log", self.path, "--access-log-format", "json", *flags,
                         workers=workers)
        return node

    def lines(self, path=None):
        return [json.loads(line) for line in (path or self.path).read_text().splitlines()]

    def wait_for_lines(self, count):
        wait_for(f"{count} lines", lambda: len(self.lines()) >= count)
        return self.lines()

    def test_a_line_for_each_request_and_nothing_steered(self):
        node = self.start()
        client = RawClient(node)
        for path in ("/a?b=c", "/d%20e"):
            self.assertEqual(client.get(path, headers=["X-Request-Id: forged\tby me"])[0], 200)
        client.close()
        node.curl("/nowhere", "-H", "Host: a b")
        first, second, third = self.wait_for_lines(3)
        self.assertEqual((first["method"], first["path"], first["status"]), ("GET", "/a?b=c", 200))
        self.assertEqual(first["tier"], "request")
        self.assertEqual(second["path"], "/d%20e")
        self.assertEqual(first["downstream"], second["downstream"], "both came on one connection")
        self.assertIn(first["upstream"].rsplit(":", 1)[0], ("10.201.1.2", "10.201.1.3", "10.201.1.4"))
        self.assertTrue(first["cluster"].startswith("echo.default.svc.cluster.local|v"))
        self.assertEqual(first["route"], "default/echo#0")
        self.assertRegex(first["at"], r"virtual-service\.yaml:\d+$")
        self.assertEqual(first["attempts"], 1)
        self.assertGreater(first["bytes_out"], 0)
        self.assertGreaterEqual(first["total_ms"], first["upstream_ms"])
        self.assertEqual((third["status"], third["reason"], third["cluster"]), (400, "invalid_host", ""))
        self.assertEqual(node.flows(), 0)
        listener = node.listener()
        self.assertEqual((listener["tier"], listener["tier_code"]), ("request", "access_log"))
        self.assertIn("access log", node.lbctl_text("explain", "GET", "http://echo.example/"))

    def test_granularity_of_connections_lets_the_kernel_have_them(self):
        node = self.start("--access-log-granularity", "connection")
        client = RawClient(node)
        for _ in range(5):
            self.assertEqual(client.get("/x")[0], 200)
        self.assertEqual(node.flows(), 1)
        client.close()
        node.wait_without_flows()
        handed_over, over = self.wait_for_lines(2)
        self.assertEqual((handed_over["tier"], handed_over["path"], handed_over["status"]), ("connection", "/x", 0))
        self.assertEqual((over["tier"], over["path"], over["reason"]), ("connection", "", "closed"))
        for name in ("downstream", "upstream", "cluster"):
            self.assertEqual(over[name], handed_over[name])
        self.assertEqual((handed_over["requests"], over["requests"]), (0, 5))
        self.assertGreater(over["bytes_in"], 4 * len("GET /x HTTP/1.1"))
        self.assertGreater(over["bytes_out"], 5 * len("HTTP/1.1 200 OK"))
        self.assertGreater(over["total_ms"], 0)

    def test_a_connection_that_is_taken_back_says_why_and_each_request_is_counted_once(self):
        node = self.start("--access-log-granularity", "connection")
        client = RawClient(node)
        for _ in range(3):
            self.assertEqual(client.get("/x")[0], 200)
        self.assertEqual(int(node.lbctl("flows", "move", "--all")["asked"]), 1)
        for _ in range(2):
            self.assertEqual(client.get("/x")[0], 200)
        client.close()
        node.wait_without_flows()
        lines = self.wait_for_lines(4)
        self.assertEqual([line["reason"] for line in lines if line["requests"]], ["asked", "closed"])
        self.assertEqual(sum(line["requests"] for line in lines), 5)

    def test_a_sample_holds_both_lines_of_a_connection(self):
        node = self.start("--access-log-granularity", "connection", "--access-log-sample", "0.5")
        for _ in range(4):
            client = RawClient(node)
            self.assertEqual(client.get("/x")[0], 200)
            client.close()
            node.wait_without_flows()
        lines = self.wait_for_lines(4)
        self.assertEqual(sorted(line["requests"] for line in lines), [0, 0, 1, 1])
        self.assertEqual(len({line["downstream"] for line in lines}), 2)

    def test_every_line_is_whole_and_none_is_missing_under_load_and_rotation(self):
        node = self.start(workers=2)
        requests = scaled(20000, 2000)
        load = node.start("client", *node.load_command("--connections", 20, "--requests", requests))
        wait_for("some lines", lambda: len(self.path.read_text().splitlines()) > requests // 10)
        moved = self.path.with_suffix(".1")
        self.path.rename(moved)
        node.agent.send_signal(signal.SIGHUP)
        wait_for("a new file", self.path.exists)
        out, _ = load.communicate(timeout=300)
        self.assertEqual(json.loads(out[out.index("{"):])["requests_failed"], 0, out)
        wait_for("all lines", lambda: node.metrics()['sluice_telemetry_access_log_lines_total{outcome="written"}']
                 == requests)
        self.assertEqual(len(self.lines(moved)) + len(self.lines()), requests)
        self.assertTrue(self.lines(), "nothing came into the new file")
        status = node.lbctl("status")["access_log"]
        self.assertEqual((status["written"], status["dropped"], status["error"]), (str(requests), "0", ""))
        self.assertIn("access log", node.lbctl_text("status"))

    def test_a_sample_is_exact(self):
        node = self.start("--access-log-sample", "0.1")
        self.assertEqual(node.load("--connections", 4, "--requests", 500)["requests_failed"], 0)
        wait_for("fifty lines", lambda: len(self.lines()) == 50)

    def test_a_file_that_cannot_be_opened_stops_the_start(self):
        node = self.make_node()
        with self.assertRaises(AssertionError):
            node.start_agent("--access-log", node.directory / "none/access.log")
        self.assertIn("none/access.log", node.log())
        self.assertIn("--access-log", node.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
