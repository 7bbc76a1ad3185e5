#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every flag and variable of lb-agent has a row in docs/configuration.md, and every row is a flag.

Usage: check_flags.py [ROOT]
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
source = "".join((root / "agent/app" / name).read_text() for name in ("options.cpp", "http_flags.cpp"))
text = (root / "docs/configuration.md").read_text()
section = text[text.index("## Flags of lb-agent"):]
wanted = set(re.findall(r'"!?(--[a-z-]+)"', source)) | {"--version"}
wanted |= set(re.findall(r'"(SLUICE_[A-Z_]+)"', source))
rows = [re.split(r"(?<!\\)\|", line) for line in section.splitlines() if line.startswith("| `--")]
found = {word for row in rows for cell in row[1:3] for word in re.findall(r"--[a-z-]+|SLUICE_[A-Z_]+", cell)}
for word in sorted(wanted - found):
    print(f"docs/configuration.md: {word} has no row under 'Flags of lb-agent'; add one")
for word in sorted(found - wanted):
    print(f"docs/configuration.md: {word} is no flag or variable of lb-agent; remove its row")
print(f"{len(wanted)} flags and variables, {len(wanted ^ found)} findings")
sys.exit(bool(wanted ^ found))
