# SPDX-License-Identifier: Apache-2.0
"""Which files of the source tree the lint looks at."""
import os
import subprocess

SKIPPED_DIRECTORIES = {".git", "build", "__pycache__"}


def source_files(root):
    """Paths below root, sorted: what git tracks or would track; without git, all but build output."""
    try:
        listed = subprocess.run(
            ["git", "-c", f"safe.directory={root}", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"],
            check=True, capture_output=True).stdout.decode().split("\0")
        return sorted({p for p in listed if p and os.path.isfile(os.path.join(root, p))})
    except (OSError, subprocess.CalledProcessError):
        return sorted(_walk(root))


def _walk(root):
    for directory, subdirectories, names in os.walk(root):
        subdirectories[:] = [d for d in subdirectories if d not in SKIPPED_DIRECTORIES]
        for name in names:
            yield os.path.relpath(os.path.join(directory, name), root)


def read_text(path):
    """The text of a file, or None when it is binary."""
    with open(path, "rb") as file:
        data = file.read()
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
