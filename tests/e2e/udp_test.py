# SPDX-License-Identifier: Apache-2.0
"""UDP listeners of the whole agent, from Gateway API objects, beside steered HTTP."""
import collections
import json
import sys
import unittest

from node import NodeTest, wait_for

PORT = 5353
OBJECTS = """apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: sluice}}
spec: {{controllerName: sluice.dev/gateway-controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: names, namespace: default}}
spec:
  gatewayClassName: sluice
  listeners:
    - {{name: udp, port: {port}, protocol: UDP}}
---
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: UDPRoute
metadata: {{name: names, namespace: default}}
spec:
  parentRefs: [{{name: names}}]
  rules:
    - backendRefs:
        - {{name: one, port: 53, weight: 3}}
        - {{name: two, port: 53, weight: 1}}
"""
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: default}}
spec: {{ports: [{{name: dns, port: 53, protocol: UDP}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}-1, namespace: default, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
ports: [{{name: dns, port: 1053, protocol: UDP}}]
endpoints: [{{addresses: [{address}]}}]
"""
SERVER = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 1053))
print("ready", flush=True)
while True:
    data, peer = s.recvfrom(65535)
    s.sendto(b"{name} " + data, peer)
"""
# Each of the clients asks twice; prints who answered each.
CLIENT = """
import json, socket, sys
out = []
for number in range({clients}):
    s = socket.socket(socket.AF_INET6 if ":" in "{address}" else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.connect(("{address}", {port}))
    answers = []
    for turn in range(2):
        text = b"%d.%d" % (number, turn)
        s.send(text)
        who, echoed = s.recv(65535).split(b" ")
        assert echoed == text, (echoed, text)
        answers.append(who.decode())
    assert answers[0] == answers[1], answers
    out.append(answers[0])
print(json.dumps(out))
"""


class Udp(NodeTest):
    def serve(self, node):
        servers = [node.start(f"pod{i}", sys.executable, "-c", SERVER.format(name=name))
                   for i, name in ((1, "one"), (2, "two"))]
        for server in servers:
            self.addCleanup(server.communicate)
            self.addCleanup(server.kill)
            self.assertEqual(server.stdout.readline().strip(), "ready")
        node.write("udp.yaml", OBJECTS.format(port=PORT) + SERVICE.format(name="one", address="10.201.1.2") +
                   SERVICE.format(name="two", address="10.201.1.3"))
        return servers

    @staticmethod
    def ask(node, clients, address="10.200.0.1"):
        script = CLIENT.format(clients=clients, address=address, port=PORT)
        answers = json.loads(node.run("client", sys.executable, "-c", script).stdout)
        return dict(collections.Counter(answers))

    def test_shares_are_of_clients_and_http_is_steered_beside_it(self):
        for flags in (("--steer-after", "1"), ("--no-kernel-path",)):
            with self.subTest(flags=flags):
                node = self.make_node()
                self.serve(node)
                node.start_agent(*flags)
                self.assertEqual(node.listener(PORT)["protocol"], "UDP")
                self.assertEqual(node.listener(PORT)["tier"], "request")
                self.assertEqual(self.ask(node, 40), {"one": 30, "two": 10})
                self.assertEqual(self.ask(node, 4, "fd00:200::1"), {"one": 3, "two": 1})
                self.assertEqual(node.sum("sluice_proxy_udp_received_total"), 88)
                self.assertEqual(node.sum("sluice_proxy_udp_datagrams_out_total"), 88)
                self.assertEqual(node.load("--connections", 4, "--requests", 100)["requests_failed"], 0)
                node.close()

    def test_a_changed_route_governs_the_next_datagram(self):
        node = self.make_node()
        self.serve(node)
        node.start_agent()
        self.assertEqual(set(self.ask(node, 8)), {"one", "two"})
        with node.next_generation():
            node.edit("udp.yaml", "weight: 3", "weight: 0")
        self.assertEqual(self.ask(node, 8), {"two": 8})
        with node.next_generation():
            node.edit("udp.yaml", f"port: {PORT}, protocol: UDP", "port: 5454, protocol: UDP")
        self.assertNotEqual(node.run("client", sys.executable, "-c", CLIENT.format(
            clients=1, address="10.200.0.1", port=PORT), check=False).returncode, 0, "nobody serves the old port")

    def test_a_port_that_another_program_has_is_served_once_it_is_free(self):
        node = self.make_node()
        self.serve(node)
        other = node.start("node", sys.executable, "-c", SERVER.format(name="other").replace("1053", str(PORT)))
        self.addCleanup(other.communicate)
        self.addCleanup(other.kill)
        self.assertEqual(other.stdout.readline().strip(), "ready")
        node.start_agent()
        self.assertIn("another program", node.listener(PORT)["error"])
        other.kill()
        wait_for("the listener to be served", lambda: not node.listener(PORT).get("error"))
        self.assertEqual(self.ask(node, 4), {"one": 3, "two": 1})


if __name__ == "__main__":
    unittest.main(verbosity=2)
