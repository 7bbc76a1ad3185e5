# SPDX-License-Identifier: Apache-2.0
"""Traffic policy through the whole agent with two workers: outlier detection, connection pools, retries.

Runs in a network namespace of its own, on loopback. Endpoints are scripted: each counts its requests and answers as
the test says.
"""
import collections
import concurrent.futures
import json
import pathlib
import socket
import subprocess
import threading
import time
import unittest

import faults
from faults_test import HEAD, PORT, Agent, own_network, read_answer
from node import BIN, SCALE, wait_for

PATIENCE = 1 if SCALE >= 1 else 5
ROUTE = "    - route: [{destination: {host: policy.test, port: {number: 80}}}]\n"
ENTRY = """---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: policy, namespace: default}
spec:
  hosts: [policy.test]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints:
"""
RULE = """---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: policy, namespace: default}
spec:
  host: policy.test
  trafficPolicy:
"""


class Scripted:
    """An endpoint whose behaviour can change: `answer` is a status, a function of the request's number, or "hold"."""

    def __init__(self, answer=200):
        self.answer = answer
        self.requests = 0
        self.held = threading.Semaphore(0)  # released once for each request that arrived and waits
        self.open = threading.Event()
        self.lock = threading.Lock()
        self.endpoint = faults.Endpoint(self.serve, threads=True)
        self.port = self.endpoint.port

    def serve(self, connection, _):
        with connection:
            while faults.read_head(connection) is not None:
                with self.lock:
                    self.requests += 1
                    number = self.requests
                answer = self.answer(number) if callable(self.answer) else self.answer
                if answer == "hold":
                    self.held.release()
                    self.open.wait(30)
                    answer = 200
                if answer == "reset":
                    return faults.reset(connection)
                if answer == "stall":
                    self.open.wait(30)
                    return None
                more = ""
                if isinstance(answer, tuple):
                    answer, more = answer
                connection.sendall(f"HTTP/1.1 {answer} X\r\nContent-Length: 0\r\n{more}\r\n".encode())
        return None

    def close(self):
        self.open.set()
        self.endpoint.close()


