# SPDX-License-Identifier: Apache-2.0
"""A thousand changes of the configuration while clients keep their connections: no request fails and none is closed."""
import json
import signal
import unittest

from node import NodeTest, scaled, wait_for

EXTRA_GATEWAY = """apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: extra, namespace: default}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
    - port: {{number: {port}, name: http, protocol: HTTP}}
      hosts: ["*"]
"""
EXTRA_ROUTE = """apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: extra, namespace: default}}
spec:
  hosts: ["extra-{number}.example"]
  gateways: [echo-gateway]
  http:
    - route:
        - destination: {{host: echo.default.svc.cluster.local, subset: v2, port: {{number: 80}}}}
"""
BAD = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: bad}\nspec: {hosts: 7}\n"


class Churn(NodeTest):
    def change(self, node, number):
        """One change; after twelve of them everything was changed and most of it was undone."""
        kind = number % 12
        if kind in (0, 1, 2, 3):
            v1 = 10 + number * 7 % 80
            text = self.route.replace("weight: 80", f"weight: {v1}").replace("weight: 20", f"weight: {100 - v1}")
            node.write("virtual-service.yaml", text)
        elif kind == 4:
            node.write("extra-gateway.yaml", EXTRA_GATEWAY.format(port=9000 + number % 50))
        elif kind == 5:
            node.write("extra-route.yaml", EXTRA_ROUTE.format(number=number))
        elif kind == 6:  # an endpoint of v1 goes
            label = "version: v1\n      name: echo-v1-a"
            assert label in self.pods
            node.write("pods.yaml", self.pods.replace(label, label.replace("v1\n", "none\n")))
        elif kind == 7:
            node.write("pods.yaml", self.pods)
        elif kind == 8:
            node.write("bad.yaml", BAD)
        elif kind == 9:
            (node.config / "bad.yaml").unlink()
        elif kind == 10:
            (node.config / "extra-gateway.yaml").unlink()
        else:
            (node.config / "extra-route.yaml").unlink()

    def test_a_thousand_changes_fail_no_request_and_close_no_connection(self):
        node = self.make_node()
        node.start_agent("--no-kernel-path", workers=2)
        self.route = (node.config / "virtual-service.yaml").read_text()
        self.pods = (node.config / "pods.yaml").read_text()
        connections = 24
        load = node.start("client", *node.load_command(
            "--connections", connections, "--think-ms", "0,3", "--mix", "random", "--max-body", 20000,
            "--duration", 600))
        wait_for("the clients to be connected", lambda: node.sum("sluice_proxy_connections_open") >= connections)
        accepted = node.sum("sluice_proxy_connections_total")
        first = node.generation()
        changes = scaled(1000, 60) // 12 * 12
        for number in range(changes):
            before = node.generation()
            self.change(node, number)
            wait_for("the change to be in force", lambda seen=before: node.generation() > seen, 10)
            if number % 50 == 0:
                self.assertIsNone(load.poll(), "the load ended before the changes did")
        self.assertGreaterEqual(node.generation(), first + changes)
        # Those that were there are there, and nobody had to connect again.
        self.assertEqual(node.sum("sluice_proxy_connections_total"), accepted)
        self.assertGreaterEqual(node.sum("sluice_proxy_connections_open"), connections)
        load.send_signal(signal.SIGTERM)
        out, _ = load.communicate(timeout=60)
        result = json.loads(out[out.index("{"):])
        self.assertEqual(result["requests_failed"], 0, out)
        self.assertGreater(result["requests_ok"], changes)


if __name__ == "__main__":
    unittest.main(verbosity=2)
