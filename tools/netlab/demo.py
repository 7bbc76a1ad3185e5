# SPDX-License-Identifier: Apache-2.0
"""The demo: an echo service in two versions, split 80 to 20 by Istio YAML, behind one Sluice agent.

It sends requests and shows where they went, what the kernel carried without the agent, what that cost and how long it
took; kills the agent in the middle of a download; and changes the weights. Exit code 0: all was as it should be.
"""
import argparse
import http.client
import json
import hashlib
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from agent import Agent  # noqa: E402  (these are beside this file)
from screen import check, failures, headline, paint, say, table  # noqa: E402
from stage import BIN, PODS, DemoError, choose_stage  # noqa: E402

HOST = "echo.example"


# ---- traffic
def load(stage, targets, *options):
    command = stage.client(BIN / "load-client", "--host", HOST, "--json", *options)
    for address, port in targets:
        command += ["--target", f"{address}:{port}"]
    result = subprocess.run(command, capture_output=True, text=True)
    if not result.stdout:
        raise DemoError(f"load-client: {result.stderr.strip()}")
    report = json.loads(result.stdout)
    report["complaints"] = result.stderr.strip()
    return report


def fetch(address, port, pieces, interval):
    """Runs as a process of its own, in the client's namespace: a slow download behind some small requests."""
    connection = http.client.HTTPConnection(address, int(port), timeout=30)

    def get(path):
        connection.request("GET", path, headers={"Host": HOST})
        return connection.getresponse()

    for _ in range(20):
        get("/").read()
    response = get(f"/?stream={pieces}&interval={interval}&size=100000&seed=7")
    digest, received, told = hashlib.sha256(), 0, False
    while data := response.read1(65536):
        digest.update(data)
        received += len(data)
        if received > int(pieces) * 100000 // 3 and not told:
            told = True
            print("third", flush=True)
    print(json.dumps({"bytes": received, "sha256": digest.hexdigest(),
                      "pod": response.getheader("X-Pod"), "port": connection.sock.getsockname()[1]}), flush=True)
    if sys.stdin.readline():
        again = get("/")
        again.read()
        print(json.dumps({"status": again.status, "pod": again.getheader("X-Pod")}), flush=True)


def share(report, version):
    return report["versions"].get(version, 0)


def percent(part, total):
    return f"{100 * part / total:.1f} %" if total else "-"


# ---- the acts
def act_traffic(stage, agent, kernel):
    headline("Traffic: 1,000 requests over 20 kept-alive connections, then 200 with one connection each")
    direct = load(stage, [stage.pods[i] for i in (0, 1, 0, 1, 2)], "--connections", "20", "--requests", "1000",
                  "--even")
    handled, cpu = agent.requests(), agent.cpu_seconds()
    kept = load(stage, [stage.gateway], "--connections", "20", "--requests", "1000", "--even")
    handled, cpu = agent.requests() - handled, agent.cpu_seconds() - cpu
    single = load(stage, [stage.gateway], "--connections", "4", "--requests", "200", "--connect-per-request")
    for name, report in (("kept-alive", kept), ("single", single)):
        check(report["requests_failed"] == 0, f"{name}: every request was answered as it should be "
              f"({report['requests_ok']} of {report['requests_ok'] + report['requests_failed']})"
              + (f": {report['complaints'].splitlines()[0]}" if report["complaints"] else ""))
    table(["subset", "wanted", "kept-alive", "one connection each"],
          [[version, f"{wanted} %", f"{share(kept, version)} = {percent(share(kept, version), kept['requests_ok'])}",
            f"{share(single, version)} = {percent(share(single, version), single['requests_ok'])}"]
           for version, wanted in (("v1", 80), ("v2", 20))])
    check(abs(share(single, "v1") - 160) <= 1, "the split of 200 single requests is exact (within 1)")
    check(abs(share(kept, "v1") - 800) <= 100, "the split of kept-alive requests is within 10 points")

    headline("Who did the work, and how long it took")
    carried = kept["requests_ok"] - handled
    if kernel:
        say(f"carried by the kernel without the agent   {carried} of 1000 kept-alive requests")
        check(carried > 500, "the kernel carried most of the kept-alive requests")
    else:
        say("carried by the kernel without the agent   none: see above why")
    say(f"CPU time of the agent meanwhile           {cpu * 1e3:.1f} ms ({cpu * 1e6 / 1000:.1f} us a request)")
    memory = agent.resident_mb()
    say(f"memory of the agent                       {memory:.1f} MB at most")
    check(memory <= 40, "the agent needs at most 40 MB")
    table(["latency of a request", "p50", "p90", "p99", "max"],
          [[name, *(f"{report[f'latency_{key}_us']} us" for key in ("p50", "p90", "p99", "max"))]
           for name, report in (("direct to the pods", direct), ("through Sluice", kept),
                                ("through Sluice, with connecting", single))])


