# SPDX-License-Identifier: Apache-2.0
"""A node with pods and a client in network namespaces, an agent on it, and what tests ask of them.

Everything is named after this process, made in a temporary directory, and removed when the test ends, however it ends
(netlab sweeps the labs of processes that are gone).
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SLUICE_BIN", ROOT / "build/release/bin"))
NETLAB = ROOT / "tools/netlab/netlab"
EXAMPLE = ROOT / "manifests/examples/echo"
VIP4, VIP6 = "10.200.0.1:80", "[fd00:200::1]:80"
# Sanitized builds are many times slower; the checks stay the same, the amounts do not.
SCALE = float(os.environ.get("SLUICE_TEST_SCALE", "1"))

# What a sanitizer prints. A finding must not hide behind a test that survives the agent's death, so the log decides.
FINDINGS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:")


def scaled(count, at_least=1):
    return max(at_least, int(count * SCALE))


def wait_for(what, condition, seconds=30):
    """Polls until condition() is true; the state of another process has no file descriptor to wait on."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain for: {what}")


class Node:
    count = 0

    def __init__(self, pods=3, versions="v1,v1,v2", mtu=1500, client_mtu=1500, family=4, vm=False):
        Node.count += 1
        self.name = f"sl{os.getpid()}-{Node.count}"
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.name}."))
        self.config = self.directory / "config"
        self.socket = self.directory / "agent.sock"
        self.pin = self.directory / "bpf"
        self.log_path = self.directory / "agent.log"
        self.agent = None
        self.family = family
        self.vip = VIP4 if family == 4 else VIP6
        try:
            self.netlab("up", self.name, "--owner", str(os.getpid()), "--quiet", "--pods", str(pods),
                        "--mtu", str(mtu), "--client-mtu", str(client_mtu), *(["--vm"] if vm else []))
            self.netlab("echo", self.name, "--versions", versions)
            self.netlab("bpffs", self.name, str(self.pin))
            self.write_config()
        except BaseException:
            self.close()
            raise

    def netlab(self, *arguments):
        environment = dict(os.environ, SLUICE_BIN=str(BIN))
        result = subprocess.run([NETLAB, *arguments], capture_output=True, text=True, env=environment, check=False)
        if result.returncode != 0:
            raise AssertionError(f"netlab {' '.join(arguments)}: {result.stderr}")
        return result.stdout

    def write_config(self):
        """The example, with the addresses of the family that is tested."""
        self.config.mkdir(exist_ok=True)
        for source in EXAMPLE.glob("*.yaml"):
            text = source.read_text()
            if self.family == 6:
                text = text.replace("addressType: IPv4", "addressType: IPv6").replace("10.201.1.", "fd00:201::")
            (self.config / source.name).write_text(text)

    def edit(self, name, old, new):
        text = (self.config / name).read_text()
        assert old in text, f"{name} has no {old!r}"
        self.write(name, text.replace(old, new))

    def write(self, name, text):
        """As an editor does: a new file, renamed over the old one."""
        path = self.config / name
        temporary = path.with_suffix(".new")
        temporary.write_text(text)
        temporary.rename(path)

    def generation(self):
        return int(self.lbctl("status")["generation"])

    @contextlib.contextmanager
    def next_generation(self, seconds=10):
        """Waits, at the end of the block, until what the block changed is in force."""
        before = self.generation()
        yield
        wait_for("the next generation", lambda: self.generation() > before, seconds)

    # ---- agent
    def start_agent(self, *flags, workers=1, program=(BIN / "lb-agent",), config=True):
        pin = [] if "--pin" in flags else ["--pin", self.pin / "sluice"]
        command = ["nsenter", f"--net=/run/netns/{self.name}-node", *program,
                   *(["--config", self.config] if config else []), "--control", self.socket, *pin,
                   "--workers", str(workers), "--admin", "127.0.0.1:9901", *flags]
        with open(self.log_path, "ab") as log:
            self.agent = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log)
        wait_for("the agent to answer", self.answers)

    def answers(self):
        if self.agent.poll() is not None:
            raise AssertionError(f"the agent exited with {self.agent.returncode}:\n{self.log()}")
        with contextlib.suppress(subprocess.CalledProcessError):
            return self.lbctl("status")
        return None

    def kill_agent(self):
        self.agent.kill()
        self.agent.wait()

    def stop_agent(self):
        self.agent.send_signal(signal.SIGTERM)
        return self.agent.wait(timeout=60)

    def findings(self):
        """The agents' log from the first sanitizer report on; empty if there is none."""
        text = self.log()
        places = [text.find(mark) for mark in FINDINGS if mark in text]
        return text[min(places):] if places else ""

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def lbctl(self, *arguments):
        output = subprocess.run([BIN / "lbctl", "--control", self.socket, *arguments, "-o", "json"],
                                capture_output=True, text=True, check=True, timeout=20)
        return json.loads(output.stdout)

    def lbctl_text(self, *arguments):
        """What a person sees, on a wide screen."""
        return subprocess.run([BIN / "lbctl", "--control", self.socket, *arguments], capture_output=True, text=True,
                              check=True, timeout=20, env=dict(os.environ, COLUMNS="400")).stdout

    def metrics(self):
        text = self.run("node", "curl", "-sf", "http://127.0.0.1:9901/metrics").stdout
        values = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
        return values

    def sum(self, name, **labels):
        """A metric, summed over all series with these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        found = [value for key, value in self.metrics().items()
                 if key.split("{")[0] == name and all(label in key for label in wanted)]
        assert found, f"there is no metric {name} {labels}"
        return sum(found)

    def refused(self, reason):
        return self.sum("sluice_proxy_refusals_total", reason=reason)

    def listener(self, port=80):
        return next(entry for entry in self.lbctl("status")["listeners"] if entry["port"] == port)

    def interface(self, name):
        return next((entry for entry in self.lbctl("status")["interfaces"] if entry["name"] == name), None)

    def flows(self):
        return int(self.lbctl("flows").get("total", 0))

    def wait_without_flows(self, seconds=30):
        wait_for("all flows to end", lambda: self.flows() == 0, seconds)

    # ---- traffic
    def run(self, role, *command, check=True, timeout=300, **options):
        result = subprocess.run(["nsenter", f"--net=/run/netns/{self.name}-{role}", "--", *map(str, command)],
                                capture_output=True, text=True, check=False, timeout=timeout, **options)
        if check and result.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))} failed:\n{result.stdout}\n{result.stderr}\n"
                                 f"agent log:\n{self.log()[-4000:]}")
        return result

    def load_command(self, *flags, target=None):
        return [BIN / "load-client", "--target", target or self.vip, "--json", *map(str, flags)]

    def load(self, *flags, target=None, timeout=600):
        """Runs the checking client to its end; any wrong answer fails the test."""
        return json.loads(self.run("client", *self.load_command(*flags, target=target), timeout=timeout).stdout)

    def start(self, role, *command):
        return subprocess.Popen(["nsenter", f"--net=/run/netns/{self.name}-{role}", "--", *map(str, command)],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def curl(self, path, *flags):
        return self.run("client", "curl", "-s", "-m", "20", *flags, f"http://{self.vip}{path}").stdout

    def close(self):
        """Ends all; raises if the agent does not stop in order or a sanitizer found something in it."""
        code = 0
        try:
            if self.agent and self.agent.poll() is None:
                code = self.stop_agent()  # not killed: leaks are looked for at the end of the process
        except subprocess.TimeoutExpired:
            self.kill_agent()
            code = "not at all"
        with contextlib.suppress(AssertionError):
            self.netlab("down", self.name)
        found, log = self.findings(), self.log()
        shutil.rmtree(self.directory, ignore_errors=True)
        if found:
            raise AssertionError(f"a sanitizer found in the agent:\n{found[:8000]}")
        if code != 0:
            raise AssertionError(f"after SIGTERM the agent ended with: {code}\n{log[-4000:]}")


class NodeTest(unittest.TestCase):
    """A test with one node; a failed one shows the agent's log."""

    def make_node(self, **options):
        if os.geteuid() != 0:
            self.skipTest("needs root for network namespaces and BPF")
        node = Node(**options)
        self.addCleanup(self.finish, node)
        return node

    def broken_so_far(self):
        result = self._outcome.result
        return len(result.failures) + len(result.errors)

    def setUp(self):
        self.broken_before = self.broken_so_far()

    def finish(self, node):
        if self.broken_so_far() > self.broken_before:
            print(f"---- agent log of {node.name}\n{node.log()[-6000:]}", flush=True)
        node.close()
