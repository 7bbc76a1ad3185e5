# SPDX-License-Identifier: Apache-2.0
"""Endpoints that misbehave, each in a way of its own, and what a client is to see of it.

An endpoint is a function over an accepted socket; it runs in the thread of its server, so it must be quick or give the
socket to `hold`, which keeps it open and silent.
"""
import contextlib
import socket
import struct
import threading

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def read_head(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    return data


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def answer(data, then="close"):
    """Reads a request's head, sends `data`, then closes, resets, or waits for the other side to close."""
    def serve(connection, server):
        if read_head(connection) is None:
            connection.close()
            return
        connection.sendall(data)
        if then == "reset":
            reset(connection)
        elif then == "hold":
            server.hold(connection)
        else:
            connection.close()
    return serve


def close_at_once(connection, _):
    connection.close()


def reset_after_head(connection, _):
    read_head(connection)
    reset(connection)


def stall(connection, server):
    read_head(connection)
    server.hold(connection)


def trickle(connection, _):
    read_head(connection)
    for byte in OK:
        connection.sendall(bytes([byte]))
    connection.close()


def close_while_idle(connection, _):
    """Says keep-alive and closes all the same, right after its answer."""
    read_head(connection)
    connection.sendall(OK)
    connection.close()


def answer_early(connection, server):
    """Answers before the body has come, and reads none of it."""
    read_head(connection)
    connection.sendall(b"HTTP/1.1 413 Too Much\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno!")
    connection.shutdown(socket.SHUT_WR)
    server.hold(connection)


def endless(connection, server):
    """Streams until the other side is gone."""
    read_head(connection)
    connection.settimeout(5)
    with contextlib.suppress(OSError):
        connection.sendall(CHUNKED)
        while True:
            connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    connection.close()
    server.streams_ended += 1


class Endpoint:
    """A listening socket on loopback and the thread that serves it."""

    def __init__(self, serve, threads=False):
        self.serve = serve
        self.threads = threads  # one for each connection: for those that stay open
        self.connections = 0
        self.streams_ended = 0
        self.held = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        if serve is None:  # nobody listens: the port stays taken, and refuses
            self.listener.close()
            return
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.threads:
                threading.Thread(target=self.serve_one, args=(connection,), daemon=True).start()
            else:
                self.serve_one(connection)

    def serve_one(self, connection):
        with contextlib.suppress(OSError):
            self.serve(connection, self)

    def hold(self, connection):
        self.held.append(connection)
        if len(self.held) > 64:
            self.held.pop(0).close()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.held:
            connection.close()


# What the client sees: a status, or None for a connection that ends without a whole answer; and the reason that the
# agent tells (X-Sluice-Reason, and the label of its counter).
ENDPOINT_FAULTS = {
    "refuses": (None, 503, "connect_failed"),
    "closes-at-once": (close_at_once, 502, "upstream_reset"),
    "resets-after-the-request": (reset_after_head, 502, "upstream_reset"),
    "closes-in-the-head": (answer(b"HTTP/1.1 200 OK\r\nConte"), 502, "upstream_reset"),
    "resets-in-the-head": (answer(b"HTTP/1.1 200 OK\r\nConte", "reset"), 502, "upstream_reset"),
    "closes-in-the-body": (answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart"), None, "truncated"),
    "resets-in-the-body": (answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart", "reset"), None, "truncated"),
    "closes-in-a-chunk": (answer(CHUNKED + b"9\r\npart"), None, "truncated"),
    "sends-a-bad-chunk": (answer(CHUNKED + b"4\r\npart\r\nzz\r\n", "hold"), None, "upstream_invalid"),
    "sends-too-much": (answer(OK + b"more than it said", "hold"), 200, ""),
    "sends-garbage": (answer(b"\x16\x03\x01\x02\x00garbage\r\n\r\n"), 502, "upstream_invalid"),
    "sends-two-lengths": (answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "hold"), 502,
                          "upstream_invalid"),
    "sends-a-huge-head": (answer(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "hold"), 502, "upstream_invalid"),
    "switches-protocols": (answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
                                  "hold"), 502, "upstream_invalid"),
    "never-answers": (stall, 504, "upstream_timeout"),
    "stalls-in-the-body": (answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart", "hold"), None,
                           "upstream_timeout"),
    "is-slow": (trickle, 200, ""),
    "closes-while-idle": (close_while_idle, 200, ""),
}
TIMED = ("never-answers", "stalls-in-the-body")  # end by the route's timeout