def act_kill(stage, agent):
    headline("kill -9 of the agent in the middle of a download")
    agent.wait_for(lambda status: int(status["steered_connections"]) == 0, "forget the connections that have ended")
    pieces, interval = 60, 50
    address, port = stage.gateway
    fetcher = subprocess.Popen(stage.client(sys.executable, __file__, "--fetch", address, port, pieces, interval),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if fetcher.stdout.readline().strip() != "third":
            raise DemoError(f"the download did not start: {fetcher.stderr.read().strip()[-300:]}")
        flows = agent.status()["steered_connections"]
        agent.stop(signal.SIGKILL)
        say(f"killed after a third of the bytes; the kernel carries {flows} connection(s)")
        result = json.loads(fetcher.stdout.readline() or "{}")
        check(bool(result), "the download went on to its end without the agent")
        if not result:
            say(fetcher.stderr.read().strip().splitlines()[-1])
            return
        pod = dict(zip((name for name, _ in PODS), stage.pods))[result["pod"]]
        straight = subprocess.run(stage.client(sys.executable, __file__, "--fetch", *pod, pieces, 0),
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
        same = json.loads(straight.stdout.splitlines()[1])["sha256"] == result["sha256"]
        check(same, f"its {result['bytes']:,} bytes are the same as straight from pod {result['pod']}")
        status = agent.start()
        say(f"agent started again: it found {status['adopted_connections']} connection(s) of the one before")
        check(int(status["adopted_connections"]) > 0, "the new agent adopted the connection")
        fetcher.stdin.write("again\n")
        fetcher.stdin.flush()
        again = json.loads(fetcher.stdout.readline() or "{}")
        check(again.get("status") == 200, "the same connection answers another request")
    finally:
        fetcher.kill()
        fetcher.communicate()


def act_weights(stage, agent):
    headline("A new weight: v1 50, v2 50")
    path = stage.config / "virtual-service.yaml"
    before = int(agent.status()["generation"])
    text = path.read_text().replace("weight: 80", "weight: 50").replace("weight: 20", "weight: 50")
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.rename(path)
    begun = time.monotonic()
    status = agent.wait_for(lambda status: int(status["generation"]) > before, "take the new file")
    say(f"{path.name} saved; generation {status['generation']} in force after "
        f"{(time.monotonic() - begun) * 1e3:.0f} ms")
    report = load(stage, [stage.gateway], "--connections", "4", "--requests", "200", "--connect-per-request")
    table(["subset", "wanted", "realised"],
          [[version, "50 %", f"{share(report, version)} = {percent(share(report, version), report['requests_ok'])}"]
           for version in ("v1", "v2")])
    check(report["requests_failed"] == 0 and abs(share(report, "v1") - 100) <= 1,
          "200 more requests follow it exactly (within 1)")


def introduce(stage, why, status):
    headline("The stage: " + stage.kind)
    if why:
        say(paint("33", f"not the full demo: {why}."))
    rows = [["client", "-"], ["gateway", "{}:{}".format(*stage.gateway)]]
    rows += [[f"{name} ({version})", f"{address}:{port}"]
             for (name, version), (address, port) in zip(PODS, stage.pods)]
    table(["who", "address"], rows)
    listener = status["listeners"][0]
    say(f"listener {listener['name']}: tier {listener['tier']}"
        + (f" ({listener['tier_reason']})" if listener["tier_reason"] else ""))
    if listener["error"]:
        raise DemoError(f"listener {listener['name']}: {listener['error']}")
    if status["kernel_path"]:
        say("kernel path: on. Connections are handed to eBPF once their route is decided.")
    else:
        say(paint("33", f"kernel path: off: {status['kernel_reason'] or 'no reason given'}."))
        say("The agent serves every request itself, as a userspace proxy: routing and weights are the same.")


def explore(stage, agent):
    headline("Kept running: look around, then press Ctrl-C")
    address, port = stage.gateway
    control = stage.work / "agent.sock"
    commands = [" ".join(stage.client("curl", f"http://{address}:{port}/echo")),
                f"{BIN}/lbctl --control {control} status", f"{BIN}/lbctl --control {control} routes",
                f"{BIN}/lbctl --control {control} explain GET http://{HOST}:{port}/",
                f"$EDITOR {stage.config}/virtual-service.yaml", f"less {agent.log}"]
    for command in commands:
        say(command)
    signal.pause()


def play(args, work):
    stage, why = choose_stage(work, args.loopback)
    agent = Agent(stage)
    try:
        status = agent.start()
        introduce(stage, why, status)
        act_traffic(stage, agent, status["kernel_path"])
        if status["kernel_path"]:
            act_kill(stage, agent)
        else:
            headline("kill -9 of the agent in the middle of a download")
            say("left out: without the kernel path, the agent itself carries the bytes")
        act_weights(stage, agent)
        if args.keep:
            explore(stage, agent)
    except KeyboardInterrupt:
        print()
        if not args.keep:
            raise
    finally:
        agent.stop()
        if failures and agent.log.exists():
            kept = pathlib.Path(tempfile.gettempdir()) / "sluice-demo-agent.log"
            shutil.copy(agent.log, kept)
            say(f"the agent's log is kept in {kept}")
        stage.close()


def main():
    if sys.argv[1:2] == ["--fetch"]:
        return fetch(*sys.argv[2:6])
    parser = argparse.ArgumentParser(prog="tools/demo", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="keep it running at the end, to look around")
    parser.add_argument("--loopback", action="store_true", help="as without root: loopback addresses, high ports")
    parser.add_argument("--no-build", action="store_true", help="use what is built already")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for program in ("lb-agent", "lbctl", "echo-server", "load-client"):
        if not (BIN / program).exists():
            raise DemoError(f"{BIN / program} is missing; run tools/demo without --no-build")
    work = pathlib.Path(tempfile.mkdtemp(prefix="sluice-demo-"))
    try:
        play(args, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if failures:
        headline(paint("31", f"{len(failures)} expectation(s) were not met:"))
        for failure in failures:
            say(failure)
        return 1
    headline(paint("32", "All as it should be."))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DemoError as error:
        print(f"\ntools/demo: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
