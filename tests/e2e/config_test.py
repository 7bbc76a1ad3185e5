# SPDX-License-Identifier: Apache-2.0
"""The configuration changes while the agent serves: nobody notices but those whom the change is about."""
import json
import os
import signal
import unittest

from node import NodeTest, scaled, wait_for
from raw_client import RawClient

SECOND_ROUTE = """    - name: second
      match:
        - uri: {prefix: /second}
      route:
        - destination: {host: echo.default.svc.cluster.local, subset: v2, port: {number: 80}}
"""
ONLY_V2 = """apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: two, namespace: default}
spec:
  hosts: [two.example]
  gateways: [echo-gateway]
  http:
    - route:
        - destination: {host: echo.default.svc.cluster.local, subset: v2, port: {number: 80}}
"""
MODES = ((), ("--no-kernel-path",))


def gateway(name, port, more=""):
    return f"""apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: {name}, namespace: default}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
    - port: {{number: {port}, name: http-{port}, protocol: HTTP}}
      hosts: ["*"]
{more}"""


class Config(NodeTest):
    def both_modes(self):
        for flags in MODES:
            with self.subTest(flags=flags):
                node = self.make_node()
                node.start_agent("--steer-after", "1", *flags)
                yield node
                node.close()

    def load(self, node, *flags, **options):
        result = node.load("--connections", 10, "--requests", 100, "--connect-per-request", *flags, **options)
        self.assertEqual(result["requests_failed"], 0, result)
        return result["versions"]

    @staticmethod
    def endings(node, reason):
        return node.sum("sluice_proxy_endings_total", reason=reason)

    def assert_refused(self, node, target):
        with self.assertRaises(ConnectionRefusedError):
            RawClient(node, target=target)

    # ---- changes under load
    def edit_under_load(self, steer_after):
        node = self.make_node()
        node.start_agent("--steer-after", steer_after, workers=2)
        flags = ("--mix", "random", "--max-body", 50000, "--duration", 60)
        loads = [node.start("client", *node.load_command("--connections", 16, "--think-ms", "0,3", *flags)),
                 node.start("client", *node.load_command("--connections", 8, "--requests-per-connection", "1,8",
                                                         *flags))]
        original = (node.config / "virtual-service.yaml").read_text()
        first = node.generation()
        for number in range(scaled(100, 10)):
            v1 = 10 + number * 7 % 80
            text = original.replace("weight: 80", f"weight: {v1}").replace("weight: 20", f"weight: {100 - v1}")
            if number % 3 == 1:
                text = text.replace("    - name: split\n", SECOND_ROUTE + "    - name: split\n")
            before = node.generation()
            node.write("virtual-service.yaml", text)
            if number % 2 == 0:
                wait_for("the edit to be in force", lambda: node.generation() > before, 10)
            if number % 10 == 9:
                for load in loads:
                    self.assertIsNone(load.poll(), "the load ended before the edits did")
        node.write("virtual-service.yaml", original)
        wait_for("the last edit", lambda: str(node.lbctl("routes")).count("'weight': 80") == 1)
        self.assertGreater(node.generation(), first + scaled(40, 4))
        return node, loads

    def finish_loads(self, node, loads):
        """Ends the clients early: they report what they have seen so far."""
        for load in loads:
            load.send_signal(signal.SIGTERM)
            out, _ = load.communicate(timeout=90)
            result = json.loads(out[out.index("{"):])
            self.assertEqual(result["requests_failed"], 0, out)
            self.assertGreater(result["requests_ok"], 100)
        # What the carried connections took more than their share of is made up for first (ShareKeeper::kMemory).
        wait_for("the shares of new requests", lambda: abs(self.load(node)["v1"] - 80) <= 2, 20)

    def test_edits_under_load_with_steering(self):
        node, loads = self.edit_under_load("1")
        self.assertGreater(node.sum("sluice_proxy_promotions_total"), 20)
        self.finish_loads(node, loads)
        node.wait_without_flows()

    def test_edits_under_load_in_the_request_tier(self):
        self.finish_loads(*self.edit_under_load("never"))

    # ---- mistakes
    def test_a_bad_object_leaves_its_last_good_version_in_force(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1")
        path = node.config / "virtual-service.yaml"
        good = path.read_text()
        with node.next_generation():
            node.edit("virtual-service.yaml", "weight: 80", "weight: eighty")
        status = node.lbctl("status")
        self.assertEqual(int(status["objects_rejected"]), 1)
        errors = [entry for entry in status["diagnostics"] if entry["severity"] == "error"]
        self.assertTrue(errors, status["diagnostics"])
        line = 1 + [number for number, text in enumerate(path.read_text().splitlines()) if "eighty" in text][0]
        self.assertEqual((errors[0]["origin"]["file"], errors[0]["origin"]["line"]), (str(path), line))
        self.assertIn("weight", errors[0]["origin"]["path"])
        self.assertIn(f"{path}:{line}", node.lbctl_text("status"))
        self.assertIn(f"virtual-service.yaml:{line}", node.log())
        self.assertGreaterEqual(node.sum("sluice_config_rejects_total"), 1)
        self.assertEqual(self.load(node), {"v1": 80, "v2": 20})
        with node.next_generation():
            node.write("virtual-service.yaml", "this: is: no: yaml\n")
        self.assertEqual(self.load(node), {"v1": 80, "v2": 20})
        with node.next_generation():
            node.write("virtual-service.yaml",
                       good.replace("weight: 80", "weight: 60").replace("weight: 20", "weight: 40"))
        self.assertEqual(int(node.lbctl("status")["objects_rejected"]), 0)
        self.assertLessEqual(abs(self.load(node)["v1"] - 60), 1)

    # ---- ConfigMaps
    def test_the_swap_of_a_config_map(self):
        node = self.make_node()
        files = {path.name: path.read_text() for path in node.config.iterdir()}
        for name in files:
            (node.config / name).unlink()

        def publish(version, change):
            directory = node.config / f"..{version}"
            directory.mkdir()
            for name, text in files.items():
                (directory / name).write_text(change(text))
            (node.config / "..data_tmp").symlink_to(f"..{version}")
            os.rename(node.config / "..data_tmp", node.config / "..data")

        publish("2026_1", lambda text: text)
        for name in files:
            (node.config / name).symlink_to(f"..data/{name}")
        node.start_agent("--steer-after", "1")
        self.assertEqual(self.load(node), {"v1": 80, "v2": 20})
        with node.next_generation():
            publish("2026_2", lambda text: text.replace("weight: 80", "weight: 0"))
        self.assertEqual(self.load(node), {"v2": 100})
        self.assertEqual(int(node.lbctl("status")["objects_rejected"]), 0)

    # ---- listeners
    def test_a_listener_that_goes_governs_the_next_request_of_its_connections(self):
        for node in self.both_modes():
            client = RawClient(node)
            self.assertEqual(client.get()[0], 200)
            client.send("/?stream=20&interval=50")
            text = (node.config / "gateway.yaml").read_text()
            with node.next_generation():
                (node.config / "gateway.yaml").unlink()
            self.assert_refused(node, node.vip)
            self.assertEqual(client.response()[2].count(b"piece"), 20, "what was under way is finished")
            self.assertEqual(client.get()[0], 404, "steered or not")
            with node.next_generation():
                node.write("gateway.yaml", text)
            self.assertEqual(RawClient(node).get()[0], 200)

    def test_a_listener_that_comes(self):
        for node in self.both_modes():
            old = RawClient(node)
            self.assertEqual(old.get()[0], 200)
            self.assert_refused(node, "10.200.0.1:8081")
            with node.next_generation():
                node.write("more.yaml", gateway("more", 8081))
                node.edit("virtual-service.yaml", "    - echo-gateway\n", "    - echo-gateway\n    - more\n")
            self.assertEqual(node.listener(8081)["error"], "")
            for target in ("10.200.0.1:8081", "10.201.1.1:8081", "[fd00:200::1]:8081"):
                self.assertEqual(RawClient(node, target=target).get()[0], 200)
            self.assertEqual(old.get()[0], 200)
            if node.listener(8081)["tier"] == "connection":
                self.assertTrue(any(flow["local"].endswith(":8081") for flow in node.lbctl("flows")["flows"]))

    def test_bind(self):
        for node in self.both_modes():
            with node.next_generation():
                node.write("more.yaml", gateway("more", 8081, "      bind: 10.201.1.1\n"))
                node.edit("virtual-service.yaml", "    - echo-gateway\n", "    - echo-gateway\n    - more\n")
            self.assertEqual(RawClient(node, target="10.201.1.1:8081").get()[0], 200)
            self.assert_refused(node, "10.200.0.1:8081")
            self.assert_refused(node, "[fd00:200::1]:8081")
            with node.next_generation():
                node.edit("more.yaml", "bind: 10.201.1.1", "bind: 10.200.0.1")
            self.assertEqual(RawClient(node, target="10.200.0.1:8081").get()[0], 200)
            self.assert_refused(node, "10.201.1.1:8081")

    # ---- nowhere to go
    def test_reasons_of_404_and_503(self):
        for node in self.both_modes():
            with node.next_generation():
                node.write("virtual-service.yaml", ONLY_V2)
            client = RawClient(node)
            for expected in (1, 2):
                self.assertEqual(client.get()[0], 404, "no domain fits Host: echo.example")
                self.assertEqual(self.endings(node, "no_route"), expected)
            self.assertEqual(self.load(node, "--host", "two.example"), {"v2": 100})
            with node.next_generation():
                node.edit("service.yaml", "ready: true", "ready: false")
            self.assertEqual(node.curl("/", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: two.example"), "503")
            self.assertEqual(self.endings(node, "no_endpoint"), 1)
            self.assertEqual(node.sum("sluice_snapshot_condition", type="no_endpoints"), 1)
            with node.next_generation():
                node.edit("service.yaml", "ready: false", "ready: true")
            self.assertEqual(self.load(node, "--host", "two.example"), {"v2": 100})


if __name__ == "__main__":
    unittest.main(verbosity=2)
