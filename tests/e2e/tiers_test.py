# SPDX-License-Identifier: Apache-2.0
"""A tier never changes what a pod sees, and every reason for a tier is told by its code."""
import json
import unittest

from node import NodeTest, wait_for
from raw_client import RawClient

FIELDS = ["X-First: 1", "User-Agent: curl/8", "accept: */*", "X-MiXed-CaSe:  spaced  out ", "Cookie: a=b; c=d",
          "X-Twice: one", "X-Twice: two", "X-Empty:", "Accept-Encoding: gzip, br", "X-Last: \xe4"]
SECOND_ROUTE = """    - name: second
      match:
        - uri: {prefix: /second}
      route:
        - destination: {host: echo.default.svc.cluster.local, subset: v2, port: {number: 80}}
    - name: split
"""


def what_pods_see(client, **options):
    status, _, body = client.get("/echo/a%20b?x=1&y=%26", **options)
    assert status == 200, status
    seen = json.loads(body)
    for of_the_pod in ("hostname", "version", "peer"):
        del seen[of_the_pod]
    return seen


class Tiers(NodeTest):
    def seen_by_tier(self, **request):
        """By tier, what the pod saw of the first request, the next one, and one later on the same connection."""
        out = {}
        for steer in ("never", "1", "2", "5"):
            node = self.make_node()
            flags = ["--forwarded-headers", "none"] if steer == "never" else []
            node.start_agent("--steer-after", steer, *flags)
            client = RawClient(node)
            out[steer] = [what_pods_see(client, **request) for _ in range(8)]
            self.assertEqual(node.flows(), 0 if steer == "never" else 1)
            client.close()
            node.close()
        return out

    def assert_all_alike(self, seen, fields):
        first = seen["never"][0]
        self.assertEqual([f"{name}: {value}" for name, value in first["headers"]],
                         ["Host: echo.example", *fields])
        for tier, views in seen.items():
            for number, view in enumerate(views):
                self.assertEqual(view, first, f"request {number + 1} with --steer-after {tier}")

    def test_pods_see_the_same_get_in_both_tiers(self):
        shown = [field.replace(":  ", ": ").strip() if ":  " in field else field for field in FIELDS]
        shown[shown.index("X-Empty:")] = "X-Empty: "
        self.assert_all_alike(self.seen_by_tier(headers=FIELDS), shown)

    def test_pods_see_the_same_post_in_both_tiers(self):
        fields = ["X-First: 1", "Content-Length: 5", "Content-Type: text/plain", "X-Last: 2"]
        self.assert_all_alike(self.seen_by_tier(method="POST", headers=fields, body=b"hello"), fields)

    def test_pods_see_the_same_chunks_in_both_tiers(self):
        fields = ["X-First: 1", "Transfer-Encoding: chunked", "Content-Type: text/plain"]
        self.assert_all_alike(self.seen_by_tier(method="PUT", headers=fields, body=b"5\r\nhello\r\n0\r\n\r\n"), fields)

    def test_requests_that_a_proxy_must_change_are_not_steered(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1")
        client = RawClient(node)
        for path, fields, more in (
                ("/echo", ["Connection: X-Mine, keep-alive", "X-Mine: 1"], []),
                # The agent takes trailers too, and says so for itself.
                ("/echo", ["Connection: TE", "TE: trailers"], [["TE", "trailers"], ["Connection", "TE"]]),
                ("http://echo.example/echo", [], [])):
            seen = json.loads(client.get(path, headers=fields)[2])
            self.assertEqual((seen["path"], seen["headers"]), ("/echo", [["Host", "echo.example"], *more]))
        self.assertEqual((node.refused("request_unsuited"), node.flows()), (3, 0))
        self.assertEqual((client.get()[0], node.flows()), (200, 1))

    def test_other_listeners_add_forwarded_headers(self):
        node = self.make_node()
        node.edit("virtual-service.yaml", "    - name: split\n", SECOND_ROUTE)
        node.start_agent("--steer-after", "1")
        self.assertEqual(node.listener()["forwarded_headers"], "add")
        client = RawClient(node)
        names = {name.lower(): value for name, value in what_pods_see(
            client, headers=["X-Forwarded-For: 1.2.3.4", "X-Request-Id: mine"])["headers"]}
        self.assertEqual((names["x-forwarded-for"], names["x-forwarded-proto"], names["x-forwarded-host"]),
                         ("10.200.0.2", "http", "echo.example"))
        self.assertRegex(names["x-request-id"], "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        self.assertEqual(client.get("/second")[1]["x-version"], "v2")
        self.assertEqual(node.flows(), 0)

    def test_a_client_may_ask_to_keep_the_connection(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1")
        client = RawClient(node)
        for _ in range(3):
            status, fields, _ = client.get(headers=["Connection: keep-alive", "Keep-Alive: timeout=5"])
            self.assertEqual((status, fields.get("connection")), (200, None))
        self.assertEqual(node.flows(), 1)

    def assert_code(self, node, code, tier="request", reason=""):
        listener = wait_for(f"tier code {code}", lambda: (found := node.listener())["tier_code"] == code and found, 10)
        self.assertEqual(listener["tier"], tier)
        self.assertIn(reason, listener["tier_reason"])
        explained = node.lbctl("explain", "GET", "http://echo.example/")
        self.assertEqual((explained["tier"], explained["tier_code"]), (tier, code))
        self.assertEqual(node.sum("sluice_snapshot_listener_info", code=code, tier=tier), 1)
        node.load("--connections", 4, "--requests", 40, "--even")
        self.assertEqual(node.flows() > 0 or node.sum("sluice_proxy_promotions_total") > 0, tier == "connection")
        return listener

    def test_codes_that_routes_decide(self):
        for code, file, old, new, reason in (
                ("steerable", "gateway.yaml", "- \"*\"", "- \"*\"", "same destinations"),
                ("routes_differ", "virtual-service.yaml", "    - name: split\n", SECOND_ROUTE, "second"),
                ("not_total", "gateway.yaml", "- \"*\"", "- echo.example", "match no route"),
                ("not_total", "virtual-service.yaml", "    - name: split\n",
                 "    - name: split\n      match:\n        - uri: {prefix: /}\n          method: {exact: GET}\n",
                 "match no route")):
            with self.subTest(code=code, file=file):
                node = self.make_node()
                node.edit(file, old, new)
                node.start_agent("--steer-after", "1")
                listener = self.assert_code(node, code, "connection" if code == "steerable" else "request", reason)
                if code == "routes_differ":
                    self.assertTrue(listener["tier_origin"]["file"].endswith("/virtual-service.yaml"))
                    self.assertGreater(listener["tier_origin"]["line"], 10)
                node.close()

    def test_a_route_without_a_destination(self):
        node = self.make_node()
        node.edit("virtual-service.yaml", "    - name: split\n",
                  "    - name: gone\n      match:\n        - uri: {prefix: /gone}\n"
                  "      route: []\n    - name: split\n")
        node.start_agent("--steer-after", "1")
        self.assert_code(node, "no_destination", reason="gone")
        self.assertEqual(RawClient(node).get("/gone")[0], 500)
        self.assertEqual(node.sum("sluice_proxy_endings_total", reason="no_destination"), 1)

    def test_codes_that_flags_decide(self):
        for code, flags, reason in (("steer_never", ["--steer-after", "never"], "--steer-after never"),
                                    ("forwarded_headers", ["--forwarded-headers", "add"], "--forwarded-headers add"),
                                    ("no_kernel_path", ["--no-kernel-path"], "--no-kernel-path")):
            with self.subTest(code=code):
                node = self.make_node()
                node.start_agent(*flags)
                self.assert_code(node, code, reason=reason)
                node.close()

    def test_codes_that_annotations_decide(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1")
        self.assert_code(node, "steerable", "connection")
        client = RawClient(node)
        self.assertEqual(client.get()[0], 200)
        steered = node.sum("sluice_proxy_promotions_total")
        plain = "  name: echo-gateway\n"
        for code, note in (("steer_never", 'steer-after: "never"'), ("forwarded_headers", "forwarded-headers: add")):
            with self.subTest(code=code), node.next_generation():
                node.edit("gateway.yaml", plain, f"{plain}  annotations:\n    sluice.dev/{note}\n")
            self.assertEqual(node.listener()["tier_code"], code)
            self.assertIn("gateway.yaml", node.listener()["tier_reason"])
            self.assertEqual(RawClient(node).get()[0], 200)
            self.assertEqual(node.sum("sluice_proxy_promotions_total"), steered, "a connection was steered")
            self.assertEqual(client.get()[0], 200, "the connection that was steered before goes on")
            with node.next_generation():
                node.edit("gateway.yaml", f"{plain}  annotations:\n    sluice.dev/{note}\n", plain)
        self.assert_code(node, "steerable", "connection")


if __name__ == "__main__":
    unittest.main(verbosity=2)
