#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much memory an agent needs for 1,000 virtual services with 5,000 routes, and 1,000 services with 10,000
endpoints, with two workers."""
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/bench"))
from world import Agent, World, free_port  # noqa: E402

SERVICES = 1000
GOAL = 60_000_000
SANITIZER = os.environ.get("SLUICE_SANITIZE", "")


@unittest.skipIf(SANITIZER, f"the memory of a build with {SANITIZER} is mostly that of the sanitizer")
class Memory(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="sluice-scale-config-")
        self.addCleanup(self.directory.cleanup)
        self.world = World(self.directory.name, services=SERVICES, virtual_services=SERVICES, routes=5, endpoints=10,
                           port=free_port())
        self.agent = Agent(self.directory.name)
        self.addCleanup(self.agent.stop)

    def test_five_thousand_routes_and_ten_thousand_endpoints_fit_into_60_megabytes(self):
        resident = self.agent.settled_bytes()
        print(f"{resident / 1e6:.1f} MB resident", file=sys.stderr)
        status = self.agent.status()
        self.assertEqual((status["objects"], status.get("objects_rejected", 0)), (1 + 3 * SERVICES, 0))
        self.assertLessEqual(resident, GOAL)


if __name__ == "__main__":
    unittest.main(verbosity=2)
