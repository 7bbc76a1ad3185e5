# SPDX-License-Identifier: Apache-2.0
"""Everything at once: checked requests over kept connections while pods are drained in turn, weights flip, agents
follow each other and packets get lost. No request fails, no client sees a reset, and nothing is left.

SLUICE_FULL=1 runs two million requests with small bodies, and 30,000 with up to 8 MiB, over 200 connections.
"""
import json
import os
import signal
import threading
import time
import unittest

from node import SCALE, NodeTest, scaled, wait_for

FULL = os.environ.get("SLUICE_FULL") == "1"
CONNECTIONS = 200 if FULL else max(16, int(48 * SCALE))
REQUESTS = 2_000_000 if FULL else scaled(60_000, 2_000)
LARGE = 30_000 if FULL else scaled(2_000, 200)
POD_ADDRESSES = ("10.201.1.2", "10.201.1.3", "10.201.1.4")
READY = "conditions:\n          ready: true\n          serving: true\n          terminating: false"
TERMINATING = READY.replace("ready: true", "ready: false").replace("terminating: false", "terminating: true")


class Storm:
    """Changes the world in a thread of its own until it is stopped; `pace` is a deadline each, not a pause between."""

    def __init__(self, *changes):
        self.over = threading.Event()
        self.done = 0
        self.failure = None
        self.threads = [threading.Thread(target=self.run, args=change) for change in changes]

    def run(self, pace, change):
        due = time.monotonic()
        number = 0
        while not self.over.is_set():
            try:
                change(number)
            except Exception as failure:  # shown by the test: a storm that died is no storm
                self.failure = failure
                return
            number += 1
            self.done += 1
            due = max(due + pace, time.monotonic() - pace)
            self.over.wait(max(0.0, due - time.monotonic()))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()
        if self.failure:
            raise self.failure


class Soak(NodeTest):
    FLAGS = ("--steer-after", "1", "--drain-seconds", "20", "--upstream-idle-timeout", "5")

    def drain_next(self, number):
        """One of the two pods of v1 terminates, the other is well: v1 always has somebody."""
        out = POD_ADDRESSES[number % 2]
        place = self.service.index(f"- {out}\n")
        before, after = self.service[:place], self.service[place:]
        self.node.write("service.yaml", before + after.replace(READY, TERMINATING, 1))

    def flip_weights(self, number):
        v1 = (80, 50, 20, 95)[number % 4]
        self.node.write("virtual-service.yaml", self.route.replace("weight: 80", f"weight: {v1}").replace(
            "weight: 20", f"weight: {100 - v1}"))

    def follow(self, number):
        """The next agent beside the one that runs, which then goes."""
        old, before = self.node.agent, self.node.log().count("another agent serves now")
        self.node.start_agent(*self.FLAGS, workers=1 + number % 2)
        wait_for("the old agent to hear of the new one",
                 lambda: self.node.log().count("another agent serves now") > before, 30)
        old.send_signal(signal.SIGTERM)
        self.agents.append(old)

    def make(self, **options):
        self.node = self.make_node(**options)
        self.agents = []
        self.service = (self.node.config / "service.yaml").read_text()
        self.route = (self.node.config / "virtual-service.yaml").read_text()
        assert READY in self.service
        self.node.start_agent(*self.FLAGS, workers=2)

    def load(self, requests, body=1 << 15, *flags):
        return self.node.start("client", *self.node.load_command(
            "--connections", CONNECTIONS, "--requests", requests, "--mix", "random", "--max-body", body, "--think-ms",
            "0,3", *flags))

    def result_of(self, load):
        out, _ = load.communicate(timeout=7200 if FULL else 500)
        result = json.loads(out[out.index("{"):])
        self.assertEqual(result["requests_failed"], 0, out + self.node.log()[-4000:])
        return result

    def assert_nothing_left(self):
        for old in self.agents:
            self.assertEqual(old.wait(timeout=60), 0)
        self.node.wait_without_flows(40)
        wait_for("upstream ports to be free", lambda: self.node.sum("sluice_steer_ports_in_use") == 0, 40)

    def storm(self, load, *changes, moves=CONNECTIONS):
        """The result of a load during the changes; connections must have come back and gone elsewhere."""
        with Storm(*changes):
            result = self.result_of(load)
        self.assertGreater(result["moved"], moves, "few connections came back, so this test shows nothing")
        self.assert_nothing_left()
        return result

    def test_pods_drained_and_weights_flipped(self):
        self.make()
        result = self.storm(self.load(REQUESTS), (0.25, self.drain_next), (1.0, self.flip_weights))
        self.assertEqual(result["reconnects"], 0, "a client's connection was ended")

    def test_with_large_bodies(self):
        self.make()
        result = self.storm(self.load(LARGE, 8 << 20), (0.25, self.drain_next), (1.0, self.flip_weights))
        self.assertEqual(result["reconnects"], 0, "a client's connection was ended")

    def test_clients_that_write_in_small_pieces(self):
        """Which may look like pipelining: they come back after a while only."""
        self.make()
        result = self.storm(self.load(REQUESTS, 1 << 12, "--segment", "1,40"), (0.25, self.drain_next), moves=10)
        self.assertEqual(result["reconnects"], 0, "a client's connection was ended")

    def test_agents_replaced_meanwhile(self):
        """An agent that goes tells clients whose connections are with it to come again; no request may fail by that."""
        self.make()
        self.storm(self.load(REQUESTS), (0.25, self.drain_next), (1.0, self.flip_weights), (5.0, self.follow))

    def test_the_same_with_one_percent_loss(self):
        self.make()
        for role in ("client", "pod1", "pod2", "pod3"):
            self.node.netlab("impair", self.node.name, role, "--loss-ppm", "10000")
        result = self.storm(self.load(REQUESTS // 10, 1 << 16), (0.4, self.drain_next), (1.0, self.flip_weights))
        self.assertEqual(result["reconnects"], 0, "a client's connection was ended")


if __name__ == "__main__":
    unittest.main(verbosity=2)
