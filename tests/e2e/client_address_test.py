# SPDX-License-Identifier: Apache-2.0
"""Local pods see their client's address, before and after a promotion and after a return; others see the node's."""
import json
import signal
import threading
import unittest

from node import BIN, NodeTest, scaled, wait_for
from raw_client import RawClient

ANNOTATION = "  name: echo-gateway\n  namespace: default\n"
PRESERVE = ANNOTATION + "  annotations:\n    sluice.dev/client-address: preserve\n"
CLIENT = {4: "10.200.0.2", 6: "fd00:200::2"}
NODE_TO_PODS = {4: "10.201.1.1", 6: "fd00:201::1"}


def peer_of(answer):
    """The address that the pod saw, without its port."""
    status, _, body = answer
    assert status == 200, answer
    return json.loads(body)["peer"].rsplit(":", 1)[0].strip("[]")


class ClientAddress(NodeTest):
    def start(self, *flags, family=4, workers=1, **options):
        node = self.make_node(family=family, **options)
        node.edit("gateway.yaml", ANNOTATION, PRESERVE)
        node.start_agent(*flags, workers=workers)
        self.assertEqual(node.listener()["client_address"], "preserve")
        return node

    def ask(self, client, count=1):
        return {peer_of(client.get("/who")) for _ in range(count)}

    def shown(self, node, whose="client"):
        return node.sum("sluice_steer_addresses_shown_total", reason=whose)

    def both_tiers(self, family):
        node = self.start("--steer-after", "3", family=family)
        client = RawClient(node)
        self.assertEqual(self.ask(client, 2), {CLIENT[family]})
        self.assertEqual(node.flows(), 0)
        self.assertEqual(self.ask(client, 3), {CLIENT[family]})
        self.assertEqual(node.flows(), 1)
        for _ in range(5):
            node.lbctl("flows", "move", "--all")
            self.assertEqual(self.ask(client, 2), {CLIENT[family]})
        wait_for("slots of earlier promotions to rest", lambda: node.flows() == 1)
        self.assertGreaterEqual(node.sum("sluice_steer_returns_total"), 5)
        self.assertEqual(self.shown(node), node.sum("sluice_proxy_upstream_connects_total"))

    def test_both_tiers_ipv4(self):
        self.both_tiers(4)

    def test_both_tiers_ipv6(self):
        self.both_tiers(6)

    def test_a_listener_that_is_not_steered(self):
        node = self.start("--steer-after", "never")
        client, other = RawClient(node), RawClient(node)
        self.assertEqual(self.ask(client, 5) | self.ask(other, 5), {CLIENT[4]})
        self.assertLess(node.sum("sluice_proxy_upstream_connects_total"), 10, "connections are used again")

    def test_clients_with_equal_ports_are_told_apart(self):
        node = self.start("--steer-after", "2", vm=True)
        clients = {"10.200.0.2": RawClient(node, source_port=40000),
                   "10.200.0.3": RawClient(node, role="vm", source_port=40000)}
        for _ in range(5):
            for address, client in clients.items():
                self.assertEqual(self.ask(client), {address})
        self.assertEqual(node.flows(), 2)
        for _ in range(3):
            node.lbctl("flows", "move", "--all")
            for address, client in clients.items():
                self.assertEqual(self.ask(client, 2), {address})

    def test_a_pod_that_is_its_own_client(self):
        node = self.start("--steer-after", "2")
        seen = {}
        for _ in range(12):
            client = RawClient(node, role="pod1")
            for _ in range(3):
                answer = client.get("/who")
                seen.setdefault(json.loads(answer[2])["hostname"], set()).add(peer_of(answer))
            client.close()
        self.assertEqual(seen.pop("echo-v1-a"), {NODE_TO_PODS[4]}, "it would not believe its own address")
        self.assertEqual({address for addresses in seen.values() for address in addresses}, {"10.201.1.2"})
        self.assertGreater(self.shown(node, "self"), 0)

    def test_a_pod_elsewhere_sees_the_node(self):
        node = self.start("--steer-after", "2", vm=True)
        server = node.start("vm", BIN / "echo-server", "--listen", "[::]:80", "--version", "v1", "--name", "far")
        self.addCleanup(lambda: (server.kill(), server.communicate()))
        self.assertTrue(server.stdout.readline())
        text = (node.config / "service.yaml").read_text()
        for address in ("10.201.1.2", "10.201.1.3", "10.201.1.4"):
            text = text.replace(f"- {address}\n", "- 10.200.0.3\n", 1)
        with node.next_generation():
            node.write("service.yaml", text)
        client = RawClient(node)
        self.assertEqual(self.ask(client, 4), {"10.200.0.1"})
        self.assertEqual(node.flows(), 1)
        self.assertGreater(self.shown(node, "remote"), 0)
        self.assertEqual(self.shown(node), 0)

    def test_a_change_governs_the_next_request(self):
        node = self.start("--steer-after", "1")
        client = RawClient(node)
        self.assertEqual(self.ask(client, 2), {CLIENT[4]})
        for text, address in ((ANNOTATION, NODE_TO_PODS[4]), (PRESERVE, CLIENT[4])):
            before = node.sum("sluice_steer_returns_total")
            with node.next_generation():
                node.edit("gateway.yaml", *((PRESERVE, text) if text == ANNOTATION else (ANNOTATION, text)))
            wait_for("the connection to be asked back", lambda: node.lbctl("flows")["flows"][0]["state"] == "armed")
            self.assertEqual(self.ask(client, 2), {address})
            self.assertGreater(node.sum("sluice_steer_returns_total"), before)

    def test_agents_follow_each_other_meanwhile(self):
        """An agent that drains keeps the connections that it opened, although the next one has the table."""
        flags = ("--steer-after", "4", "--drain-seconds", "5")
        node = self.start(*flags, workers=2)
        load = node.start("client", *node.load_command("--connections", 32, "--duration", 12, "--mix", "random",
                                                       "--max-body", 1 << 16, "--think-ms", "0,30"))
        for workers in (1, 2, 1):
            old, before = node.agent, node.log().count("another agent serves now")
            node.start_agent(*flags, workers=workers)
            wait_for("the old agent to hear of the new one",
                     lambda: node.log().count("another agent serves now") > before)
            old.send_signal(signal.SIGTERM)
            self.assertEqual(old.wait(timeout=60), 0)
        self.assertIsNone(load.poll(), "the load went on all the time")
        out, _ = load.communicate(timeout=60)
        self.assertEqual(json.loads(out[out.index("{"):])["requests_failed"], 0, out)
        wait_for("the kernel path", lambda: node.lbctl("status").get("kernel_path"))
        self.assertEqual(self.ask(RawClient(node), 6), {CLIENT[4]})

    def test_under_load_with_returns_and_a_kill(self):
        """Every answer is checked while connections come back all the time; a dead agent's entries do not stay."""
        node = self.start("--steer-after", "4", "--upstream-idle-timeout", "2", workers=2)
        load = node.start("client", *node.load_command(
            "--connections", 32, "--requests", scaled(40_000, 4_000), "--mix", "random", "--max-body", 1 << 16,
            "--think-ms", "0,3"))
        over = threading.Event()

        def move():
            while not over.wait(0.25):
                node.lbctl("flows", "move", "--all")

        mover = threading.Thread(target=move)
        mover.start()
        out, _ = load.communicate(timeout=300)
        over.set()
        mover.join()
        result = json.loads(out[out.index("{"):])
        self.assertEqual((result["requests_failed"], result["reconnects"]), (0, 0), out)
        self.assertGreater(node.sum("sluice_steer_returns_total"), 100)
        node.wait_without_flows()
        carried, waiting = [RawClient(node) for _ in range(4)], [RawClient(node) for _ in range(4)]
        for client in carried:
            self.assertEqual(self.ask(client, 5), {CLIENT[4]})
        for client in waiting:
            self.assertEqual(self.ask(client, 1), {CLIENT[4]})
        node.kill_agent()
        node.start_agent("--steer-after", "4", "--upstream-idle-timeout", "2", workers=1)
        wait_for("the load's connections to be over", lambda: node.flows() == 4)
        wait_for("entries of the dead agent's sockets to go",
                 lambda: node.sum("sluice_steer_addresses_shown_now") == 4, 20)
        for client in carried:
            self.assertEqual(self.ask(client, 2), {CLIENT[4]})
        self.assertEqual(int(node.lbctl("flows", "move", "--all")["asked"]), 4)
        for client in carried:
            self.assertEqual(self.ask(client, 6), {CLIENT[4]})
            client.close()
        node.wait_without_flows()


if __name__ == "__main__":
    unittest.main(verbosity=2)
