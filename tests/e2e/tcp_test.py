# SPDX-License-Identifier: Apache-2.0
"""TCP listeners and PROXY headers of the whole agent, from Istio objects, with and without the kernel path."""
import json
import socket
import unittest

from node import NodeTest, scaled, wait_for
from raw_client import RawClient

TCP_PORT = 9000
GATEWAY = f"""apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: raw-gateway
  namespace: default
spec:
  selector: {{istio: ingressgateway}}
  servers:
    - port: {{number: {TCP_PORT}, name: raw, protocol: TCP}}
      hosts: ["*"]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: raw
  namespace: default
spec:
  hosts: ["*"]
  gateways: [raw-gateway]
  tcp:
    - match: [{{port: {TCP_PORT}, destinationSubnets: [10.200.0.0/16]}}]
      route:
        - destination: {{host: echo.default.svc.cluster.local, subset: v1, port: {{number: 80}}}}
          weight: 75
        - destination: {{host: echo.default.svc.cluster.local, subset: v2, port: {{number: 80}}}}
          weight: 25
"""


class Tcp(NodeTest):
    def start(self, node, *flags):
        node.write("raw.yaml", GATEWAY)
        node.start_agent(*flags)
        self.target = f"10.200.0.1:{TCP_PORT}"

    def check(self, node):
        """Requests of a connection all go where it goes: the weights are those of connections."""
        load = node.load("--connections", 8, "--requests", scaled(400, 40), "--connect-per-request", "--mix", "random",
                         "--max-body", 100000, target=self.target)
        self.assertEqual(load["requests_failed"], 0, json.dumps(load))
        total = sum(load["versions"].values())
        self.assertLessEqual(abs(load["versions"]["v1"] - total * 0.75), 1, load["versions"])
        self.assertGreaterEqual(node.sum("sluice_proxy_tcp_connections_total"), total)
        wait_for("all connections to end", lambda: node.sum("sluice_proxy_tcp_connections_open") == 0)
        self.assertEqual(node.load("--connections", 8, "--requests", 100)["requests_failed"], 0, "HTTP beside it")

    def test_beside_a_steered_listener(self):
        node = self.make_node()
        self.start(node, "--steer-after", "1")
        self.assertEqual(node.listener(TCP_PORT)["tier_code"], "tcp_listener")
        self.assertEqual(node.listener()["tier_code"], "steerable")
        self.check(node)

    def test_without_the_kernel_path(self):
        node = self.make_node()
        self.start(node, "--no-kernel-path")
        self.check(node)

    def test_the_server_may_speak_first(self):
        for flags in ((), ("--no-kernel-path",)):
            with self.subTest(flags=flags):
                node = self.make_node()
                self.start(node, *flags)
                # The echo server speaks second; what shows is whether the agent connects to it before a byte came.
                client = RawClient(node, target=self.target)
                wait_for("the connection", lambda: node.sum("sluice_proxy_tcp_connections_open") == 1, 0.9)
                client.close()
                node.close()

    def test_a_listener_reads_proxy_headers_of_trusted_peers(self):
        node = self.make_node()
        node.edit("gateway.yaml", "  namespace: default\n",
                  "  namespace: default\n  annotations: {sluice.dev/proxy-protocol: accept}\n")
        node.start_agent("--trusted-cidrs", "10.200.0.0/24")
        self.assertEqual(node.listener()["tier_code"], "proxy_protocol")
        client = RawClient(node)
        client.socket.sendall(b"PROXY TCP4 203.0.113.7 10.200.0.1 4711 80\r\n")
        status, _, body = client.get("/headers")
        self.assertEqual(status, 200)
        self.assertIn("203.0.113.7", body.decode())
        client.close()
        bare = RawClient(node)
        bare.send("/")
        with self.assertRaises((EOFError, ConnectionResetError, socket.timeout)):
            bare.response()
        bare.close()
        wait_for("the reason", lambda: node.sum("sluice_proxy_endings_total", reason="proxy_header") == 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
