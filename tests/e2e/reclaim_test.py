# SPDX-License-Identifier: Apache-2.0
"""Connections that the kernel carries are taken back and handed over again under load, and no client notices.

The load client checks status, version, body bytes and hash of every answer and the server's hash of every upload.
SLUICE_FULL=1 runs large amounts instead of a sample.
"""
import json
import os
import signal
import time
import unittest

from node import NodeTest, scaled, wait_for
from raw_client import RawClient

FULL = os.environ.get("SLUICE_FULL") == "1"
CONNECTIONS = 40
PACE = 0.25  # seconds between two moves of everything
RETRANSMISSION = 0.2  # the shortest timeout of Linux

# Kept connections of a library that people use, with pauses that let them be idle when they are moved.
THINKERS = """
import collections, http.client, json, random, sys, threading, time
host, port, threads, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), time.monotonic() + float(sys.argv[4])
seen, done, errors, ports = collections.defaultdict(set), [0] * threads, [], collections.defaultdict(set)
def client(number):
    connection = http.client.HTTPConnection(host, port, timeout=20)
    while time.monotonic() < end:
        try:
            size = random.randrange(20000)
            connection.request("GET", f"/?size={size}", headers={"Host": "echo.example"})
            ports[number].add(connection.sock.getsockname()[1])
            answer = connection.getresponse()
            if answer.status != 200 or len(answer.read()) != size:
                errors.append(f"status {answer.status}")
            seen[number].add(answer.headers["x-pod"])
            done[number] += 1
        except Exception as error:
            errors.append(repr(error))
            connection.close()
        time.sleep(random.random() * 0.05)
running = [threading.Thread(target=client, args=(number,)) for number in range(threads)]
for thread in running: thread.start()
for thread in running: thread.join()
print(json.dumps({"requests": sum(done), "errors": errors[:10], "pods": min(map(len, seen.values())),
                  "connections": sum(map(len, ports.values()))}))
"""


class ReclaimTest(NodeTest):
    def start(self, workers=2, flags=(), **options):
        node = self.make_node(**options)
        node.start_agent("--steer-after", "1", *flags, workers=workers)
        return node

    def move(self, node, *which):
        return int(node.lbctl("flows", "move", *(which or ("--all",)))["asked"])

    def start_load(self, node, *flags, connections=CONNECTIONS, body=1 << 20):
        return node.start("client", *node.load_command("--connections", connections, "--mix", "random", "--max-body",
                                                       body, *flags))

    def move_until_done(self, node, process, pace=PACE, enough=None):
        """Moves everything again and again until the process ends, or after enough moves; returns what it printed."""
        asked = 0
        while process.poll() is None:
            asked += self.move(node)
            time.sleep(pace)  # the pace of the disturbance; nothing is waited for
            if enough and asked > enough:
                process.send_signal(signal.SIGTERM)
                break
        output = process.communicate(timeout=600)[0]
        self.assertIn("{", output, f"{output}\n{node.log()[-4000:]}")
        return json.loads(output[output.index("{"):])

    def load_while_moving(self, node, requests, *flags, connections=CONNECTIONS, pace=PACE, **options):
        """As long as it takes to move every connection several times; with SLUICE_FULL so many requests."""
        load = self.start_load(node, *(("--requests", requests) if FULL else ("--duration", 600)), *flags,
                               connections=connections, **options)
        result = self.move_until_done(node, load, pace, None if FULL else 5 * connections)
        self.assertEqual(result["requests_failed"], 0, f"{result}\n{node.log()[-4000:]}")
        self.assertEqual(result["reconnects"], 0, result)
        moved = node.sum("sluice_steer_moves_asked_total", reason="asked")
        self.assertGreater(moved, 2 * connections)
        self.assertGreater(self.returns(node), moved / 2)
        self.assertGreater(result["moved"], connections, "connections did not see other pods")
        self.assert_nothing_left(node)
        return result

    def carried(self, node):
        """Now; `lbctl flows` shows those that have just come back for another moment."""
        return node.sum("sluice_steer_connections")

    def returns(self, node, **labels):
        return node.sum("sluice_steer_returns_total", **labels)

    def assert_nothing_left(self, node):
        node.wait_without_flows()
        wait_for("every client's socket to be closed", lambda: node.sum("sluice_proxy_connections_open") == 0)
        wait_for("every port to be free", lambda: node.sum("sluice_steer_ports_in_use") <= node.sum(
            "sluice_proxy_upstreams_idle"))
        self.assertEqual(node.sum("sluice_steer_return_failures_total", reason="given_up"), 0)
        self.assertEqual(node.sum("sluice_proxy_endings_total", reason="late_answer"), 0)


