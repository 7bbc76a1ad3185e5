# SPDX-License-Identifier: Apache-2.0
"""A connection that the kernel carries obeys every change, and is left alone by those that do not concern it.

The crowd: kept-alive clients, one of which sends most of the requests; one request after the other, so that the test
knows for each which came before a change and which after it.
"""
import contextlib
import json
import subprocess
import time
import unittest

from node import BIN, NodeTest, scaled, wait_for
from raw_client import RawClient

RATES = (1, 1, 2, 5, 10, 40, 150, 500)  # of the crowd's clients, in proportion


class Crowd:
    def __init__(self, node, rates=RATES):
        self.clients = [RawClient(node) for _ in rates]
        self.rates = rates
        self.due = [0] * len(rates)
        self.answers = []  # (time, version, pod, client)

    def request(self, index):
        status, fields, _ = self.clients[index].get()
        assert status == 200, f"{status} on connection {index}"
        answer = (time.monotonic(), fields["x-version"], fields["x-pod"], index)
        self.answers.append(answer)
        return answer

    def each(self):
        return [self.request(index) for index in range(len(self.clients))]

    def run(self, seconds):
        """Requests by their rates, evenly; the answers."""
        first = len(self.answers)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.due = [due + rate for due, rate in zip(self.due, self.rates)]
            index = max(range(len(self.due)), key=self.due.__getitem__)
            self.due[index] -= sum(self.rates)
            self.request(index)
        return self.answers[first:]

    def close(self):
        for client in self.clients:
            client.close()


def share(answers, version):
    return 100 * sum(1 for answer in answers if answer[1] == version) / len(answers)


