# SPDX-License-Identifier: Apache-2.0
"""Prints each test that skipped itself, with its reason, from the log that ctest leaves.

Usage: skipped.py LAST_TEST_LOG. Knows how gtest and Python's unittest say it.
"""
import pathlib
import re
import sys

GTEST = re.compile(r"^.*: Skipped\n(?P<reason>(?:.*\n)*?)\[  SKIPPED \] (?P<name>\S+)", re.MULTILINE)
UNITTEST = re.compile(r"^test_\w+ \((?P<name>[^)]*)\)(?:\n.*)? \.\.\. skipped ['\"](?P<reason>.*)['\"]$", re.MULTILINE)


def skipped(text):
    for found in GTEST.finditer(text):
        yield found["name"], " ".join(found["reason"].split())
    for found in UNITTEST.finditer(text):
        yield found["name"], found["reason"]


def main():
    for name, reason in skipped(pathlib.Path(sys.argv[1]).read_text(errors="replace")):
        print(f"  {name}: {reason}")


if __name__ == "__main__":
    main()
