# SPDX-License-Identifier: Apache-2.0
"""Where the kernel path is missing, as a whole or on an interface, all is still served, and the reason is told."""
import ctypes
import json
import os
import shutil
import struct
import unittest

from node import BIN, NodeTest, wait_for
from raw_client import RawClient, inside

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
HIGH_PORT = 8080
# A classic filter of somebody else's: drops TCP to port 81, lets all else go on (IPv4 without options).
DROP_PORT_81 = "6,48 0 0 23,21 0 3 6,40 0 0 36,21 0 1 81,6 0 0 2,6 0 0 4294967295"
PROG_LOAD, PROG_QUERY, LINK_CREATE, TCX_INGRESS = 5, 16, 28, 46
NEW_POD = """apiVersion: v1
kind: Pod
metadata:
  name: echo-v2-b
  namespace: default
  labels: {app: echo, version: v2}
status:
  phase: Running
  podIP: 10.201.1.5
  conditions: [{type: Ready, status: "True"}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: echo-more
  namespace: default
  labels: {kubernetes.io/service-name: echo}
addressType: IPv4
endpoints:
  - addresses: [10.201.1.5]
    conditions: {ready: true}
    targetRef: {kind: Pod, name: echo-v2-b, namespace: default}
ports:
  - {name: http, port: 80, protocol: TCP}
"""
FIRST_POD = """      - addresses:
          - 10.201.1.2
        conditions:
          ready: true
"""


