# SPDX-License-Identifier: Apache-2.0
"""Two agents of one cluster: who answers for a Gateway's address, who writes status, and what happens when one dies.

One subnet with two nodes, a client, and the API server of tests/support/fake_api.py.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from node import BIN, ROOT, wait_for

KUBECONFIG = """apiVersion: v1
kind: Config
current-context: test
clusters: [{{name: test, cluster: {{server: "http://10.240.0.1:{port}"}}}}]
contexts: [{{name: test, context: {{cluster: test}}}}]
"""
GROUP = "gateway.networking.k8s.io/v1"
HOSTS = {"api": "10.240.0.1", "a": "10.240.0.10", "b": "10.240.0.11", "client": "10.240.0.100"}


def gateway(name="g", **spec):
    return {"apiVersion": GROUP, "kind": "Gateway", "metadata": {"name": name, "namespace": "default"},
            "spec": {"gatewayClassName": "sluice",
                     "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}], **spec}}


CLASS = {"apiVersion": GROUP, "kind": "GatewayClass", "metadata": {"name": "sluice"},
         "spec": {"controllerName": "sluice.dev/gateway-controller"}}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}


@unittest.skipUnless(os.geteuid() == 0, "needs root for network namespaces")
class Cluster(unittest.TestCase):
    def setUp(self):
        self.prefix = f"sl{os.getpid()}-"
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=self.prefix))
        self.addCleanup(shutil.rmtree, self.directory)
        self.agents = {}
        self.addCleanup(self.remove_network)
        self.make_network()
        api = self.popen("api", "python3", "-B", ROOT / "tests/support/fake_api.py", "--listen", HOSTS["api"],
                         stdout=subprocess.PIPE)
        self.port = int(api.stdout.readline())
        self.addCleanup(api.stdout.close)
        (self.directory / "kubeconfig").write_text(KUBECONFIG.format(port=self.port))
        self.put(NAMESPACE, CLASS, gateway())

    def make_network(self):
        for name in ("bridge", *HOSTS):
            self.ip("netns", "add", self.prefix + name)
            self.run_in(name, "ip", "link", "set", "lo", "up")
        self.run_in("bridge", "ip", "link", "add", "br0", "type", "bridge")
        self.run_in("bridge", "ip", "link", "set", "br0", "up")
        for name, address in HOSTS.items():
            self.run_in(name, "ip", "link", "add", "eth0", "type", "veth", "peer", "name", f"p-{name}", "netns",
                        self.prefix + "bridge")
            self.run_in("bridge", "ip", "link", "set", f"p-{name}", "master", "br0", "up")
            self.run_in(name, "ip", "addr", "add", f"{address}/24", "dev", "eth0")
            self.run_in(name, "ip", "link", "set", "eth0", "up")
            self.run_in(name, "sysctl", "-qw", "net.ipv4.tcp_congestion_control=reno")

    def remove_network(self):
        for process in self.agents.values():
            process.kill()
            process.wait()
        for name in ("bridge", *HOSTS):
            subprocess.run(["ip", "netns", "del", self.prefix + name], check=False, stderr=subprocess.DEVNULL)

    @staticmethod
    def ip(*arguments):
        subprocess.run(["ip", *arguments], check=True)

    def run_in(self, host, *command, check=True, **options):
        return subprocess.run(["nsenter", f"--net=/run/netns/{self.prefix}{host}", *map(str, command)], check=check,
                              capture_output=True, text=True, **options).stdout

    def popen(self, host, *command, **options):
        process = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.prefix}{host}", *map(str, command)],
                                   stdin=subprocess.DEVNULL, text=True, **options)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def put(self, *things):
        self.run_in("client", "curl", "-sf", "-X", "PUT", f"http://10.240.0.1:{self.port}/control/objects",
                    "--data-binary", "@-", input=json.dumps(things))

    def get(self, path):
        text = self.run_in("client", "curl", "-s", f"http://10.240.0.1:{self.port}{path}")
        return json.loads(text)

    def status(self, name="g"):
        return self.get(f"/apis/{GROUP}/namespaces/default/gateways/{name}").get("status", {})

    def condition(self, kind, name="g"):
        found = [c for c in self.status(name).get("conditions", []) if c["type"] == kind]
        return (found[0]["status"], found[0]["reason"]) if found else None

    def start(self, host):
        log = open(self.directory / f"{host}.log", "ab")
        self.addCleanup(log.close)
        self.agents[host] = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.prefix}{host}", BIN / "lb-agent", "--kubernetes", "--kubeconfig",
             self.directory / "kubeconfig", "--node-name", host, "--address-pool", "10.240.0.200-10.240.0.210",
             "--control", self.directory / f"{host}.sock", "--workers", "1", "--no-kernel-path", "--drain-seconds",
             "1"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def address(self):
        return wait_for("an address", lambda: self.status().get("addresses"))[0]["value"]

    def owner(self, address):
        return [host for host in ("a", "b") if f"inet {address}/32" in self.run_in(host, "ip", "-4", "addr")]

    def answered(self, address):
        return self.run_in("client", "curl", "-s", "-m", "0.3", "-o", "/dev/null", "-w", "%{http_code}",
                           f"http://{address}/", check=False) == "404"

    def start_both(self):
        self.start("a")
        self.start("b")
        wait_for("it to be programmed", lambda: self.condition("Programmed") == ("True", "Programmed"))
        address = self.address()
        wait_for("an answer", lambda: self.answered(address))
        return address

    def test_one_node_answers_for_the_address_and_another_within_3_s_of_its_death(self):
        address = self.start_both()
        owner = self.owner(address)
        self.assertEqual(len(owner), 1)
        other = "b" if owner == ["a"] else "a"
        self.agents[owner[0]].kill()
        began = time.monotonic()
        wait_for("the other node", lambda: self.owner(address) and other in self.owner(address), 5)
        wait_for("an answer", lambda: self.answered(address), 5)
        self.assertLess(time.monotonic() - began, 3.3)
        wait_for("the kernel to take it from the dead node", lambda: self.owner(address) == [other], 6)
        self.assertEqual(self.address(), address)

    def test_an_agent_that_stops_in_order_gives_its_address_up_at_once(self):
        address = self.start_both()
        owner = self.owner(address)[0]
        other = "b" if owner == "a" else "a"
        self.agents[owner].send_signal(signal.SIGTERM)
        began = time.monotonic()
        wait_for("the other node", lambda: self.owner(address) == [other], 5)
        self.assertLess(time.monotonic() - began, 1.5)

    def test_nothing_moves_while_the_api_server_is_away(self):
        address = self.start_both()
        owner = self.owner(address)
        self.run_in("bridge", "ip", "link", "set", "p-api", "down")
        end = time.monotonic() + 8
        while time.monotonic() < end:
            self.assertEqual(self.owner(address), owner)
            self.assertTrue(self.answered(address))
        self.run_in("bridge", "ip", "link", "set", "p-api", "up")

    def test_programmed_waits_for_every_agent(self):
        self.start("a")
        wait_for("it to be programmed", lambda: self.condition("Programmed") == ("True", "Programmed"))
        self.start("b")
        nodes = "/apis/coordination.k8s.io/v1/namespaces/sluice-system/leases/sluice-node-b"
        wait_for("the other agent", lambda: self.get(nodes).get("spec"))
        self.agents["b"].send_signal(signal.SIGSTOP)
        self.put(gateway("late"))
        wait_for("it to be seen", lambda: self.condition("Programmed", "late") == ("False", "Pending"))
        self.agents["b"].send_signal(signal.SIGCONT)
        wait_for("it to be programmed", lambda: self.condition("Programmed", "late") == ("True", "Programmed"))

    def test_nothing_is_written_when_nothing_changed(self):
        self.start_both()
        writes = lambda: [path for _, path in self.get("/control/log") if "/status" in path]  # noqa: E731
        before = writes()
        self.put(NAMESPACE)
        renewals = lambda: [path for _, path in self.get("/control/log") if "PUT" in path]  # noqa: E731
        count = len(renewals())
        wait_for("some renewals", lambda: len(renewals()) > count + 5)
        self.assertEqual(writes(), before)

    def test_an_address_that_cannot_be_had_is_refused_by_name(self):
        self.start_both()
        self.put(gateway("outside", addresses=[{"type": "IPAddress", "value": "192.0.2.1"}]),
                 gateway("strange", addresses=[{"type": "example.com/x", "value": "y"}]))
        wait_for("the refusal", lambda: self.condition("Programmed", "outside") == ("False", "AddressNotUsable"))
        wait_for("the other refusal",
                 lambda: self.condition("Accepted", "strange") == ("False", "UnsupportedAddress"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