class Policy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        own_network()

    def start(self, policy, *answers, more="", ports=()):
        """An agent in front of one endpoint for each of `answers` (and `ports`, which are not ours)."""
        self.endpoints = [Scripted(answer) for answer in answers]
        for endpoint in self.endpoints:
            self.addCleanup(endpoint.close)
        entries = "".join(f"    - {{address: 127.0.0.1, ports: {{http: {port}}}}}\n"
                          for port in (*(e.port for e in self.endpoints), *ports))
        indented = "".join(f"    {line}\n" for line in policy)
        self.agent = Agent(HEAD + ROUTE + more + ENTRY + entries + RULE + indented, workers=2)
        self.addCleanup(self.agent.close)

    def ask(self, fields="", method="GET"):
        with socket.create_connection(("127.0.0.1", PORT), timeout=20) as client:
            client.sendall(f"{method} / HTTP/1.1\r\nHost: policy.example\r\n{fields}\r\n".encode())
            return read_answer(client)

    def ask_many(self, count):
        return collections.Counter(self.ask() for _ in range(count))

    def counts(self):
        return [endpoint.requests for endpoint in self.endpoints]

    def status(self):
        out = subprocess.run([BIN / "lbctl", "--control", pathlib.Path(self.agent.directory.name) / "agent.sock", "-o",
                              "json", "status"], check=True, capture_output=True, text=True).stdout
        return next(cluster for cluster in json.loads(out)["clusters"] if cluster["host"] == "policy.test")

    def endpoint(self, index):
        address = f"127.0.0.1:{self.endpoints[index].port}"
        return next(entry for entry in self.status()["endpoints"] if entry["address"] == address)

    def overflows(self, kind):
        return self.agent.sum("sluice_health_overflows_total", f'kind="{kind}"')

    # ---- outlierDetection
    def eject(self, index):
        """Asks until that endpoint is out; its requests so far."""
        def out():
            self.ask()
            return self.endpoint(index)["ejected"]
        wait_for("the endpoint to be ejected", out, 20)
        return self.endpoints[index].requests

    def test_an_endpoint_that_answers_5xx_is_ejected_and_comes_back(self):
        self.start(["loadBalancer: {simple: ROUND_ROBIN}",
                    "outlierDetection: {consecutive5xxErrors: 3, interval: 1s, baseEjectionTime: 2s,",
                    "                   maxEjectionPercent: 100}"], 500, 200, 200)
        before = self.eject(0)
        self.assertEqual(before, 3)
        shown = self.endpoint(0)
        self.assertEqual((shown["ejected_reason"], shown["times_ejected"]), ("consecutive_5xx", 1))
        self.assertTrue(0 < shown["ejected_seconds"] <= 2, shown)
        self.assertEqual(self.agent.sum("sluice_health_endpoints_ejected"), 1)
        self.assertEqual(self.agent.sum("sluice_health_ejections_total", 'kind="consecutive_5xx"'), 1)
        # Not one request while it is out, on either worker.
        answers = self.ask_many(60)
        if self.endpoint(0)["ejected"]:
            self.assertEqual(self.endpoints[0].requests, before)
            self.assertEqual(answers, {(200, ""): 60})
        self.endpoints[0].answer = 200
        wait_for("it to come back", lambda: not self.endpoint(0)["ejected"], 10 * PATIENCE)
        self.ask_many(60)
        self.assertGreaterEqual(self.endpoints[0].requests - before, 18)  # a third, by each worker's turns

    def test_each_further_ejection_lasts_longer(self):
        self.start(["outlierDetection: {consecutive5xxErrors: 1, interval: 30s, baseEjectionTime: 1s,",
                    "                   maxEjectionPercent: 100}"], 500, 200)
        lengths = []
        for round_number in (1, 2, 3):
            self.eject(0)
            shown = self.endpoint(0)
            self.assertEqual(shown["times_ejected"], round_number)
            began = time.monotonic()
            wait_for("it to come back", lambda: not self.endpoint(0)["ejected"], 10 * PATIENCE)
            lengths.append(time.monotonic() - began)
        for length, wanted in zip(lengths, (1, 2, 3)):
            self.assertGreater(length, wanted - 0.9)
            if PATIENCE == 1:
                self.assertLess(length, wanted + 2)
        self.assertGreater(lengths[2], lengths[0])

    def test_only_max_ejection_percent_are_ejected(self):
        self.start(["outlierDetection: {consecutive5xxErrors: 1, baseEjectionTime: 60s, maxEjectionPercent: 50}"],
                   500, 500, 500, 500)
        self.ask_many(40)
        cluster = self.status()
        self.assertEqual(cluster["ejected"], 2)
        self.assertGreater(int(cluster["ejections_held_back"]), 0)
        self.assertGreater(self.agent.sum("sluice_health_ejections_held_back_total"), 0)
        before = self.counts()
        self.ask_many(20)
        served = [now - then for now, then in zip(self.counts(), before)]
        self.assertEqual(sorted(served)[:2], [0, 0])
        self.assertEqual(sum(served), 20)

    def test_below_min_health_percent_the_ejected_ones_serve_again(self):
        policy = "outlierDetection: {consecutive5xxErrors: 1, baseEjectionTime: 60s, maxEjectionPercent: 100%s}"
        self.start([policy % ""], 500, 500)
        self.ask_many(10)
        self.assertEqual(self.status()["ejected"], 2)
        self.assertEqual(self.ask_many(10), {(503, "no_endpoint"): 10})
        config = pathlib.Path(self.agent.directory.name) / "config/all.yaml"
        text = config.read_text().replace("maxEjectionPercent: 100", "maxEjectionPercent: 100, minHealthPercent: 60")
        config.with_suffix(".new").write_text(text)
        config.with_suffix(".new").rename(config)
        wait_for("panic", lambda: self.ask()[0] == 500, 10)
        before = self.counts()
        self.ask_many(20)
        self.assertTrue(all(now > then for now, then in zip(self.counts(), before)), self.counts())
        self.assertEqual(self.status()["ejected"], 2)  # they are still known to be ill

    # ---- connectionPool
    def test_requests_in_flight_are_limited_for_the_whole_agent(self):
        self.start(["connectionPool: {http: {http2MaxRequests: 3}}"], "hold")
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            asked = [pool.submit(self.ask) for _ in range(20)]
            # 17 are turned away while three wait, whichever worker they came to.
            wait_for("17 overflows", lambda: self.overflows("requests") == 17, 20 * PATIENCE)
            self.assertEqual(self.agent.endings("upstream_overflow"), 17)
            self.endpoints[0].open.set()
            answers = collections.Counter(f.result() for f in asked)
        self.assertEqual(answers, {(200, ""): 3, (503, "upstream_overflow"): 17})
        workers = [self.agent.sum("sluice_proxy_requests_total", f'worker="{index}"') for index in (0, 1)]
        self.assertTrue(all(count > 0 for count in workers), workers)
        self.assertEqual(self.ask(), (200, ""))
        self.assertEqual({entry["reason"]: entry["count"] for entry in self.status()["overflows"]}, {"requests": "17"})

    def test_connections_are_limited_for_the_whole_agent_and_requests_wait(self):
        self.start(["connectionPool: {tcp: {maxConnections: 2}}"], "hold")
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            asked = [pool.submit(self.ask) for _ in range(20)]
            wait_for("18 to wait", lambda: self.overflows("connections") >= 18, 20 * PATIENCE)
            self.assertEqual(self.endpoint(0)["connections"], 2)
            self.endpoints[0].open.set()
            answers = collections.Counter(f.result() for f in asked)
        self.assertEqual(answers, {(200, ""): 20})
        self.assertEqual(self.endpoints[0].requests, 20)
        self.assertLessEqual(self.endpoint(0)["connections"], 2)

    def test_more_requests_than_may_wait_are_answered_503(self):
        self.start(["connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 4}}"], "hold")
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            first = pool.submit(self.ask)
            self.assertTrue(self.endpoints[0].held.acquire(timeout=20))
            asked = [pool.submit(self.ask) for _ in range(15)]
            wait_for("11 overflows", lambda: self.overflows("pending") == 11, 20 * PATIENCE)
            self.endpoints[0].open.set()
            answers = collections.Counter(f.result() for f in asked)
            self.assertEqual(first.result(), (200, ""))
        self.assertEqual(answers, {(200, ""): 4, (503, "upstream_overflow"): 11})

    # ---- retries
    def retries(self, attempts, conditions, more=""):
        return f"      retries: {{attempts: {attempts}, retryOn: \"{conditions}\", backoff: 1ms{more}}}\n"

    def test_max_retries_limits_the_retries_that_are_under_way(self):
        # The first request of each client fails at 0 and is to be tried again at 1, which holds those that come.
        self.start(["loadBalancer: {simple: ROUND_ROBIN}", "connectionPool: {http: {maxRetries: 2}}"], 503,
                   lambda _: "hold", more=self.retries(1, "503"))
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            asked = [pool.submit(self.ask) for _ in range(40)]
            # Two retries are held; every other request that met 0 is not tried again.
            wait_for("all to be held or over", lambda: self.counts()[1] + sum(f.done() for f in asked) == 40,
                     20 * PATIENCE)
            held_back = self.overflows("retries")
            self.endpoints[1].open.set()
            answers = collections.Counter(f.result() for f in asked)
        self.assertEqual(self.agent.sum("sluice_proxy_retries_total"), 2)
        self.assertGreater(held_back, 0)
        self.assertEqual(answers[(503, "")], held_back)
        self.assertEqual(answers[(200, "")], 40 - held_back)

    def test_a_retry_budget_allows_its_share(self):
        self.start(["loadBalancer: {simple: ROUND_ROBIN}", "retryBudget: {percent: 10, minRetryConcurrency: 3}"], 503,
                   lambda _: "hold", more=self.retries(1, "503"))
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            asked = [pool.submit(self.ask) for _ in range(20)]
            wait_for("all to be held or over", lambda: self.counts()[1] + sum(f.done() for f in asked) == 20,
                     20 * PATIENCE)
            held_back = self.overflows("retry_budget")
            self.endpoints[1].open.set()
            answers = collections.Counter(f.result() for f in asked)
        # 10 % of 20 are fewer than the three that are always allowed.
        self.assertEqual(self.agent.sum("sluice_proxy_retries_total"), 3)
        self.assertEqual(answers, {(200, ""): 20 - held_back, (503, ""): held_back})
        self.assertGreater(held_back, 0)

    def check_retry(self, conditions, answer, retried, more=""):
        with self.subTest(conditions, answer=answer):
            self.start(["loadBalancer: {simple: ROUND_ROBIN}"], answer, 200, more=self.retries(1, conditions, more))
            answers = self.ask_many(12)
            self.assertEqual(answers[(200, "")] == 12, retried, answers)
            self.assertEqual(self.agent.sum("sluice_proxy_retries_total"), self.counts()[0] if retried else 0)
            self.doCleanups()

    def test_retry_on(self):
        for conditions, answer, retried in (
                ("5xx", 500, True), ("5xx", 503, True), ("5xx", "reset", True), ("5xx", 404, False),
                ("gateway-error", 502, True), ("gateway-error", 500, False), ("gateway-error", "reset", True),
                ("reset", "reset", True), ("reset", 503, False),
                ("retriable-4xx", 409, True), ("retriable-4xx", 404, False),
                ("429,500", 429, True), ("429,500", 501, False)):
            self.check_retry(conditions, answer, retried)
        self.check_retry("5xx", "stall", True, ", perTryTimeout: 100ms")

    def test_retry_on_connect_failure(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            refused = listener.getsockname()[1]
        self.start(["loadBalancer: {simple: ROUND_ROBIN}"], 200, more=self.retries(1, "connect-failure"),
                   ports=[refused])
        self.assertEqual(self.ask_many(12), {(200, ""): 12})
        self.assertGreaterEqual(self.agent.sum("sluice_proxy_retries_total"), 5)


if __name__ == "__main__":
    unittest.main()
