# SPDX-License-Identifier: Apache-2.0
"""A client whose socket the test holds in its hand: it can reset, half-close, reuse its port, or fall silent.

The sockets are made in a lab's namespace by this very process (a socket stays in the namespace where it was made).
"""
import contextlib
import ctypes
import os
import socket
import struct

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def enter(descriptor):
    if LIBC.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def inside(node, role):
    """The calling thread is in the namespace of `role` for as long as the block lasts."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{node.name}-{role}", os.O_RDONLY)
    try:
        enter(there)
        yield
    finally:
        enter(before)
        os.close(there)
        os.close(before)


def endpoint(address):
    host, port = address.rsplit(":", 1)
    return host.strip("[]"), int(port)


class RawClient:
    def __init__(self, node, role="client", source_port=0, target=None, timeout=10):
        host, port = endpoint(target or node.vip)
        with inside(node, role):
            self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.socket.settimeout(timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source_port:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(("", source_port))
        self.socket.connect((host, port))
        self.port = self.socket.getsockname()[1]
        self.left = b""

    def send(self, path, method="GET", headers=(), body=b""):
        lines = [f"{method} {path} HTTP/1.1", "Host: echo.example", *headers, "", ""]
        self.socket.sendall("\r\n".join(lines).encode("latin-1") + body)

    def get(self, path="/", **options):
        self.send(path, **options)
        return self.response()

    def more(self):
        data = self.socket.recv(65536)
        self.left += data
        return bool(data)

    def until(self, mark):
        while mark not in self.left:
            if not self.more():
                raise EOFError(f"closed after {self.left[:200]!r}")
        text, self.left = self.left.split(mark, 1)
        return text

    def exactly(self, count):
        while len(self.left) < count:
            if not self.more():
                raise EOFError(f"closed {count - len(self.left)} bytes too early")
        data, self.left = self.left[:count], self.left[count:]
        return data

    def response(self):
        """(status, fields by lower-case name, body) of the next response; EOFError when it is cut short."""
        head = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in head[1:])}
        body = b""
        if fields.get("transfer-encoding") == "chunked":
            while size := int(self.until(b"\r\n"), 16):
                body += self.exactly(size)
                self.exactly(2)
            self.until(b"\r\n")
        else:
            body = self.exactly(int(fields.get("content-length", 0)))
        return int(head[0].split()[1]), fields, body

    def at_end(self):
        """Waits for the other side's end: "fin" or "reset"."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            return "reset"
        return "fin"

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
