# SPDX-License-Identifier: Apache-2.0
"""Lab: the namespaces, links, processes and mounts of one netlab, and the file that remembers them."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess

STATE_DIR = pathlib.Path("/run/sluice-netlab")
ROOT = pathlib.Path(__file__).resolve().parents[2]


class LabError(Exception):
    """A sentence for the user."""


def run(*command, check=True):
    """Runs a command; its error output becomes the message of the LabError."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and result.returncode != 0:
        raise LabError(f"{' '.join(map(str, command))}: {(result.stderr or result.stdout).strip()}")
    return result.stdout


def in_ns(netns, *command, check=True):
    # Not `ip netns exec`: it remounts /sys and so hides bpffs and cgroups.
    return run("nsenter", f"--net=/run/netns/{netns}", *command, check=check)


def start_time(pid):
    """Field 22 of /proc/PID/stat: tells a reused process id from the process that was meant. None: no such process."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2:].split()
    return None if fields[0] == "Z" else int(fields[19])


class Lab:
    """One lab and the file that remembers it."""

    def __init__(self, name, data=None):
        if not name or not all(c.isalnum() or c in "-_" for c in name) or len(name) > 40:
            raise LabError(f"{name!r} is not a lab name: use up to 40 letters, digits, '-' and '_'")
        self.name = name
        self.path = STATE_DIR / f"{name}.json"
        self.data = data or {}

    @classmethod
    def load(cls, name):
        lab = cls(name)
        try:
            lab.data = json.loads(lab.path.read_text())
        except FileNotFoundError:
            raise LabError(f"there is no lab {name}; make one with: netlab up {name}") from None
        return lab

    def save(self):
        STATE_DIR.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.data, indent=1) + "\n")
        temporary.rename(self.path)

    def netns(self, role):
        if role not in self.data["roles"]:
            raise LabError(f"lab {self.name} has no {role}; it has: {' '.join(self.data['roles'])}")
        return f"{self.name}-{role}"

    def owner_is_gone(self):
        return start_time(self.data["owner"]) != self.data["owner_start"]

    # ---- building
    def add_netns(self, role):
        netns = f"{self.name}-{role}"
        self.data["roles"].append(role)
        self.save()  # before the namespace exists: a crash in between leaves nothing unknown
        run("ip", "netns", "add", netns)
        sysctls = ["net.ipv4.tcp_congestion_control=reno",  # bbr without a pacing qdisc distorts veth results
                   "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.accept_dad=0",
                   "net.ipv6.conf.default.accept_ra=0"]
        in_ns(netns, "sysctl", "-qw", *sysctls)
        in_ns(netns, "ip", "link", "set", "lo", "up")
        return netns

    def link(self, ns_a, if_a, ns_b, if_b, mtu):
        run("ip", "link", "add", "name", if_a, "mtu", str(mtu), "netns", ns_a, "type", "veth",
            "peer", "name", if_b, "mtu", str(mtu), "netns", ns_b)
        in_ns(ns_a, "ip", "link", "set", if_a, "up")
        in_ns(ns_b, "ip", "link", "set", if_b, "up")

    def build(self, pods, mtu, client_mtu, vm):
        node, client = self.add_netns("node"), self.add_netns("client")
        if vm:
            switch = self.add_netns("switch")
            in_ns(switch, "ip", "link", "add", "name", "br0", "type", "bridge")
            in_ns(switch, "ip", "link", "set", "br0", "up")
            for role in ("node", "client", "vm"):
                netns = self.add_netns("vm") if role == "vm" else f"{self.name}-{role}"
                self.link(netns, "eth0", switch, role, client_mtu if role == "client" else 1500)
                in_ns(switch, "ip", "link", "set", role, "master", "br0")
            self.address(f"{self.name}-vm", 3)
        else:
            self.link(client, "eth0", node, "eth0", client_mtu)
        self.address(node, 1)
        self.address(client, 2)
        for address in ("10.201.1.1/32", "fd00:201::1/128"):
            in_ns(node, "ip", "address", "add", address, "dev", "lo")
        in_ns(node, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        for index in range(1, pods + 1):
            self.add_pod(node, index, mtu)

    @staticmethod
    def address(netns, host):
        in_ns(netns, "ip", "address", "add", f"10.200.0.{host}/24", "dev", "eth0")
        in_ns(netns, "ip", "address", "add", f"fd00:200::{host}/64", "dev", "eth0", "nodad")
        if host != 1:
            in_ns(netns, "ip", "route", "add", "default", "via", "10.200.0.1")
            in_ns(netns, "ip", "-6", "route", "add", "default", "via", "fd00:200::1")

    def add_pod(self, node, index, mtu):
        pod, port = self.add_netns(f"pod{index}"), f"pod{index}"
        self.link(pod, "eth0", node, port, mtu)
        v4, v6 = f"10.201.1.{index + 1}", f"fd00:201::{index + 1:x}"
        in_ns(pod, "ip", "address", "add", f"{v4}/32", "dev", "eth0")
        in_ns(pod, "ip", "address", "add", f"{v6}/128", "dev", "eth0", "nodad")
        in_ns(pod, "ip", "route", "add", "10.201.1.1", "dev", "eth0", "scope", "link")
        in_ns(pod, "ip", "route", "add", "default", "via", "10.201.1.1")
        # Neighbour discovery is answered only for addresses of that very interface: the router's is link-local.
        in_ns(node, "ip", "address", "add", "fe80::1/64", "dev", port, "nodad")
        in_ns(pod, "ip", "-6", "route", "add", "default", "via", "fe80::1", "dev", "eth0")
        in_ns(node, "ip", "route", "add", v4, "dev", port, "src", "10.201.1.1")
        in_ns(node, "ip", "-6", "route", "add", v6, "dev", port, "src", "fd00:201::1")
        self.data["pods"].append({"role": f"pod{index}", "ipv4": v4, "ipv6": v6})

    # ---- taking down
    def down(self):
        for entry in reversed(self.data.get("processes", [])):
            if start_time(entry["pid"]) == entry["start"]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(entry["pid"], signal.SIGTERM)
        for directory in reversed(self.data.get("mounts", [])):
            if os.path.ismount(directory):
                run("umount", "--lazy", directory, check=False)
            with contextlib.suppress(OSError):
                os.rmdir(directory)
        for role in reversed(self.data.get("roles", [])):
            run("ip", "netns", "delete", f"{self.name}-{role}", check=False)
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()

    def remember_process(self, pid):
        self.data.setdefault("processes", []).append({"pid": pid, "start": start_time(pid)})
        self.save()


def find_program(name):
    """A program of this build: $SLUICE_BIN, else the newest build of it."""
    if directory := os.environ.get("SLUICE_BIN"):
        return os.path.join(directory, name)
    found = sorted(ROOT.glob(f"build/*/bin/{name}"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise LabError(f"{name} is not built; run: cmake --preset release && "
                       f"ninja -C build/release {name}, or set SLUICE_BIN to its directory")
    return str(found[-1])
