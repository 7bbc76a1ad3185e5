# SPDX-License-Identifier: Apache-2.0
"""The agent is killed with -9 every few seconds under load and started again. Whatever fails was in the dead process's
own sockets, or met nobody who listened; a connection that only the kernel carried notices nothing.

SLUICE_FULL=1 kills for five minutes instead of half a minute.
"""
import json
import os
import signal
import time
import unittest

from node import SCALE, NodeTest, scaled, wait_for

FULL = os.environ.get("SLUICE_FULL") == "1"
KILLS = 60 if FULL else scaled(6, 2)
PACE = 5.0
CONNECTIONS = 200 if FULL else max(16, int(64 * SCALE))
STALL = 8  # seconds without a byte, after which the client gives a connection up
STEERED = ("NORMAL", "ARMED", "HELD")
STATES = ("FREE", "USED", "NORMAL", "ARMED", "HELD", "PASS", "ENDED")


class Kill:
    """What the agent had and what the kernel carried when the agent was killed; times are of CLOCK_MONOTONIC."""

    def __init__(self, node):
        node.agent.send_signal(signal.SIGSTOP)
        wait_for("the agent to stand still", lambda: self.all_stopped(node.agent.pid))
        self.stopped = time.monotonic()
        self.carried = self.carried_ports(node)
        self.own = self.own_ports(node)
        node.kill_agent()
        self.at = time.monotonic()
        self.over = None  # when another agent served

    @staticmethod
    def all_stopped(pid):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/stat", encoding="ascii") as stat:
                if stat.read().rsplit(") ", 1)[1][0] not in "Tt":
                    return False
        return True

    @staticmethod
    def carried_ports(node):
        slots = next((node.pin / "sluice").glob("v*/lb_slots"))
        dump = json.loads(node.run("node", "bpftool", "-j", "map", "dump", "pinned", slots).stdout)
        values = [entry["formatted"]["value"] for entry in dump]
        return {int.from_bytes(slot["client"]["source_port"].to_bytes(2, "little"), "big") for slot in values
                if STATES[slot["state"]] in STEERED}

    @staticmethod
    def own_ports(node):
        """Also of those that wait to be accepted, or whose other end has not heard of the end yet."""
        lines = node.run("node", "ss", "-Htan", "sport = :80").stdout.splitlines()
        return {int(line.split()[4].rsplit(":", 1)[1]) for line in lines if not line.startswith("LISTEN")}


class KillTest(NodeTest):
    FLAGS = ("--steer-after", "3", "--max-steered", "512", "--upstream-idle-timeout", "5")

    def start_load(self, node):
        return node.start("client", *node.load_command(
            "--connections", CONNECTIONS, "--duration", int(KILLS * PACE + 3), "--mix", "random", "--max-body", 50_000,
            "--requests-per-connection", "1,4000", "--think-ms", "0,20", "--stall", STALL))

    def kill_in_turn(self, node):
        kills, due = [], time.monotonic() + 2
        for number in range(KILLS):
            time.sleep(max(0.0, due - time.monotonic()))  # the pace of the storm; nothing is waited for
            kills.append(Kill(node))
            node.start_agent(*self.FLAGS, workers=1 + number % 2)
            kills[-1].over = time.monotonic()
            due += PACE
        return kills

    @staticmethod
    def accounted_for(failure, kills):
        """It was in a killed process's hands; or nobody listened between two agents. One that came after the look at
        the sockets was not handed over either, for the process stood still."""
        for kill in kills:
            at, port = failure["at"], failure["port"]
            if port in kill.own and kill.stopped <= at <= kill.at + STALL + 3:
                return True
            if port not in kill.carried and kill.stopped <= at <= kill.at + 0.1:
                return True
            if failure["kind"] == "refused" and kill.stopped <= at <= kill.over:
                return True
        return False

    def test_only_what_the_dead_process_had_fails(self):
        node = self.make_node()
        node.start_agent(*self.FLAGS, workers=2)
        load = self.start_load(node)
        kills = self.kill_in_turn(node)
        out, _ = load.communicate(timeout=120)
        result = json.loads(out[out.index("{"):])
        failures = result["failures"]
        self.assertEqual(len(failures), result["requests_failed"], "more failed than is listed")
        strange = [failure for failure in failures if not self.accounted_for(failure, kills)]
        self.assertEqual(strange, [], f"not accounted for; kills at {[kill.at for kill in kills]}")
        carried = sum(len(kill.carried - kill.own) for kill in kills)
        self.assertGreater(carried, KILLS * CONNECTIONS // 3, "few connections were the kernel's")
        self.assertGreater(len(failures), 0, "no connection was the process's, so nothing is shown about those")
        print(f"{KILLS} kills: {result['requests_ok']} requests, {carried} times a steered connection went on, "
              f"{len(failures)} failures, all accounted for: {result['errors']}")
        node.wait_without_flows(40)
        wait_for("upstream ports to be free", lambda: node.sum("sluice_steer_ports_in_use") == 0, 40)


if __name__ == "__main__":
    unittest.main(verbosity=2)