def bpf(command, attributes):
    """The system call itself: Debian 12's tools know no tcx. Returns its result and the attributes as left behind."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(attributes, 128)
    result = libc.syscall({"x86_64": 321, "aarch64": 280}[os.uname().machine], command, buffer, 128)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result, buffer.raw


def attach_foreign_tcx(interface_index):
    """A program that lets everything go on to the next one: r0 = TCX_NEXT; exit. Lives as long as the descriptor."""
    code = struct.pack("<BBhiBBhi", 0xb7, 0, 0, -1, 0x95, 0, 0, 0)
    code_address, licence = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
    program, _ = bpf(PROG_LOAD, struct.pack("<IIQQ", 3, 2, ctypes.addressof(code_address), ctypes.addressof(licence)))
    try:
        return bpf(LINK_CREATE, struct.pack("<IIII", program, interface_index, TCX_INGRESS, 0))[0]
    finally:
        os.close(program)


def tcx_programs(interface_index):
    """How many there are on the way in."""
    _, answer = bpf(PROG_QUERY, struct.pack("<IIIIQI", interface_index, TCX_INGRESS, 0, 0, 0, 0))
    return struct.unpack_from("<I", answer, 24)[0]


class Fallback(NodeTest):
    def load(self, node, requests=200, **options):
        result = node.load("--connections", 10, "--requests", requests, "--connect-per-request", **options)
        self.assertEqual(result["requests_failed"], 0)
        return result

    def assert_exact_split(self, result, requests=200):
        for version, share in (("v1", 0.8), ("v2", 0.2)):
            self.assertLessEqual(abs(result["versions"][version] - requests * share), 1, result["versions"])

    def assert_plain_proxy(self, node, *words):
        status = node.lbctl("status")
        self.assertFalse(status["kernel_path"])
        for word in words:
            self.assertIn(word, status["kernel_reason"])
        listener = status["listeners"][0]
        self.assertEqual((listener["tier"], listener["tier_code"]), ("request", "no_kernel_path"))
        self.assertEqual(listener["error"], "")
        for word in words:
            self.assertIn(word, listener["tier_reason"])
        self.assertEqual(node.sum("sluice_datapath_kernel_path"), 0)
        self.assert_exact_split(self.load(node))

    def test_an_interface_that_is_left_alone(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1", "--ignore-interfaces", "pod2,foo*")
        ignored = node.interface("pod2")
        self.assertEqual((ignored["mode"], ignored["reason"]), ("none", "ignored by configuration"))
        self.assertNotEqual(node.interface("pod1")["mode"], "none")
        result = self.load(node)
        self.assert_exact_split(result)
        # LEAST_REQUEST sees the requests of the agent, not those that the kernel carries to the other pods.
        served = result["pods"]["echo-v1-b"]
        self.assertGreater(served, 0, "its pod is served too")
        refused = node.refused("no_leg") + node.refused("no_path")
        self.assertEqual(refused, served)
        self.assertEqual(node.sum("sluice_proxy_promotions_total"), 200 - served)

    def test_switched_off(self):
        node = self.make_node()
        node.start_agent("--no-kernel-path")
        self.assert_plain_proxy(node, "--no-kernel-path")

    def test_switched_off_after_an_agent_that_had_it(self):
        """What that agent pinned still takes connections for it; the new one must serve them all the same."""
        node = self.make_node()
        node.start_agent("--steer-after", "1")
        kept = RawClient(node)
        self.assertEqual(kept.get()[0], 200)
        node.kill_agent()
        node.start_agent("--no-kernel-path")
        self.assert_plain_proxy(node, "--no-kernel-path")
        self.assertEqual(kept.get()[0], 200, "the steered connection goes on")

    def test_pin_directory_that_is_no_bpffs(self):
        node = self.make_node()
        node.start_agent("--pin", node.directory / "plain")
        self.assert_plain_proxy(node, "bpffs", str(node.directory / "plain"), "mount -t bpf")

    def unprivileged(self, node):
        """The agent as a user of its own, with a copy that this user may run."""
        node.directory.chmod(0o777)
        shutil.copy(BIN / "lb-agent", node.directory / "lb-agent")
        node.start_agent(program=(*NOBODY, node.directory / "lb-agent"))

    def test_without_privileges(self):
        node = self.make_node()
        node.edit("gateway.yaml", "number: 80\n", f"number: {HIGH_PORT}\n")
        self.unprivileged(node)
        node.vip = node.vip.replace(":80", f":{HIGH_PORT}")
        self.assert_plain_proxy(node, "cap_bpf", "missing")

    def test_without_privileges_on_a_low_port(self):
        node = self.make_node()
        node.run("node", "sysctl", "-qw", "net.ipv4.ip_unprivileged_port_start=1024")
        self.unprivileged(node)
        error = node.listener()["error"]
        self.assertIn("port 80 cannot be served", error)
        self.assertIn("CAP_NET_BIND_SERVICE", error)
        with self.assertRaises(ConnectionRefusedError):
            RawClient(node)
        with node.next_generation():
            node.edit("gateway.yaml", "number: 80\n", f"number: {HIGH_PORT}\n")
        self.assertEqual(node.listener(HIGH_PORT)["error"], "")
        self.assertEqual(self.load(node, target=f"10.200.0.1:{HIGH_PORT}")["requests_ok"], 200)

    def test_programs_of_others_stay_and_work(self):
        node = self.make_node()
        for interface in ("eth0", "pod1"):
            node.run("node", "tc", "qdisc", "add", "dev", interface, "clsact")
            node.run("node", "tc", "filter", "add", "dev", interface, "ingress", "bpf", "da", "bytecode", DROP_PORT_81)
        index, foreign = self.index_of(node, "eth0"), None
        with inside(node, "node"):
            try:
                foreign = attach_foreign_tcx(index)
                self.addCleanup(os.close, foreign)
            except OSError as error:
                print(f"no tcx here ({error}): only clsact is tested")
        node.edit("gateway.yaml", "    - port:\n        number: 80\n",
                  "    - port: {number: 81, name: other, protocol: HTTP}\n      hosts: [\"*\"]\n"
                  "    - port:\n        number: 80\n")
        node.start_agent("--steer-after", "1")
        self.assertEqual(self.load(node)["requests_ok"], 200)
        self.assertEqual(node.sum("sluice_proxy_promotions_total"), 200)
        with self.assertRaises(TimeoutError):
            RawClient(node, target="10.200.0.1:81", timeout=1)
        self.assertEqual(node.stop_agent(), 0)
        for interface in ("eth0", "pod1"):
            shown = node.run("node", "tc", "filter", "show", "dev", interface, "ingress").stdout
            self.assertIn("bytecode", shown)
        if foreign:
            with inside(node, "node"):
                self.assertEqual(tcx_programs(index), 2, "the foreign program and ours")

    @staticmethod
    def index_of(node, interface):
        shown = json.loads(node.run("node", "ip", "-j", "link", "show", interface).stdout)
        return shown[0]["ifindex"]

    def test_a_pod_that_comes_and_one_that_goes(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1", "--steer-idle", "2")
        load = node.start("client", *node.load_command("--connections", 8, "--duration", 6, "--connect-per-request",
                                                       "--think-ms", "1,10"))
        node.netlab("add-pod", node.name)
        server = node.start("pod4", BIN / "echo-server", "--listen", "[::]:80", "--version", "v2",
                            "--name", "echo-v2-b", "--die-with-parent")
        self.addCleanup(server.communicate)
        self.addCleanup(server.kill)
        server.stdout.readline()
        wait_for("pod4's interface to be attached",
                 lambda: (node.interface("pod4") or {}).get("mode") in ("tcx", "clsact"))
        with node.next_generation():
            node.write("more.yaml", NEW_POD)
        # A fifth goes to v2, half of that to the new pod; the other clients take their turns in between.
        kept = [RawClient(node) for _ in range(60)]
        pods = [client.get()[1]["x-pod"] for client in kept]
        self.assertIn("echo-v2-b", pods)
        wait_for("flows to the new pod", lambda: "10.201.1.5:80" in str(node.lbctl("flows")), 5)
        for client, pod in zip(kept, pods):
            self.assertEqual(client.get()[1]["x-pod"], pod, "a steered connection keeps its pod")
        with node.next_generation():
            node.edit("service.yaml", FIRST_POD, FIRST_POD.replace("true", "false"))
        refused = sum(node.metrics()[f'sluice_proxy_refusals_total{{reason="{why}"}}'] for why in ("no_leg", "no_path"))
        out, _ = load.communicate(timeout=60)
        self.assertEqual(json.loads(out[out.index("{"):])["requests_failed"], 0, out)
        self.assertEqual(refused, 0)
        node.netlab("remove-pod", node.name, "pod1")
        wait_for("the interface to be forgotten", lambda: node.interface("pod1") is None)
        result = self.load(node)
        self.assert_exact_split(result)
        self.assertNotIn("echo-v1-a", result["pods"])
        for client in kept:
            client.close()
        node.wait_without_flows(10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
