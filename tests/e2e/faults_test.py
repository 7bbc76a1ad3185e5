# SPDX-License-Identifier: Apache-2.0
"""Faults of endpoints, clients and the machine: each has one documented outcome, and none leaves anything behind.

Runs in a network namespace of its own, on loopback. SLUICE_FULL=1 repeats each fault 10,000 times instead of a sample.
"""
import concurrent.futures
import contextlib
import ctypes
import os
import pathlib
import resource
import socket
import subprocess
import tempfile
import unittest
import urllib.request

import faults
from node import BIN, scaled, wait_for
from raw_client import CLONE_NEWNET, LIBC

FULL = os.environ.get("SLUICE_FULL") == "1"
PORT, ADMIN = 8080, 9901
CLIENTS = 16
ROUTE = """    - match: [{{uri: {{prefix: /{name}/}}}}]
      route: [{{destination: {{host: {name}.test, port: {{number: 80}}}}}}]
{more}"""
ENTRY = """---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: {name}, namespace: default}}
spec:
  hosts: [{name}.test]
  ports: [{{number: 80, name: http, protocol: HTTP}}]
  resolution: STATIC
  endpoints: [{{address: 127.0.0.1, ports: {{http: {port}}}}}]
"""
HEAD = """apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: default}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: faults, namespace: default}
spec:
  hosts: ["*"]
  gateways: [gw]
  http:
"""


def own_network():
    if LIBC.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def request(name, method="GET", fields="", body=b""):
    return f"{method} /{name}/ HTTP/1.1\r\nHost: fault.example\r\n{fields}\r\n".encode() + body


def connect():
    client = socket.create_connection(("127.0.0.1", PORT), timeout=20)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def read_answer(client):
    """Status and reason of a whole answer with Content-Length; (None, "") when the connection ends before."""
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            more = client.recv(65536)
            if not more:
                return None, ""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:]}
        if "content-length" not in fields:
            while True:
                if body.endswith(b"0\r\n\r\n"):
                    break
                more = client.recv(65536)
                if not more:
                    return None, ""
                body += more
        while len(body) < int(fields.get("content-length", 0)):
            more = client.recv(65536)
            if not more:
                return None, ""
            body += more
    except ConnectionError:
        return None, ""
    return int(lines[0].split()[1]), fields.get("x-sluice-reason", "")


