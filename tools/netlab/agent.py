# SPDX-License-Identifier: Apache-2.0
"""The agent of the demo as a process: started, asked through lbctl, measured, killed."""
import json
import pathlib
import signal
import subprocess
import time

from stage import BIN, DemoError


class Agent:
    def __init__(self, stage):
        self.stage, self.process = stage, None
        self.log = stage.work / "agent.log"

    def start(self):
        # It must not outlive a demo that is killed.
        command = ["setpriv", "--pdeathsig", "TERM"] + self.stage.node(BIN / "lb-agent", *self.stage.agent_arguments())
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self.wait_for(lambda status: int(status["generation"]) > 0 and status["listeners"],
                             "serve its configuration")

    def lbctl(self, *arguments):
        result = subprocess.run([BIN / "lbctl", "--control", self.stage.work / "agent.sock", *arguments],
                                capture_output=True, text=True)
        return result.stdout if result.returncode == 0 else ""

    def status(self):
        text = self.lbctl("status", "-o", "json")
        return json.loads(text) if text else None

    def wait_for(self, condition, what):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            status = self.status()
            if status and condition(status):
                return status
            time.sleep(0.05)
        tail = "\n".join(self.log.read_text().splitlines()[-15:])
        raise DemoError(f"the agent did not {what} within 20 s. The end of its log:\n{tail}")

    def requests(self):
        return sum(int(worker["requests"]) for worker in self.status()["workers"])

    def cpu_seconds(self):
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def resident_mb(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmHWM:")[1].split()[0]) / 1024

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
