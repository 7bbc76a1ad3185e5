# SPDX-License-Identifier: Apache-2.0
"""The configuration comes from an API server: followed, survived, and told the truth about.

The server is tests/support/fake_api.py, for faults that a real one does not produce on demand.
"""
import json
import pathlib
import subprocess
import time
import unittest

import yaml
from node import ROOT, NodeTest, scaled, wait_for

KUBECONFIG = """apiVersion: v1
kind: Config
current-context: test
clusters: [{{name: test, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
contexts: [{{name: test, context: {{cluster: test}}}}]
"""


class Api:
    """The fake server, in the node's network namespace."""

    def __init__(self, node):
        self.node = node
        self.process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{node.name}-node", "python3", "-B", ROOT / "tests/support/fake_api.py"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.kubeconfig = node.directory / "kubeconfig"
        self.kubeconfig.write_text(KUBECONFIG.format(port=self.port))

    def call(self, method, path, thing=None):
        command = ["curl", "-sf", "-m", "20", "-X", method, f"http://127.0.0.1:{self.port}{path}"]
        if thing is not None:
            command += ["--data-binary", "@-"]
        out = self.node.run("node", *command, input=json.dumps(thing) if thing is not None else None).stdout
        return json.loads(out)

    def put(self, *things):
        self.call("PUT", "/control/objects", list(things))

    def delete(self, resource, namespace, name):
        self.call("POST", "/control/delete", {"resource": resource, "namespace": namespace, "name": name})

    def fault(self, kind, path=""):
        self.call("PUT", "/control/fault", {"kind": kind, "path": path})

    def asked(self, part):
        return [path for _, path in self.call("GET", "/control/log") if part in path]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def objects_of(directory):
    out = []
    for path in sorted(pathlib.Path(directory).glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            out += document.get("items", [document])
    return json.loads(json.dumps(out, default=str))


class Kube(NodeTest):
    def make(self, *flags, objects=True, start=True):
        self.node = self.make_node()
        self.api = Api(self.node)
        self.addCleanup(self.api.stop)
        self.objects = objects_of(self.node.config)
        self.flags = ("--kubernetes", "--kubeconfig", self.api.kubeconfig, *flags)
        if objects:
            self.api.put(*self.objects)
        if start:
            self.start()
        return self.node

    def start(self):
        self.node.start_agent(*self.flags, config=False)

    def find(self, kind):
        return json.loads(json.dumps(next(thing for thing in self.objects if thing["kind"] == kind)))

    def kinds(self):
        return {kind["name"]: kind for kind in self.node.lbctl("status")["api"]["kinds"]}

    def served(self):
        return self.node.run("client", "curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}",
                             f"http://{self.node.vip}/", check=False).stdout

    def weights(self, v1, v2):
        route = self.find("VirtualService")
        destinations = route["spec"]["http"][0]["route"]
        destinations[0]["weight"], destinations[1]["weight"] = v1, v2
        return route

    def version_counts(self, requests=40):
        return self.node.load("--connections", 4, "--requests", requests, "--requests-per-connection",
                              "1,1")["versions"]

    def test_what_the_cluster_says_is_served_and_followed(self):
        node = self.make()
        wait_for("the first configuration", lambda: self.served() == "200")
        self.assertEqual({kind["state"] for kind in self.kinds().values()}, {"synced"})
        resources = {kind["name"] for kind in node.lbctl("status")["api"]["kinds"]}
        self.assertIn("httproutes.gateway.networking.k8s.io", resources)
        self.assertIn("namespaces", resources)
        self.api.put(self.weights(0, 100))
        wait_for("the new weights", lambda: set(self.version_counts()) == {"v2"})
        self.api.delete("virtualservices", "default", "echo")
        wait_for("the route to be gone", lambda: self.served() == "404")
        self.api.put(self.weights(100, 0))
        wait_for("the route to be back", lambda: self.served() == "200")
        text = node.lbctl_text("status")
        self.assertIn("from the cluster", text)
        self.assertIn("virtualservices.networking.istio.io", text)
        self.assertEqual(node.sum("sluice_config_api_synced"), len(resources))

    def test_nothing_is_served_by_half_a_configuration(self):
        node = self.make(start=False)
        self.api.fault("slow", "/endpointslices")
        self.start()
        self.assertEqual(node.run("node", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                                  "http://127.0.0.1:9901/readyz").stdout, "503")
        codes = []
        wait_for("the first configuration", lambda: codes.append(self.served()) or codes[-1] == "200")
        self.assertEqual(set(codes[:-1]) - {"000"}, set(), "an answer before all was known")

    def test_an_object_that_is_wrong_is_named_and_leaves_the_rest(self):
        node = self.make()
        wait_for("the first configuration", lambda: self.served() == "200")
        wrong = self.weights(80, 20)
        wrong["spec"]["http"][0]["route"][0]["wieght"] = 80
        self.api.put(wrong)
        found = wait_for("the diagnostic", lambda: [d for d in node.lbctl("status").get("diagnostics", [])
                                                    if "wieght" in d["message"] + d["origin"].get("path", "")])
        self.assertEqual(found[0]["origin"]["file"], "virtualservices.networking.istio.io/default/echo")
        self.assertEqual(self.served(), "200")

    def test_a_server_that_is_away_costs_nothing(self):
        node = self.make()
        wait_for("the first configuration", lambda: self.served() == "200")
        load = node.start("client", *node.load_command("--connections", 8, "--duration", 8, "--think-ms", "0,10"))
        self.api.fault("away")
        wait_for("the trouble to be told", lambda: all(k["state"] == "failing" for k in self.kinds().values()))
        self.api.fault("none")
        self.api.put(self.weights(0, 100))
        wait_for("the change to arrive", lambda: set(self.version_counts()) == {"v2"}, 60)
        wait_for("all to be in step", lambda: all(k["state"] == "synced" for k in self.kinds().values()), 60)
        result = json.loads(load.communicate(timeout=60)[0])
        self.assertEqual(result["requests_failed"], 0, result)

    def test_changes_behind_the_agents_back_are_found_again(self):
        """Faults that make watches lose their place, each followed by a change that must arrive."""
        self.make()
        wait_for("the first configuration", lambda: self.served() == "200")
        for number, kind in enumerate(("gone", "half", "garbage")):
            with self.subTest(fault=kind):
                self.api.fault(kind, "watch=true")
                want = "v2" if number % 2 == 0 else "v1"
                self.api.put(self.weights(*((0, 100) if want == "v2" else (100, 0))))
                time_asked = len(self.api.asked("virtualservices"))
                wait_for("it to be asked again", lambda n=time_asked: len(self.api.asked("virtualservices")) > n, 60)
                self.api.fault("none")
                wait_for("the change", lambda w=want: set(self.version_counts()) == {w}, 60)
        # No loop: a few tries for each kind.
        self.assertLess(len(self.api.asked("/")), 50 * len(self.kinds()))

    def test_a_missing_permission_is_named_and_the_rest_goes_on(self):
        node = self.make(start=False)
        self.api.fault("forbidden", "/nodes")
        self.start()
        wait_for("the first configuration", lambda: self.served() == "200")
        kind = self.kinds()["nodes"]
        self.assertEqual(kind["state"], "forbidden")
        self.assertIn("list and watch", kind["trouble"])
        self.assertIn("grant the verbs", node.lbctl_text("status"))

    def test_a_crd_that_is_not_installed_is_no_trouble(self):
        self.make(start=False)
        self.api.fault("missing", "/workloadentries")
        self.start()
        wait_for("the first configuration", lambda: self.served() == "200")
        kind = self.kinds()["workloadentries.networking.istio.io"]
        self.assertEqual((kind["state"], kind.get("trouble", "")), ("absent", ""))

    def test_an_agent_that_starts_without_the_server_serves_from_its_cache(self):
        node = self.make(start=False)
        self.flags += ("--cache", node.directory / "cache")
        self.start()
        wait_for("the first configuration", lambda: self.served() == "200")
        self.api.fault("away")
        node.kill_agent()
        self.start()
        wait_for("the cached configuration", lambda: self.served() == "200")
        self.assertTrue(node.lbctl("status")["api"]["cached"])
        self.assertIn("from the cache", node.lbctl_text("status"))
        self.api.delete("destinationrules", "default", "echo")
        rule = self.find("DestinationRule")
        rule["spec"]["subsets"][0]["labels"] = {"version": "v2"}
        self.api.fault("none")
        self.api.put(rule, self.weights(100, 0))
        wait_for("the server's word", lambda: set(self.version_counts()) == {"v2"}, 60)
        wait_for("all to be as the server says", lambda: not node.lbctl("status")["api"].get("cached", False), 60)

    def test_a_damaged_cache_is_no_obstacle(self):
        node = self.make(start=False)
        cache = node.directory / "cache"
        cache.mkdir()
        (cache / "objects").write_bytes(b"sluice-cache 1 nonsense\n" * 100)
        self.flags += ("--cache", cache)
        self.start()
        wait_for("the first configuration", lambda: self.served() == "200")

    def test_an_endpoint_that_goes_gets_no_request_after_it_is_known(self):
        node = self.make("--steer-after", "never")
        wait_for("the first configuration", lambda: self.served() == "200")
        endpoints = self.find("EndpointSlice")
        for number in range(scaled(6, 2)):
            slice_ = json.loads(json.dumps(endpoints))
            slice_["endpoints"][number % 2]["conditions"] = {"ready": False, "serving": True, "terminating": True}
            generation = node.generation()
            began = time.monotonic()
            self.api.put(slice_)
            wait_for("the change", lambda g=generation: node.generation() > g, 5)
            self.assertLess(time.monotonic() - began, 5)
            pods = node.load("--connections", 2, "--requests", 20)["pods"]
            gone = ("pod1", "pod2")[number % 2]
            self.assertNotIn(gone, " ".join(pods))


if __name__ == "__main__":
    unittest.main(verbosity=2)
