# SPDX-License-Identifier: Apache-2.0
"""Ports that the agent binds by itself, without a kernel path: one that is taken, and one that changes its protocol.

Runs in a network namespace of its own, on loopback.
"""
import json
import pathlib
import socket
import subprocess
import unittest

import faults
from faults_test import Agent, own_network
from node import BIN, SCALE, wait_for

PATIENCE = 1 if SCALE >= 1 else 5
OTHER = 8081
GATEWAY = """apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: gw, namespace: default}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
    - {{port: {{number: 8080, name: http, protocol: HTTP}}, hosts: ["*"]}}
    - {{port: {{number: 8081, name: other, protocol: {protocol}}}, hosts: ["*"]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: vs, namespace: default}}
spec:
  hosts: ["*"]
  gateways: [gw]
  http: [{{route: [{{destination: {{host: greets.test, port: {{number: 80}}}}}}]}}]
  tcp: [{{match: [{{port: 8081}}], route: [{{destination: {{host: greets.test, port: {{number: 80}}}}}}]}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: greets, namespace: default}}
spec:
  hosts: [greets.test]
  ports: [{{number: 80, name: tcp, protocol: TCP}}]
  resolution: STATIC
  endpoints: [{{address: 127.0.0.1, ports: {{tcp: {endpoint}}}}}]
"""


def greet(connection, _):
    """Speaks first, as mail servers and databases do."""
    with connection:
        connection.sendall(b"hello\n")
        connection.recv(1)


class Ports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        own_network()

    def setUp(self):
        self.endpoint = faults.Endpoint(greet, threads=True)
        self.addCleanup(self.endpoint.close)

    def config(self, protocol):
        return GATEWAY.format(protocol=protocol, endpoint=self.endpoint.port)

    def start(self, protocol):
        self.agent = Agent(self.config(protocol), workers=2)
        self.addCleanup(self.agent.close)

    def listener(self):
        out = subprocess.run([BIN / "lbctl", "--control", pathlib.Path(self.agent.directory.name) / "agent.sock", "-o",
                              "json", "status"], check=True, capture_output=True, text=True).stdout
        return next(each for each in json.loads(out)["listeners"] if each["port"] == OTHER)

    def test_a_port_that_is_taken_is_served_once_it_is_free(self):
        taken = socket.create_server(("127.0.0.1", OTHER))
        self.addCleanup(taken.close)
        self.start("HTTP")
        self.assertIn("port 8081 cannot be served", self.listener()["error"])
        self.assertTrue(0 < self.listener()["retry_seconds"] <= 1.25, self.listener())
        # The pause doubles while it stays so.
        wait_for("a longer pause", lambda: self.listener()["retry_seconds"] > 1.5, 10 * PATIENCE)
        taken.close()
        wait_for("the port to be served", lambda: not self.listener()["error"], 10 * PATIENCE)
        self.assertEqual(self.listener()["retry_seconds"], 0)
        with socket.create_connection(("127.0.0.1", OTHER), timeout=10) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 "))

    def test_a_port_that_becomes_tcp_lets_the_server_speak_first(self):
        self.start("HTTP")
        config = pathlib.Path(self.agent.directory.name) / "config/all.yaml"
        config.with_suffix(".new").write_text(self.config("TCP"))
        config.with_suffix(".new").rename(config)
        wait_for("the change", lambda: self.listener()["protocol"] == "TCP", 10)
        # A socket that waits for the client's bytes would hold each connection back for the second that this takes.
        for _ in range(4):
            with socket.create_connection(("127.0.0.1", OTHER), timeout=20) as client:
                client.settimeout(0.8 * PATIENCE)
                self.assertEqual(client.recv(100), b"hello\n")


if __name__ == "__main__":
    unittest.main()