class UnderLoad(ReclaimTest):
    def test_all_connections_move(self):
        self.load_while_moving(self.start(), 200_000 if FULL else scaled(8_000))

    def test_over_ipv6(self):
        self.load_while_moving(self.start(family=6), 200_000 if FULL else scaled(6_000))

    def impaired(self, node, requests):
        for role in ("client", "pod1", "pod2", "pod3"):
            node.netlab("impair", node.name, role, "--loss-ppm", "10000")
        self.load_while_moving(node, requests, body=1 << 18)

    def test_with_one_percent_loss(self):
        self.impaired(self.start(), 100_000 if FULL else scaled(4_000))

    def test_with_one_percent_loss_over_ipv6(self):
        self.impaired(self.start(family=6), 100_000 if FULL else scaled(4_000))

    def test_clients_that_refuse_options(self):
        for option in ("--no-sack", "--no-timestamps", "--no-wscale"):
            with self.subTest(option=option):
                node = self.start()
                node.netlab("tcp", node.name, "client", option)
                self.load_while_moving(node, scaled(4_000), body=1 << 18, pace=0.05)
                node.close()

    def test_clients_with_a_small_segment_size(self):
        """Their upstreams have that size too, also after a return, when the client's socket says 12 bytes less."""
        node = self.start()
        self.load_while_moving(node, scaled(4_000), "--mss", 536, body=1 << 18, pace=0.05)
        self.assertEqual(node.refused("mss"), 0)

    def test_clients_with_small_windows(self):
        self.load_while_moving(self.start(), scaled(3_000), "--receive-buffer", 4096, body=1 << 16,
                               pace=0.05)

    def test_connections_that_end_while_they_are_moved(self):
        node = self.start()
        load = self.start_load(node, "--requests", scaled(10_000), "--requests-per-connection", "2,12", body=1 << 15)
        result = self.move_until_done(node, load, pace=0.02)
        self.assertEqual(result["requests_failed"], 0, result)
        self.assertGreater(self.returns(node), 100)
        self.assert_nothing_left(node)

    def test_clients_that_think(self):
        node = self.start()
        host, port = node.vip.rsplit(":", 1)
        thinkers = node.start("client", "python3", "-c", THINKERS, host.strip("[]"), port, 60, 20 if FULL else 6)
        result = self.move_until_done(node, thinkers)
        self.assertEqual(result["errors"], [])
        self.assertEqual(result["connections"], 60, "no client had to connect again")
        self.assertGreaterEqual(result["pods"], 2, "every client saw several pods")
        for when in ("turn", "idle"):
            self.assertGreater(self.returns(node, when=when), 20)
        self.assert_nothing_left(node)

    def test_while_agents_follow_one_another(self):
        """What is armed or held when an agent lets go is the next one's to decide; nothing is lost between them."""
        node = self.start()
        load = self.start_load(node, "--duration", 14, "--think-ms", "0,5", body=1 << 16)
        for workers in (1, 3, 2):
            old, before = node.agent, node.log().count("another agent serves now")
            for _ in range(4):
                self.move(node)
            node.start_agent("--steer-after", "1", workers=workers)
            wait_for("the next agent", lambda: node.log().count("another agent serves now") > before)
            self.move(node)
            old.send_signal(signal.SIGTERM)
            self.assertEqual(old.wait(timeout=60), 0)
        result = self.move_until_done(node, load)
        self.assertEqual(result["requests_failed"], 0, f"{result}\n{node.log()[-4000:]}")
        self.assert_nothing_left(node)


