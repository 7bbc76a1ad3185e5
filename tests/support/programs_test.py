# SPDX-License-Identifier: Apache-2.0
"""echo-server and load-client against each other: what is right passes, each kind of damage is found.

Usage: programs_test.py DIRECTORY_OF_PROGRAMS
"""
import json
import pathlib
import socket
import subprocess
import sys
import unittest

BIN = pathlib.Path(sys.argv.pop(1))


class Echo:
    def __enter__(self):
        self.process = subprocess.Popen([BIN / "echo-server", "--listen", "127.0.0.1:0", "--listen", "[::1]:0",
                                         "--version", "v1", "--name", "pod-a", "--die-with-parent"],
                                        stdout=subprocess.PIPE, text=True)
        self.v4, self.v6 = (self.process.stdout.readline().split()[-1] for _ in range(2))
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def load(self, *options, target=None):
        command = [BIN / "load-client", "--target", target or self.v4, "--json", *map(str, options)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return result.returncode, json.loads(result.stdout), result.stderr

    def raw(self, request):
        host, port = self.v4.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(request)
            received = b""
            while data := connection.recv(65536):
                received += data
        return received


class Programs(unittest.TestCase):
    def run_with(self, *options, **kwargs):
        with Echo() as echo:
            return echo.load(*options, **kwargs)

    def test_random_mix_is_answered_without_an_error(self):
        with Echo() as echo:
            code, report, complaints = echo.load(
                "--mix", "random", "--connections", 32, "--requests", 3000, "--max-body", 300000, "--expect", 20,
                "--segment", "1,50000", "--requests-per-connection", "1,20", "--announce-close",
                "--target", echo.v6)
        self.assertEqual((code, complaints), (0, ""))
        self.assertEqual(report["requests_ok"], 3000)
        self.assertEqual(report["versions"], {"v1": 3000})
        self.assertGreater(report["connections"], 100)
        self.assertGreater(report["bytes_sent"], 1_000_000)

    def test_even_load_gives_each_connection_its_share(self):
        _, report, _ = self.run_with("--connections", 7, "--requests", 100, "--even")
        self.assertEqual((report["connections"], report["requests_ok"]), (7, 100))

    def failing(self, path, kind, *options):
        code, report, _ = self.run_with("--requests", 3, "--path", path, *options)
        self.assertEqual(code, 1)
        self.assertEqual(report["requests_ok"], 0)
        self.assertIn(kind, report["errors"])

    def test_body_that_ends_early_is_an_error(self):
        self.failing("/?size=1000&close=early", "closed early")

    def test_reset_is_an_error(self):
        self.failing("/?reset=1", "reset")

    def test_other_status_is_an_error(self):
        self.failing("/?status=503", "status 503")

    def test_silent_server_is_an_error_within_bounded_time(self):
        self.failing("/?delay=60000", "stalled", "--stall", "1")

    def test_nobody_there_is_an_error_within_bounded_time(self):
        with socket.socket() as taken:  # bound but not listening: connections are refused
            taken.bind(("127.0.0.1", 0))
            code, report, _ = self.run_with("--requests", 3, "--stall", 1,
                                            target=f"127.0.0.1:{taken.getsockname()[1]}")
        self.assertEqual(code, 1)
        self.assertIn("gave up", report["errors"])

    def test_pipelined_requests_are_answered_in_order(self):
        with Echo() as echo:
            answer = echo.raw(b"GET /?tag=1&delay=50 HTTP/1.1\r\n\r\nPOST /?tag=2 HTTP/1.1\r\nContent-Length: 3\r\n"
                              b"\r\nabcGET / HTTP/1.1\r\n\r\nGET /?tag=3 HTTP/1.1\r\nConnection: close\r\n\r\n")
        tags = [line for line in answer.split(b"\r\n") if line.startswith(b"X-Request-Tag")]
        self.assertEqual(tags, [b"X-Request-Tag: 1", b"X-Request-Tag: 2", b"X-Request-Tag: 3"])
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 4)

    def test_echo_describes_fields_in_order_and_as_sent(self):
        with Echo() as echo:
            answer = echo.raw(b"PUT /p?a=%20 HTTP/1.1\r\nHost: h\r\nX-b: 1\r\nx-A: \xff\"\r\nX-b: 2\r\n"
                              b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        told = json.loads(answer.split(b"\r\n\r\n", 1)[1])
        self.assertEqual(told["headers"][:4], [["Host", "h"], ["X-b", "1"], ["x-A", "\xff\""], ["X-b", "2"]])
        self.assertEqual((told["method"], told["path"], told["query"]), ("PUT", "/p", [["a", "%20"]]))
        self.assertEqual(told["body_length"], 3)
        self.assertTrue(told["peer"].startswith("127.0.0.1:"))


if __name__ == "__main__":
    unittest.main()
