# SPDX-License-Identifier: Apache-2.0
"""One agent follows another under load: no request fails, no connection is reset, and lbctl and metrics stay there."""
import json
import shutil
import signal
import subprocess
import unittest

from node import BIN, SCALE, NodeTest, scaled, wait_for
from raw_client import RawClient

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
HIGH_PORT = 8080


class Upgrade(NodeTest):
    def follow(self, node, *flags, **options):
        """Starts the next agent beside the one that runs; returns the old one once the new one serves."""
        old, before = node.agent, node.log().count("another agent serves now")
        node.start_agent(*flags, **options)
        wait_for("the old agent to hear of the new one",
                 lambda: node.log().count("another agent serves now") > before, 30)
        return old

    def end(self, node, old):
        old.send_signal(signal.SIGTERM)
        self.assertEqual(old.wait(timeout=60), 0, node.log()[-4000:])

    def loads(self, node, seconds, target=None):
        """Kept connections, and a connection for each request."""
        kept = node.load_command("--connections", 16, "--mix", "random", "--max-body", 100000, "--think-ms", "0,20",
                                 "--duration", seconds, target=target)
        # With pauses: a client has 28,000 ports to one address, and each rests for a minute.
        fresh = node.load_command("--connections", 8, "--connect-per-request", "--think-ms", "10,30",
                                  "--duration", seconds, target=target)
        return [node.start("client", *command) for command in (kept, fresh)]

    def replace_under_load(self, node, *flags, target=None, workers=(1, 2, 3), **options):
        times = scaled(10, 2)
        loads = self.loads(node, int((2.5 if SCALE == 1 else 15) * times) + 4, target)
        for i in range(times):
            old = self.follow(node, *flags, workers=workers[i % len(workers)], **options)
            self.end(node, old)
        self.assertEqual([load.poll() for load in loads], [None, None], "the load went on all the time")
        for load in loads:
            out, _ = load.communicate(timeout=300)
            self.assertTrue(out.startswith("{"), out + node.log()[-6000:])
            result = json.loads(out)
            self.assertEqual(result["requests_failed"], 0, out + node.log()[-6000:])
            self.assertGreater(result["requests_ok"], 20 * times, out)

    def test_as_a_plain_proxy_without_privileges(self):
        node = self.make_node()
        node.edit("gateway.yaml", "number: 80\n", f"number: {HIGH_PORT}\n")
        node.directory.chmod(0o777)
        shutil.copy(BIN / "lb-agent", node.directory / "lb-agent")
        program = (*NOBODY, node.directory / "lb-agent")
        node.start_agent("--drain-seconds", "5", program=program, workers=2)
        vip = f"{node.vip.rsplit(':', 1)[0]}:{HIGH_PORT}"
        self.replace_under_load(node, "--drain-seconds", "5", target=vip, program=program)

    def test_with_the_kernel_path_in_the_request_tier(self):
        node = self.make_node()
        flags = ("--drain-seconds", "5", "--steer-after", "never")
        node.start_agent(*flags, workers=2)
        self.replace_under_load(node, *flags)
        self.assertEqual(node.lbctl("status")["kernel_path"], True)

    def test_with_steered_connections(self):
        node = self.make_node()
        flags = ("--drain-seconds", "5", "--steer-after", "2")
        node.start_agent(*flags, workers=2)
        client = RawClient(node)
        self.assertEqual([client.get()[0] for _ in range(3)], [200] * 3)
        wait_for("a steered connection", lambda: node.flows() >= 1)
        self.replace_under_load(node, *flags)
        wait_for("the kernel path", lambda: node.lbctl("status").get("kernel_path"))
        self.assertEqual(client.get()[0], 200, "it was steered all the time")
        before = node.sum("sluice_proxy_promotions_total")
        self.assertEqual(node.load("--connections", 4, "--requests", 200)["requests_failed"], 0)
        self.assertGreater(node.sum("sluice_proxy_promotions_total"), before, "the new agent steers")

    def test_an_agent_that_follows_waits_for_the_kernel_path(self):
        node = self.make_node()
        node.start_agent()
        old = self.follow(node)
        self.assertFalse(node.lbctl("status").get("kernel_path", False))
        self.assertEqual(node.load("--connections", 4, "--requests", 100)["requests_failed"], 0)
        self.end(node, old)
        wait_for("the kernel path", lambda: node.lbctl("status").get("kernel_path"))
        self.assertEqual(node.listener()["tier_code"], "steerable")

    def test_a_successor_that_dies_is_not_missed(self):
        node = self.make_node()
        node.start_agent()
        old = self.follow(node)
        node.kill_agent()
        node.agent = old
        wait_for("lbctl to be answered again", lambda: self.try_status(node))
        self.assertEqual(node.load("--connections", 4, "--requests", 100)["requests_failed"], 0)
        self.end(node, self.follow(node))
        self.assertEqual(node.load("--connections", 4, "--requests", 100)["requests_failed"], 0)

    @staticmethod
    def try_status(node):
        try:
            return node.lbctl("status")
        except subprocess.CalledProcessError:
            return None

    def test_control_and_metrics_answer_until_the_end_of_a_drain(self):
        node = self.make_node()
        node.start_agent("--steer-after", "never", "--drain-seconds", "30")
        slow = node.start("client", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                          f"http://{node.vip}/?delay=3000")
        wait_for("the request to be in flight", lambda: node.sum("sluice_proxy_connections_open") == 1)
        node.agent.send_signal(signal.SIGTERM)
        ready = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:9901/readyz"]
        wait_for("/readyz to say no", lambda: node.run("node", *ready).stdout == "503")
        self.assertEqual(node.sum("sluice_proxy_connections_open"), 1)
        self.assertTrue(node.lbctl("status")["listeners"])
        self.assertEqual(slow.communicate(timeout=30)[0], "200")
        self.assertEqual(node.agent.wait(timeout=20), 0)

    def test_a_second_signal_ends_a_drain_at_once(self):
        node = self.make_node()
        node.start_agent("--steer-after", "never", "--drain-seconds", "60")
        slow = node.start("client", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                          f"http://{node.vip}/?delay=50000")
        wait_for("the request to be in flight", lambda: node.sum("sluice_proxy_connections_open") == 1)
        node.agent.send_signal(signal.SIGTERM)
        wait_for("the drain", lambda: "draining for at most" in node.log())
        node.agent.send_signal(signal.SIGTERM)
        self.assertEqual(node.agent.wait(timeout=10), 0)
        slow.kill()
        slow.communicate()

    def test_an_idle_client_is_told_to_come_back(self):
        node = self.make_node()
        node.start_agent("--steer-after", "never", "--drain-seconds", "20")
        client = RawClient(node)
        self.assertEqual(client.get()[0], 200)
        old = self.follow(node, "--steer-after", "never")
        old.send_signal(signal.SIGTERM)
        wait_for("the drain", lambda: "draining for at most" in node.log())
        status, headers, _ = client.get()
        self.assertEqual((status, headers.get("connection")), (200, "close"))
        self.assertEqual(client.at_end(), "fin")
        client.close()
        self.assertEqual(old.wait(timeout=20), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
