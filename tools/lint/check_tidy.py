#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over the .cpp files of agent/ and cli/, on all cores. A file that was clean is not looked at again until
it, a header it includes, its command line or .clang-tidy changes: the cache holds hashes of all four.
Most of a run's time goes into the headers, so files of one library are looked at together, as one translation unit;
where that has findings, or does not compile because two files use one name, the files named in the output are looked
at apart from the others, at last each alone.
Usage: check_tidy.py BUILD_DIRECTORY [ROOT]. Prints findings; exit 1 when there are any."""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import tree

TOOL = "clang-tidy-19"
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
# The build's own -Werror would turn warnings that only clang knows into errors of another name.
TOGETHER = 16  # files: more cost memory and gain little
EXTRA = ["--extra-arg=-Wno-error", "--extra-arg=-Wno-unknown-warning-option"]


class Hasher:
    """Content hash of a file with all project and generated headers below it; memoised."""

    def __init__(self, root):
        self._root = root
        self._includes = {}
        self._digests = {}

    def closure(self, path, search):
        """Absolute paths of `path` and of every header it reaches in the search directories."""
        seen, todo = set(), [path]
        while todo:
            current = todo.pop()
            if current in seen:
                continue
            seen.add(current)
            for name in self._included(current):
                for directory in search:
                    candidate = os.path.join(directory, name)
                    if os.path.isfile(candidate):
                        todo.append(candidate)
                        break
        return sorted(seen)

    def key(self, entry, configuration):
        digest = hashlib.sha256(configuration)
        digest.update(entry["command"].encode())
        for path in self.closure(entry["file"], [self._root, *include_directories(entry, self._root)]):
            digest.update(path.encode() + b"\0" + self._digest(path))
        return digest.hexdigest()

    def _included(self, path):
        if path not in self._includes:
            with open(path, encoding="utf-8", errors="replace") as file:
                self._includes[path] = INCLUDE.findall(file.read())
        return self._includes[path]

    def _digest(self, path):
        if path not in self._digests:
            with open(path, "rb") as file:
                self._digests[path] = hashlib.sha256(file.read()).digest()
        return self._digests[path]


def include_directories(entry, root):
    """-I and -isystem directories of a compile command; the system's own are left to the tool's version."""
    words = shlex.split(entry["command"])
    out = []
    for position, word in enumerate(words):
        directory = None
        if word in ("-I", "-isystem") and position + 1 < len(words):
            directory = words[position + 1]
        elif word.startswith("-I"):
            directory = word[2:]
        if directory and not directory.startswith("/usr/") and directory != root:
            out.append(os.path.join(entry["directory"], directory))
    return out


def load_entries(build, root):
    """Compile commands by path below root, for agent/ and cli/ only."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = {os.path.relpath(entry["file"], root): entry for entry in json.load(file)}
    return {path: entry for path, entry in entries.items() if path.startswith(("agent/", "cli/"))}


def named_by_a_target(path, root):
    """True when a CMakeLists.txt above names the file: then another preset compiles it."""
    directory = os.path.dirname(path)
    while directory:
        lists = os.path.join(root, directory, "CMakeLists.txt")
        if os.path.exists(lists) and os.path.basename(path) in (tree.read_text(lists) or ""):
            return True
        directory = os.path.dirname(directory)
    return False


def run(build, path, root):
    command = [TOOL, "-p", build, "--quiet", *EXTRA, path]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + (result.stderr if result.returncode and not result.stdout else "")


def common_command(entry):
    """The compile command without what it compiles and where to."""
    words = shlex.split(entry["command"])
    if "-o" in words:
        at = words.index("-o")
        del words[at:at + 2]
    return [word for word in words if word not in ("-c", entry["file"])]


def batches(paths, entries):
    """Lists of files of one directory with equal commands, at most TOGETHER of them."""
    groups = {}
    for path in paths:
        groups.setdefault((os.path.dirname(path), *common_command(entries[path])), []).append(path)
    return [group[at:at + TOGETHER] for group in groups.values() for at in range(0, len(group), TOGETHER)]


def run_together(build, paths, entries, root):
    """[(path, exit code, output)]; finds what run() finds in each."""
    if len(paths) == 1:
        return [(paths[0], *run(build, paths[0], root))]
    with tempfile.TemporaryDirectory(prefix="tidy-", dir=os.path.join(build, "lint")) as directory:
        unit = os.path.join(directory, "unit.cpp")
        with open(unit, "w", encoding="utf-8") as file:
            file.writelines(f'#include "{entries[path]["file"]}"  // NOLINT\n' for path in paths)
        command = shlex.join([*common_command(entries[paths[0]]), "-c", unit])
        with open(os.path.join(directory, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump([{"directory": entries[paths[0]]["directory"], "command": command, "file": unit}], file)
        code, output = run(directory, unit, root)
        if code == 0:
            return [(path, 0, "") for path in paths]
    named = [path for path in paths if entries[path]["file"] + ":" in output]
    if not named or len(named) == len(paths):
        named = paths[:len(paths) // 2]
    rest = [path for path in paths if path not in named]
    return [result for part in (named, rest) for result in run_together(build, part, entries, root)]


def configuration(root):
    version = subprocess.run([TOOL, "--version"], capture_output=True, check=True).stdout
    with open(os.path.join(root, ".clang-tidy"), "rb") as file:
        return version + file.read() + " ".join(EXTRA).encode()


def check(build, root):
    wanted = [p for p in tree.source_files(root) if p.startswith(("agent/", "cli/")) and p.endswith(".cpp")]
    entries = load_entries(build, root)
    missing = [path for path in wanted if path not in entries and not named_by_a_target(path, root)]
    for path in missing:
        print(f"{path}:1: no target compiles this file; add it to a CMakeLists.txt, or remove it")
    cache = os.path.join(build, "lint", "tidy")
    os.makedirs(cache, exist_ok=True)
    hasher, config = Hasher(root), configuration(root)
    keys = {path: hasher.key(entries[path], config) for path in wanted if path in entries}
    todo = [path for path, key in keys.items() if not os.path.exists(os.path.join(cache, key))]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for results in pool.map(lambda paths: run_together(build, paths, entries, root), batches(todo, entries)):
            for path, code, output in results:
                if code == 0:
                    open(os.path.join(cache, keys[path]), "w", encoding="utf-8").close()
                else:
                    bad += 1
                    print(output.strip().replace(root + "/", ""), flush=True)
    for stale in set(os.listdir(cache)) - set(keys.values()):
        os.unlink(os.path.join(cache, stale))
    print(f"{len(wanted)} files, {len(todo)} looked at, {bad + len(missing)} with findings")
    return 1 if bad or missing else 0


def main(arguments):
    if len(arguments) < 2:
        print(__doc__)
        return 2
    if not shutil.which(TOOL):
        print(f"{TOOL} is missing; run tools/setup")
        return 1
    build = os.path.abspath(arguments[1])
    root = os.path.abspath(arguments[2] if len(arguments) > 2 else os.path.join(os.path.dirname(__file__), "../.."))
    if not os.path.exists(os.path.join(build, "compile_commands.json")):
        print(f"{build} has no compile_commands.json; run cmake --preset release first")
        return 1
    return check(build, root)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