class Carried(NodeTest):
    def start(self, workers=1, flags=(), rates=RATES, **options):
        node = self.make_node(**options)
        node.start_agent("--steer-after", "1", *flags, workers=workers)
        crowd = Crowd(node, rates)
        self.addCleanup(crowd.close)
        crowd.each()
        wait_for("the kernel to carry all of them", lambda: node.flows() == len(rates))
        return node, crowd

    def asked(self, node, **labels):
        return node.sum("sluice_steer_moves_asked_total", **labels)

    def write_and_wait(self, node, name, text):
        """It is in force in all workers at the end."""
        self.assertNotEqual(text, (node.config / name).read_text())
        with node.next_generation():
            node.write(name, text)
        generation = node.generation()
        workers = [name for name in node.metrics() if name.startswith("sluice_proxy_generation")]
        wait_for("every worker", lambda: node.sum("sluice_proxy_generation") >= generation * len(workers))

    def set_weights(self, node, old, new):
        text = (node.config / "virtual-service.yaml").read_text()
        v1, v2 = text.split("subset: v2")
        self.write_and_wait(node, "virtual-service.yaml", "subset: v2".join([
            v1.replace(f"weight: {old[0]}\n", f"weight: {new[0]}\n"),
            v2.replace(f"weight: {old[1]}\n", f"weight: {new[1]}\n")]))

    def check_last_five_seconds(self, answers, percent):
        until = answers[-1][0]
        last = [answer for answer in answers if answer[0] > until - 5]
        self.assertGreater(len(last), scaled(500))
        self.assertLessEqual(abs(share(last, "v1") - percent), 2, f"{share(last, 'v1')} of {len(last)}")

    def test_shares_of_unequal_connections(self):
        for workers in (1, 2):
            with self.subTest(workers=workers):
                node, crowd = self.start(workers)
                self.check_last_five_seconds(crowd.run(6), 80)
                before = node.sum("sluice_proxy_requests_total")
                weights = (80, 20)
                for new in ((30, 70), (99, 1), (50, 50)):
                    self.set_weights(node, weights, new)
                    weights = new
                    self.check_last_five_seconds(crowd.run(6), new[0])
                requests = node.sum("sluice_proxy_requests_total") - before
                self.assertLess(requests, len(crowd.answers) / 5, "requests that the agent had to do with")
                wanted = node.lbctl("routes")["routes"][0]["shares"]
                total = sum(int(each["requests"]) for each in wanted)
                self.assertAlmostEqual(total, len(crowd.answers), delta=0.05 * len(crowd.answers))
                node.close()

    def test_a_weight_of_zero_governs_the_next_request(self):
        node, crowd = self.start(2)
        self.assertEqual({answer[1] for answer in crowd.run(1)}, {"v1", "v2"})
        self.set_weights(node, (80, 20), (100, 0))
        for answer in crowd.each() + crowd.run(1):
            self.assertEqual(answer[1], "v1")
        self.set_weights(node, (100, 0), (0, 100))
        for answer in crowd.each() + crowd.run(1):
            self.assertEqual(answer[1], "v2")
        self.assertEqual(node.flows(), len(RATES), "handed over again")

    def test_a_terminating_endpoint_gets_no_new_request(self):
        node, crowd = self.start()
        pods = {answer[2] for answer in crowd.run(1) if answer[1] == "v1"}
        self.assertEqual(len(pods), 2)
        # The first of the slice's endpoints is the pod that answers with this name.
        status = node.run("node", "curl", "-s", "-i", "http://10.201.1.2/").stdout
        pod = next(line.split(":")[1].strip() for line in status.splitlines() if line.lower().startswith("x-pod"))
        self.assertIn(pod, pods)
        text = (node.config / "service.yaml").read_text()
        old = "ready: true\n          serving: true\n          terminating: false"
        at = text.index(old, text.index("10.201.1.2"))
        self.write_and_wait(node, "service.yaml", text[:at] + old.replace("ready: true", "ready: false", 1).replace(
            "terminating: false", "terminating: true") + text[at + len(old):])
        for answer in crowd.each() + crowd.run(1):
            self.assertNotEqual(answer[2], pod)
        drained = self.asked(node, reason="endpoint_drains")
        self.assertGreater(drained, 0)
        self.assertLess(drained, len(RATES))
        self.assertEqual(self.asked(node, reason="config"), 0)
        self.assertEqual(node.sum("sluice_steer_endings_total", reason="cut"), 0)

    def test_whoever_follows_sees_starts_returns_and_ends(self):
        node = self.make_node()
        node.start_agent("--steer-after", "1", workers=2)
        path = node.directory / "events"
        with open(path, "wb") as out:
            follower = subprocess.Popen([BIN / "lbctl", "--control", node.socket, "flows", "--follow", "-o", "json"],
                                        stdout=out)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)

        def events():
            return [json.loads(line) for line in path.read_text().splitlines()]

        def one_passes():
            with contextlib.closing(RawClient(node)) as client:
                self.assertEqual(client.get()[0], 200)
            return events()
        wait_for("the follower to have begun", one_passes)
        client = RawClient(node)
        self.addCleanup(client.close)

        def own():
            return [event for event in events() if event["client"].endswith(f":{client.port}")]
        self.assertEqual(client.get()[0], 200)
        wait_for("its start", own)
        self.assertEqual(int(node.lbctl("flows", "move", "--client", own()[0]["client"])["asked"]), 1)
        for _ in range(3):
            self.assertEqual(client.get()[0], 200)
        client.close()
        wait_for("its end", lambda: own()[-1]["event"] == "ended", 20)
        self.assertEqual([(event["event"], event["reason"]) for event in own()],
                         [("started", ""), ("taken_back", "asked"), ("started", ""), ("ended", "closed")])
        self.assertEqual([int(event["requests"]) for event in own()], [0, 1, 0, 3])
        numbers = [int(event["number"]) for event in events()]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))

    def test_changes_elsewhere_move_nothing(self):
        node, crowd = self.start(rates=(1, 1, 1, 1, 1))
        crowd.run(0.5)
        before = self.asked(node, reason="share")
        gateway = (node.config / "gateway.yaml").read_text()
        server = gateway[gateway.index("    - port:"):]
        self.write_and_wait(node, "gateway.yaml", gateway + server.replace("number: 80", "number: 8080"))
        self.write_and_wait(node, "gateway.yaml", gateway)
        crowd.each()
        for reason in ("config", "endpoint_drains", "endpoint_gone", "ejected"):
            self.assertEqual(self.asked(node, reason=reason), 0, reason)
        self.assertEqual(self.asked(node, reason="share"), before)

    def set_policy(self, node, *lines):
        path = node.config / "destination-rule.yaml"
        indented = "".join(f"    {line}\n" for line in lines)
        node.write(path.name, path.read_text().replace("  subsets:", f"  trafficPolicy:\n{indented}  subsets:"))

    def start_with_policy(self, *lines, rates=(1,) * 6):
        node = self.make_node(versions="v1,v1,v1")
        self.set_policy(node, *lines)
        node.start_agent("--steer-after", "1")
        crowd = Crowd(node, rates)
        self.addCleanup(crowd.close)
        crowd.each()
        wait_for("the kernel to carry all of them", lambda: node.flows() == len(rates))
        self.assertEqual(node.listener()["tier"], "connection")
        return node, crowd

    def test_no_connection_to_an_endpoint_gets_older_than_it_may(self):
        node, crowd = self.start_with_policy("connectionPool: {tcp: {maxConnectionDuration: 2s}}")
        oldest, end = 0, time.monotonic() + 5
        while time.monotonic() < end:
            crowd.each()
            oldest = max([oldest, *(flow["age_seconds"] for flow in node.lbctl("flows").get("flows", []))])
        self.assertGreater(oldest, 1)
        self.assertLess(oldest, 2.3)
        self.assertGreater(self.asked(node, reason="max_age"), 0)
        self.assertEqual(node.sum("sluice_steer_endings_total", reason="cut"), 0)

    def test_an_idle_connection_leaves_its_endpoint_when_it_is_old(self):
        node, crowd = self.start_with_policy("connectionPool: {tcp: {maxConnectionDuration: 1s}}")
        node.wait_without_flows(10)
        crowd.each()

    def test_an_endpoint_that_cannot_be_reached_is_ejected_and_its_connections_leave_it(self):
        node, crowd = self.start_with_policy(
            "outlierDetection:", "  splitExternalLocalOriginErrors: true", "  consecutive5xxErrors: 0",
            "  consecutiveLocalOriginFailures: 1", "  baseEjectionTime: 60s", "  maxEjectionPercent: 50")
        gone = crowd.each()[0][2]
        pod = next(index for index in (1, 2, 3) if gone in node.run(
            "node", "curl", "-s", "-i", f"http://10.201.1.{index + 1}/").stdout)
        # What is established goes on; nobody new gets in.
        node.run(f"pod{pod}", "iptables", "-I", "INPUT", "-p", "tcp", "--syn", "-j", "REJECT", "--reject-with",
                 "tcp-reset")
        self.assertIn(gone, {answer[2] for answer in crowd.each()})

        def ejected():
            client = RawClient(node)
            self.addCleanup(client.close)
            self.assertEqual(client.get()[0], 200)
            return self.asked(node, reason="ejected") > 0
        wait_for("the endpoint to be left", ejected)
        for answer in crowd.each() + crowd.each():
            self.assertNotEqual(answer[2], gone)

    def test_an_answer_that_pauses_goes_on_when_its_endpoint_goes(self):
        node, crowd = self.start(flags=("--drain-seconds", "1"), rates=(1,) * 3, versions="v1,v1,v1")
        stream = crowd.clients[0]
        stream.send("/?stream=150&interval=20&size=1000")
        stream.more()
        # Every endpoint gives way to one that was not there before.
        text = (node.config / "service.yaml").read_text()
        self.write_and_wait(node, "service.yaml", text.replace("10.201.1.2", "10.201.1.5").replace(
            "10.201.1.3", "10.201.1.6").replace("10.201.1.4", "10.201.1.7"))
        wait_for("all to be taken back", lambda: node.flows() == 0)
        self.assertEqual(stream.response()[0], 200)  # with all of its chunks
        self.assertEqual(self.asked(node, reason="endpoint_gone"), 3)
        self.assertEqual(node.sum("sluice_steer_endings_total", reason="cut"), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
