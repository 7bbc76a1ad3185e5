# SPDX-License-Identifier: Apache-2.0
"""A configuration of any size, in files of their own: a Gateway, services with endpoints, virtual services with routes;
and an agent that serves it. Used by tools/bench/scale and by tests/scale.
"""
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

GATEWAY = """apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: g}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
    - {{port: {{number: {port}, name: http, protocol: HTTP}}, hosts: ['*']}}
"""
SERVICE = """apiVersion: v1
kind: Service
metadata: {{name: s{i}}}
spec: {{ports: [{{name: http, port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
addressType: IPv4
metadata: {{name: s{i}-x7k2p, labels: {{kubernetes.io/service-name: s{i}}}}}
ports: [{{name: http, port: 8080}}]
endpoints:
"""
ENDPOINT = """  - addresses: [10.{a}.{b}.{c}]
    conditions: {{ready: {ready}, serving: {ready}, terminating: false}}
    nodeName: node-{node}
    targetRef: {{kind: Pod, name: s{i}-5d4f9c7b6-{c}}}
"""
ROUTE = """    - name: r{r}
      match: [{{uri: {{prefix: /api/v{r}/}}}}]
      route: [{{destination: {{host: s{i}}}}}]
"""
SPLIT = """    - route:
        - {{destination: {{host: s{i}}}, weight: {weight}}}
        - {{destination: {{host: s{j}}}, weight: {rest}}}
"""


class World:
    def __init__(self, directory, services, virtual_services, routes, endpoints, port=80):
        """`routes` a virtual service, `endpoints` a service."""
        self.directory, self.services, self.port = pathlib.Path(directory), services, port
        self.routes, self.endpoints = routes, endpoints
        self.directory.mkdir(parents=True, exist_ok=True)
        self.write("g", GATEWAY.format(port=port))
        for i in range(services):
            self.service(i)
        for i in range(virtual_services):
            self.virtual_service(i)

    def write(self, name, text):
        """As editors and tools do it: a new file takes the place of the old one."""
        hidden = self.directory / f".{name}.new"
        hidden.write_text(text)
        hidden.rename(self.directory / f"{name}.yaml")

    def service(self, i, first=1, ready=None):
        """Endpoints from `first` on; `ready`: how many of them are."""
        ready = self.endpoints if ready is None else ready
        text = SERVICE.format(i=i)
        for e in range(self.endpoints):
            text += ENDPOINT.format(i=i, a=i // 250, b=i % 250, c=first + e, node=e % 50,
                                    ready="true" if e < ready else "false")
        self.write(f"s{i}", text)

    def virtual_service(self, i, weight=90):
        s = i % self.services
        text = (f"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: v{i}}}\nspec:\n"
                f"  hosts: [h{i}.example.com]\n  gateways: [g]\n  http:\n")
        for r in range(self.routes - 1):
            text += ROUTE.format(r=r, i=s)
        self.write(f"v{i}", text + SPLIT.format(i=s, j=(s + 1) % self.services, weight=weight, rest=100 - weight))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Agent:
    """A plain userspace agent over a directory; made once it serves what the directory says."""

    def __init__(self, config, workers=2):
        self.bin = pathlib.Path(os.environ.get("SLUICE_BIN", ROOT / "build/release/bin"))
        self.work = tempfile.TemporaryDirectory(prefix="sluice-scale-")
        self.socket = pathlib.Path(self.work.name) / "agent.sock"
        self.log_path = pathlib.Path(self.work.name) / "agent.log"
        started = time.monotonic()
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", self.bin / "lb-agent", "--config", config, "--control", self.socket,
                 "--admin", "127.0.0.1:0", "--workers", str(workers), "--no-kernel-path", "--drain-seconds", "0"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.wait_for(lambda: "app       ready: " in self.log(), "serve its configuration")
        except BaseException:
            self.stop()
            raise
        self.seconds_to_ready = time.monotonic() - started

    def log(self):
        return self.log_path.read_text()

    def wait_for(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the agent did not {what}:\n{self.log()[-2000:]}")
            time.sleep(0.01)

    def status(self):
        result = subprocess.run([self.bin / "lbctl", "--control", self.socket, "status", "-o", "json"],
                                capture_output=True, text=True, check=True)
        return json.loads(result.stdout)

    def settled_bytes(self):
        """Resident memory once it has not changed for a second and a half: workers have taken what was published, and
        what an update left was given back."""
        last, since = 0, time.monotonic()
        while time.monotonic() - since < 1.5:
            now = self.resident_bytes()
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(0.05)
        return last

    def resident_bytes(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) * 1024

    def stop(self):
        """The exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.work.cleanup()
        return self.process.returncode
