# SPDX-License-Identifier: Apache-2.0
"""Where the demo plays: in a netlab (root), or on loopback addresses with high ports (anybody)."""
import os
import pathlib
import re
import shutil
import socket
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETLAB = ROOT / "tools/netlab/netlab"
BIN = pathlib.Path(os.environ.get("SLUICE_BIN", ROOT / "build/release/bin"))
EXAMPLE = ROOT / "manifests/examples/echo"
PODS = [("echo-v1-a", "v1"), ("echo-v1-b", "v1"), ("echo-v2-a", "v2")]


class DemoError(Exception):
    """A sentence for the user."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stage:
    """What both kinds have: `gateway` and `pods` are (address, port) as the client sees them."""
    kind = ""
    gateway = ("", 0)
    pods = []
    admin = "127.0.0.1:9901"

    def __init__(self, work):
        self.work = work
        self.config = work / "config"
        shutil.copytree(EXAMPLE, self.config)

    def client(self, *command):
        return [str(part) for part in command]

    def node(self, *command):
        return [str(part) for part in command]

    def agent_arguments(self):
        return ["--config", self.config, "--control", self.work / "agent.sock", "--admin", self.admin,
                "--workers", "1"]

    def close(self):
        pass


class LabStage(Stage):
    kind = "network namespaces"

    def __init__(self, work):
        super().__init__(work)
        self.name = f"demo{os.getpid()}"
        self.gateway = ("10.200.0.1", 80)
        self.pods = [(f"10.201.1.{index}", 80) for index in (2, 3, 4)]
        self.call("up", "--quiet", "--owner", str(os.getpid()))
        try:
            self.call("echo", "--versions", ",".join(version for _, version in PODS))
            self.call("bpffs", str(work / "bpffs"))
        except DemoError:
            self.close()
            raise

    def call(self, command, *args):
        result = subprocess.run([NETLAB, command, self.name, *args], capture_output=True, text=True,
                                env={**os.environ, "SLUICE_BIN": str(BIN)})
        if result.returncode != 0:
            raise DemoError(result.stderr.strip())

    def inside(self, role, command):
        return ["nsenter", f"--net=/run/netns/{self.name}-{role}", *(str(part) for part in command)]

    def client(self, *command):
        return self.inside("client", command)

    def node(self, *command):
        return self.inside("node", command)

    def agent_arguments(self):
        return [*super().agent_arguments(), "--pin", self.work / "bpffs"]

    def close(self):
        subprocess.run([NETLAB, "down", self.name], capture_output=True)


class LoopbackStage(Stage):
    kind = "loopback addresses"

    def __init__(self, work):
        super().__init__(work)
        port = free_port()
        self.gateway = ("127.0.0.1", free_port())
        self.admin = f"127.0.0.1:{free_port()}"
        self.pods = [(f"127.0.0.{index}", port) for index in (2, 3, 4)]
        self.edit("gateway.yaml", r"number: 80\b", f"number: {self.gateway[1]}")
        self.edit("service.yaml", r"10\.201\.1\.", "127.0.0.")
        self.edit("service.yaml", r"(- name: http\n\s+port:) 80\b(?=\n\s+protocol: TCP\n\Z)", rf"\1 {port}")
        self.edit("pods.yaml", r"10\.201\.1\.", "127.0.0.")
        self.processes = []
        for (name, version), (address, _) in zip(PODS, self.pods):
            process = subprocess.Popen(
                [BIN / "echo-server", "--listen", f"{address}:{port}", "--version", version, "--name", name,
                 "--die-with-parent"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
            self.processes.append(process)
            if not process.stdout.readline():
                self.close()
                raise DemoError(f"echo-server cannot listen on {address}:{port}")

    def edit(self, name, pattern, replacement):
        path = self.config / name
        text, count = re.subn(pattern, replacement, path.read_text())
        if count == 0:
            raise DemoError(f"{path}: nothing looks like {pattern}")
        path.write_text(text)

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()


def choose_stage(work, loopback):
    if loopback:
        return LoopbackStage(work), "asked for with --loopback"
    if os.geteuid() != 0:
        return LoopbackStage(work), "network namespaces and BPF need root"
    try:
        return LabStage(work), ""
    except DemoError as error:
        return LoopbackStage(work), f"no network namespaces here: {error}"
