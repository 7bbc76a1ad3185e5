#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-format over all C and C++ sources. Usage: check_format.py [--fix] [ROOT]. Exit 1 when a file would change."""
import os
import shutil
import subprocess
import sys

import tree

TOOL = "clang-format-19"  # one version: others format differently


def main(arguments):
    fix = "--fix" in arguments
    rest = [a for a in arguments[1:] if a != "--fix"]
    root = os.path.abspath(rest[0] if rest else os.path.join(os.path.dirname(__file__), "../.."))
    if not shutil.which(TOOL):
        print(f"{TOOL} is missing; run tools/setup")
        return 1
    files = [p for p in tree.source_files(root) if p.endswith((".c", ".h", ".cpp", ".hpp"))]
    if not files:
        print(f"no sources below {root}")
        return 1
    mode = ["-i"] if fix else ["--dry-run", "-Werror", "--ferror-limit=3"]
    result = subprocess.run([TOOL, *mode, "--style=file", *files], cwd=root, check=False)
    if result.returncode != 0:
        print("run tools/lint/check_format.py --fix")
    return result.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv))