class Agent:
    def __init__(self, config, *flags, limit=None, workers=1):
        self.directory = tempfile.TemporaryDirectory()
        root = pathlib.Path(self.directory.name)
        (root / "config").mkdir()
        (root / "config/all.yaml").write_text(config)
        self.log = open(root / "log", "w+")
        prepare = None if limit is None else lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        self.process = subprocess.Popen(
            [BIN / "lb-agent", "--config", root / "config", "--control", root / "agent.sock", "--admin",
             f"127.0.0.1:{ADMIN}", "--workers", str(workers), "--no-kernel-path", *flags], stdout=self.log,
            stderr=self.log, preexec_fn=prepare)
        self.proc = pathlib.Path(f"/proc/{self.process.pid}")
        wait_for("the agent to serve", self.serves, 20)

    def serves(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            raise AssertionError("the agent ended: " + self.log.read()[-3000:])
        with contextlib.suppress(OSError):
            connect().close()
            self.metrics()
            return True
        return False

    def metrics(self):
        out = {}
        with urllib.request.urlopen(f"http://127.0.0.1:{ADMIN}/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line and not line.startswith("#"):
                    name, value = line.rsplit(" ", 1)
                    out[name] = float(value)
        return out

    def sum(self, name, text=""):
        return sum(v for k, v in self.metrics().items() if k.startswith(name) and text in k)

    def endings(self, reason):
        return self.sum("sluice_proxy_endings_total", f'reason="{reason}"')

    def descriptors(self):
        return len(list((self.proc / "fd").iterdir()))

    def memory(self):
        for line in (self.proc / "status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.log.close()
            self.directory.cleanup()


class Faults(unittest.TestCase):
    sent = 0.0

    @classmethod
    def setUpClass(cls):
        own_network()
        cls.endpoints = {name: faults.Endpoint(serve) for name, (serve, _, _) in faults.ENDPOINT_FAULTS.items()}
        cls.endpoints["fine"] = faults.Endpoint(cls.serve_fine, threads=True)
        cls.endpoints["endless"] = faults.Endpoint(faults.endless, threads=True)
        cls.endpoints["answers-early"] = faults.Endpoint(faults.answer_early)
        routes, entries = "", ""
        for name, endpoint in cls.endpoints.items():
            more = "      timeout: 100ms\n" if name in faults.TIMED else ""
            routes += ROUTE.format(name=name, more=more)
            entries += ENTRY.format(name=name, port=endpoint.port)
        cls.config = HEAD + routes + entries
        cls.agent = Agent(cls.config)

    @classmethod
    def tearDownClass(cls):
        cls.agent.close()
        for endpoint in cls.endpoints.values():
            endpoint.close()

    @staticmethod
    def serve_fine(connection, _):
        with connection:
            while faults.read_head(connection) is not None:
                connection.sendall(faults.OK)

    def repeat(self, what, count):
        """Runs `what` that often over several threads, and asserts that the agent holds no more than before."""
        agent = self.agent
        what()
        wait_for("the first one to be over", lambda: agent.sum("sluice_proxy_connections_open") == 0, 20)
        before = agent.descriptors(), agent.memory()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            for future in [pool.submit(what) for _ in range(count)]:
                future.result()
        wait_for("the agent to hold no connection", lambda: agent.sum("sluice_proxy_connections_open") == 0, 30)
        wait_for("its descriptors to be as before", lambda: agent.descriptors() <= before[0] + 2 * CLIENTS, 20)
        # Pools of as many connections and their buffers as there are clients may stay; a leak of 100 bytes a time shows
        # at the full amount.
        self.assertLess(agent.memory() - before[1], 4 << 20)
        self.assertIsNone(agent.process.poll())

    @staticmethod
    def count(timed=False):
        if FULL:
            return 1_000 if timed else 10_000
        return scaled(64 if timed else 400)

    def test_endpoints(self):
        for name, (_, status, reason) in faults.ENDPOINT_FAULTS.items():
            with self.subTest(name):
                count = self.count(name in faults.TIMED)
                counted = self.agent.endings(reason) if reason else 0

                def once(name=name, expected=(status, reason if status else "")):
                    with connect() as client:
                        client.sendall(request(name))
                        self.assertEqual(read_answer(client), expected, name)

                self.repeat(once, count)
                if reason:
                    self.assertEqual(self.agent.endings(reason) - counted, count + 1)

    def test_what_comes_after_the_answer_is_nobodys(self):
        """Bytes beyond the length that an endpoint announced never reach this client or the next."""
        def once():
            with connect() as client:
                for _ in range(3):
                    client.sendall(request("sends-too-much"))
                    self.assertEqual(read_answer(client), (200, ""))
        self.repeat(once, self.count() // 4)

    def test_an_answer_before_the_body(self):
        def once():
            with connect() as client:
                client.sendall(request("answers-early", "POST", "Content-Length: 100000\r\n", b"x" * 1000))
                self.assertEqual(read_answer(client)[0], 413)
        self.repeat(once, self.count())

    # ---- clients
    @staticmethod
    def leave(client):
        """Waits until the agent has noticed: thousands at once would need memory that looks like a leak."""
        client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while client.recv(65536):
                pass

    def test_a_client_that_leaves_in_the_head(self):
        def once():
            with connect() as client:
                client.sendall(b"GET /fine/ HTTP/1.1\r\nHos")
                self.leave(client)
        self.repeat(once, self.count())

    def test_a_client_that_leaves_in_the_body(self):
        def once():
            with connect() as client:
                client.sendall(request("fine", "POST", "Content-Length: 1000\r\n", b"part"))
                self.leave(client)
        self.repeat(once, self.count())

    def test_a_client_that_resets_a_stream(self):
        endpoint = self.endpoints["endless"]
        ended = endpoint.streams_ended

        def once():
            client = connect()
            client.sendall(request("endless"))
            self.assertTrue(client.recv(1000))
            faults.reset(client)
        count = self.count() // 4
        self.repeat(once, count)
        wait_for("the endpoint's streams to be cut off", lambda: endpoint.streams_ended - ended == count + 1, 20)

    def test_a_client_that_half_closes(self):
        def once():
            with connect() as client:
                client.sendall(request("fine"))
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(read_answer(client), (200, ""))
        self.repeat(once, self.count())

    def test_a_client_that_sends_garbage(self):
        def once():
            with connect() as client:
                client.sendall(b"\x00\x01garbage\r\n\r\n")
                self.assertEqual(read_answer(client)[0], 400)
        self.repeat(once, self.count())

    def still(self):
        """All clients' windows are full: no byte was sent between two looks."""
        sent, self.sent = self.sent, self.agent.sum("sluice_proxy_sent_bytes_total")
        return sent == self.sent

    def test_clients_that_never_read(self):
        """Each costs the agent what its two buffers hold, however much the endpoint would send."""
        agent = self.agent
        before = agent.memory()
        with contextlib.ExitStack() as stack:
            for _ in range(200):
                client = stack.enter_context(connect())
                client.sendall(request("endless"))
            wait_for("all streams to begin", lambda: agent.sum("sluice_proxy_upstreams_open") >= 200, 20)
            wait_for("the streams to stand still", self.still, 20)
            with connect() as good:
                good.sendall(request("is-slow"))
                self.assertEqual(read_answer(good), (200, ""))
            self.assertLess(agent.memory() - before, 200 * 2 * 64 * 1024 + (4 << 20))
        wait_for("the agent to hold no connection", lambda: agent.sum("sluice_proxy_connections_open") == 0, 30)


class Exhaustion(unittest.TestCase):
    """A machine that has no more to give: what is served goes on, and all is well again afterwards."""

    def setUp(self):
        own_network()
        self.endpoint = faults.Endpoint(Faults.serve_fine, threads=True)
        self.addCleanup(self.endpoint.close)
        self.config = HEAD + ROUTE.format(name="fine", more="") + ENTRY.format(name="fine", port=self.endpoint.port)

    def test_descriptors(self):
        agent = Agent(self.config, limit=128)
        self.addCleanup(agent.close)
        with connect() as early:
            early.sendall(request("fine"))
            self.assertEqual(read_answer(early), (200, ""))
            with contextlib.ExitStack() as stack:
                for _ in range(300):
                    stack.enter_context(connect())  # the kernel's queue takes those that the agent cannot
                # One that was there before is served on its kept connection.
                early.sendall(request("fine"))
                self.assertEqual(read_answer(early), (200, ""))
                self.assertIsNone(agent.process.poll())
        with connect() as late:
            late.sendall(request("fine"))
            self.assertEqual(read_answer(late), (200, ""))
        wait_for("the flood to be gone", lambda: agent.sum("sluice_proxy_connections_open") == 0, 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