class OneByOne(ReclaimTest):
    def test_idle_connections_come_back_and_are_handed_over_again(self):
        node = self.start()
        clients = [RawClient(node) for _ in range(10)]
        for round_number in range(1, 4):
            for client in clients:
                self.assertEqual(client.get()[0], 200)
            self.assertEqual(self.carried(node), 10)
            self.assertEqual(self.move(node), 10)
            wait_for("all to be back", lambda: self.returns(node, when="idle") == 10 * round_number)
            self.assertEqual(self.carried(node), 0)
            self.assertEqual(node.sum("sluice_proxy_connections_open"), 10)
            self.assertEqual(node.sum("sluice_proxy_listener_connections_open"), 10)
        for client in clients:
            client.close()
        self.assert_nothing_left(node)

    def test_a_connection_survives_many_moves(self):
        for family in (4, 6):
            node = self.start(family=family)
            client, pods = RawClient(node), set()
            for i in range(100):
                status, fields, body = client.get(f"/?size={i * 50}")
                self.assertEqual((status, len(body)), (200, i * 50))
                pods.add(fields["x-pod"])
                self.assertEqual(self.move(node), 1)
            self.assertEqual(len(pods), 3)
            self.assertEqual(node.sum("sluice_proxy_connections_total"), 1)
            client.close()
            self.assert_nothing_left(node)

    def test_a_move_at_a_request_costs_no_retransmission_timeout(self):
        node = self.start()
        client, slowest = RawClient(node), 0
        self.assertEqual(client.get()[0], 200)
        for i in range(1, 31):
            client.send("/?delay=60")
            self.assertEqual(self.move(node), 1)
            self.assertEqual(client.response()[0], 200)
            began = time.monotonic()
            self.assertEqual(client.get()[0], 200)
            slowest = max(slowest, time.monotonic() - began)
        self.assertGreater(self.returns(node, when="turn"), 25)
        self.assertLess(slowest, RETRANSMISSION)

    def test_an_answer_that_pauses_is_not_lost(self):
        """A pause looks as if nothing were under way; what the old endpoint still says is passed on."""
        node = self.start()
        client = RawClient(node)
        self.assertEqual(client.get()[0], 200)
        for i in range(1, 6):
            client.send("/?stream=6&interval=60")
            wait_for("the answer to begin", client.more)
            self.move(node)
            wait_for("a pause to be taken for idleness", lambda: self.returns(node, when="idle") == i)
            self.assertEqual(client.response()[2].count(b"piece"), 6)
            self.assertEqual(client.get()[0], 200)
        client.close()
        self.assert_nothing_left(node)

    def test_only_those_that_are_named_are_moved(self):
        node = self.start()
        clients = [RawClient(node) for _ in range(6)]
        pods = [client.get()[1]["x-pod"] for client in clients]
        flows = node.lbctl("flows")["flows"]
        one = next(flow for flow in flows if flow["client"].endswith(f":{clients[0].port}"))
        same = sum(flow["endpoint"] == one["endpoint"] for flow in flows)
        self.assertEqual(self.move(node, "--client", one["client"]), 1)
        wait_for("it to be back", lambda: self.carried(node) == 5)
        self.assertEqual(self.move(node, "--endpoint", one["endpoint"]), same - 1)
        wait_for("the others to be back", lambda: self.carried(node) == 6 - same)
        self.assertEqual(pods.count(pods[0]), same)
        self.assertEqual(self.move(node, "--client", "192.0.2.1"), 0)

    def test_the_next_agent_takes_back_what_it_adopted(self):
        node = self.start()
        clients = [RawClient(node) for _ in range(8)]
        for client in clients:
            self.assertEqual(client.get()[0], 200)
        for workers in (1, 3):
            node.kill_agent()
            node.start_agent("--steer-after", "1", workers=workers)
            self.assertEqual(self.move(node), 8)
            wait_for("all to be back", lambda: node.sum("sluice_proxy_connections_open") == 8)
            for client in clients:
                self.assertEqual(client.get()[0], 200)
            self.assertEqual(self.carried(node), 8)
        for client in clients:
            client.close()
        self.assert_nothing_left(node)

    def test_what_is_armed_when_the_agent_dies_goes_on(self):
        node = self.start()
        client = RawClient(node)
        self.assertEqual(client.get()[0], 200)
        client.send("/?delay=1500")
        self.assertEqual(self.move(node), 1)
        self.assertEqual(node.lbctl("flows")["flows"][0]["state"], "armed")
        node.kill_agent()
        node.start_agent("--steer-after", "1")
        self.assertEqual(node.lbctl("flows")["flows"][0]["state"], "normal")
        self.assertEqual([client.response()[0], client.get()[0]], [200, 200])


if __name__ == "__main__":
    unittest.main(verbosity=2)
