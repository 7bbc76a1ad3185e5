# SPDX-License-Identifier: Apache-2.0
"""Load on one address from a lab's client: as fast as answers come (wrk), or at a given rate (h2load)."""
import collections
import re
import tempfile

from targets import BenchError

# `rate`: requests/s of each connection; None = the next request follows the answer at once.
Row = collections.namedtuple("Row", "title connections path headers rate", defaults=("/", (), None))


def load(lab, address, row, duration, cpus):
    """Requests answered, requests/s, p50 and p99 in microseconds, and what went wrong (a list of texts)."""
    pin = ["taskset", "-c", cpus] if cpus else []
    run = wrk if row.rate is None else h2load
    return run(lab, f"http://{address}{row.path}", row, duration, pin)


def seconds(text):
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(value) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[unit]


def output_of(lab, command):
    result = lab.run("client", *command)
    if result.returncode != 0:
        raise BenchError(f"{command[0]}: {result.stderr.strip() or result.stdout.strip()}")
    return result.stdout


def header_flags(row):
    return [part for header in row.headers for part in ("-H", header)]


def wrk(lab, url, row, duration, pin):
    text = output_of(lab, [*pin, "wrk", "-t1", f"-c{row.connections}", f"-d{duration}s", "--latency", "--timeout=10s",
                           *header_flags(row), url])
    # wrk counts as "read" error each close it did not expect; with Connection: close there are none on success.
    return {"requests": int(re.search(r"(\d+) requests in", text)[1]),
            "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
            "p50": seconds(re.search(r"\n\s+50%\s+(\S+)", text)[1]) * 1e6,
            "p99": seconds(re.search(r"\n\s+99%\s+(\S+)", text)[1]) * 1e6,
            "errors": re.findall(r"Socket errors: .*|Non-2xx or 3xx responses: .*", text)}


def h2load(lab, url, row, duration, pin):
    with tempfile.NamedTemporaryFile("r") as log:
        text = output_of(lab, [*pin, "h2load", "--h1", "-t1", f"-c{row.connections}", f"-D{duration}",
                               f"--rps={row.rate}", f"--log-file={log.name}", *header_flags(row), url])
        times = sorted(int(line.split("\t")[2]) for line in log)
    if not times:
        raise BenchError(f"h2load: no request was answered\n{text}")
    # Those still on their way when the time is over count as failed: one a connection at most.
    counts = re.search(r"(\d+) failed, (\d+) errored, (\d+) timeout", text).groups()
    failed, errored, timed_out = map(int, counts)
    bad = len(re.findall(r"status codes: .*[1-9]\d* [345]xx", text))
    errors = [text] if errored + timed_out > row.connections or bad else []
    return {"requests": len(times), "rps": len(times) / duration, "p50": times[len(times) // 2],
            "p99": times[len(times) * 99 // 100], "errors": errors and [f"{failed} failed"]}
