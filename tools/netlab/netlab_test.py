# SPDX-License-Identifier: Apache-2.0
"""netlab: what it makes can be reached, and goes away. Needs root. Usage: netlab_test.py DIRECTORY_OF_PROGRAMS"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

BIN = pathlib.Path(sys.argv.pop(1))
NETLAB = pathlib.Path(__file__).resolve().parent / "netlab"
os.environ["SLUICE_BIN"] = str(BIN)


def netlab(*args, ok=True):
    result = subprocess.run([NETLAB, *map(str, args)], capture_output=True, text=True, timeout=60)
    if ok and result.returncode != 0:
        raise AssertionError(f"netlab {' '.join(map(str, args))}: {result.stderr}")
    return result


def namespaces():
    return {path.name for path in pathlib.Path("/run/netns").glob("*")}


@unittest.skipIf(os.geteuid() != 0, "needs root")
class Netlab(unittest.TestCase):
    def setUp(self):
        self.name = f"test{os.getpid()}"
        netlab("up", self.name, "--vm", "--quiet", "--owner", os.getpid())
        self.addCleanup(netlab, "down", self.name, ok=False)

    def load(self, role, *options):
        result = netlab("run", self.name, role, "--", BIN / "load-client", "--json", *options, ok=False)
        return json.loads(result.stdout), result.stderr

    def test_pods_are_reached_by_both_families_from_everywhere(self):
        netlab("echo", self.name)
        targets = []
        for index in (2, 3, 4):
            targets += ["--target", f"10.201.1.{index}:80", "--target", f"[fd00:201::{index}]:80"]
        for role in ("client", "vm", "node"):
            report, complaints = self.load(role, *targets, "--connections", "6", "--requests", "60", "--even")
            self.assertEqual((report["requests_ok"], complaints), (60, ""), role)
            self.assertEqual(report["pods"], {"echo-v1-a": 20, "echo-v1-b": 20, "echo-v2-a": 20})

    def test_impairment_hits_packets_but_tcp_heals_it(self):
        netlab("echo", self.name)
        netlab("impair", self.name, "pod1", "--loss-ppm", 20000, "--dup-ppm", 20000, "--reorder-ppm", 20000)
        report, complaints = self.load("client", "--target", "10.201.1.2:80", "--mix", "random", "--connections", "8",
                                       "--requests", "400", "--max-body", "200000")
        self.assertEqual((report["requests_failed"], complaints), (0, ""))
        shown = dict(line.split() for line in netlab("impair", self.name, "pod1", "--show").stdout.splitlines())
        for what in ("lost", "duplicated", "reordered"):
            self.assertGreater(int(shown[what]), 0, what)

    def test_tcp_options_are_refused_per_namespace(self):
        netlab("tcp", self.name, "client", "--no-sack", "--no-wscale")
        keys = ["net.ipv4.tcp_sack", "net.ipv4.tcp_window_scaling", "net.ipv4.tcp_timestamps"]
        for role, want in (("client", "0\n0\n1\n"), ("node", "1\n1\n1\n")):
            self.assertEqual(netlab("run", self.name, role, "--", "sysctl", "-n", *keys).stdout, want)

    def test_pods_come_and_go(self):
        netlab("echo", self.name)
        self.assertEqual(netlab("add-pod", self.name).stdout, "pod4 10.201.1.5 fd00:201::5\n")
        netlab("remove-pod", self.name, "pod1")
        links = netlab("run", self.name, "node", "--", "ip", "-o", "link", "show").stdout
        self.assertIn("pod4@", links)
        self.assertNotIn("pod1@", links)
        self.assertNotIn(f"{self.name}-pod1", namespaces())
        report, _ = self.load("client", "--target", "10.201.1.2:80", "--requests", "1", "--stall", "1")
        self.assertEqual(report["requests_ok"], 0)

    def test_down_leaves_nothing(self):
        netlab("echo", self.name)
        directory = os.path.join(tempfile.mkdtemp(), "bpffs")
        netlab("bpffs", self.name, directory)
        self.assertTrue(os.path.ismount(directory))
        netlab("down", self.name)
        self.assertFalse(os.path.exists(directory))
        os.rmdir(os.path.dirname(directory))
        self.assertFalse({name for name in namespaces() if name.startswith(self.name)})

    def test_sweep_removes_only_labs_whose_owner_is_gone(self):
        orphan = f"orphan{os.getpid()}"
        owner = subprocess.Popen(["sleep", "60"])
        netlab("up", orphan, "--pods", 1, "--quiet", "--owner", owner.pid)
        owner.kill()
        owner.wait()
        netlab("sweep")
        names = namespaces()
        self.assertFalse({name for name in names if name.startswith(orphan)})
        self.assertIn(f"{self.name}-node", names)

    def test_mistakes_get_a_sentence(self):
        for args, words in ((("run", "nosuchlab", "node", "--", "true"), "there is no lab nosuchlab"),
                            (("run", self.name, "pod9", "--", "true"), "has no pod9"),
                            (("up", self.name), "remove it with")):
            result = netlab(*args, ok=False)
            self.assertEqual(result.returncode, 1)
            self.assertIn(words, result.stderr)


if __name__ == "__main__":
    unittest.main()
