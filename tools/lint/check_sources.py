#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the tree against tools/lint/rules.py: who includes whom, where third-party headers live, licence lines,
forbidden words, file and line length. Usage: check_sources.py [ROOT]. Prints file:line: message; exit 1 on findings."""
import os
import re
import sys

import rules
import tree

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
CODE = (".c", ".h", ".cpp", ".hpp", ".py", ".sh", ".cmake", ".proto")
C_LIKE = (".c", ".h", ".cpp", ".hpp")
# Test data holds whatever a test needs.
DATA = re.compile(r"tests/(golden|fuzz/corpus|.*/golden|.*/data)/")


def unit_of(path):
    """The folder whose rules hold for a path: "agent/http", "bpf/lib", "bpf", "cli"; None outside of them."""
    parts = path.split("/")
    if parts[0] in ("agent", "bpf"):
        return "/".join(parts[:2]) if len(parts) > 2 else parts[0]
    return "cli" if parts[0] == "cli" else None


def inside(path, folders):
    return any(path.startswith(folder + "/") for folder in folders)


def check_project_include(path, header):
    source, target = unit_of(path), unit_of(header)
    if target is None:
        return f'"{header}": only tests may include from {header.split("/")[0]}/'
    if source == target:
        return None
    if source not in rules.MAY_INCLUDE:
        return f"{source} is a new folder: give it a row in tools/lint/rules.py and docs/architecture.md"
    allowed = rules.MAY_INCLUDE[source]
    if target not in allowed:
        return f'"{header}": {source} may only include from {", ".join(allowed) or "itself"}'
    only = rules.ONLY_HEADERS.get((source, target))
    if only and not any(re.fullmatch(pattern, header) for pattern in only):
        return f'"{header}": of {target}, {source} may only include {", ".join(only)}'
    return None


def check_other_include(path, header):
    for pattern, homes in rules.GENERATED:
        if re.fullmatch(pattern, header):
            return None if inside(path, homes) else f"<{header}>: belongs to {', '.join(homes)}"
    for prefix, homes in rules.THIRD_PARTY.items():
        if header.startswith(prefix):
            return None if inside(path, homes) else f"<{header}>: only {', '.join(homes)} may include it"
    if "/" in header and not any(header.startswith(prefix) for prefix in rules.SYSTEM):
        return f"<{header}>: unknown library; give it one home in tools/lint/rules.py"
    return None


def check_includes(path, lines):
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quoted, header = match.group(1) == '"', match.group(2)
        project = quoted and re.match(r"(agent|bpf|cli|tests|tools)/", header)
        if quoted and not project and not re.fullmatch(rules.GENERATED[0][0], header):
            message = f'"{header}": write the path from the project root'
        else:
            message = check_project_include(path, header) if project else check_other_include(path, header)
        if message:
            yield number, message


def needs_licence(path, lines):
    return path.endswith(CODE) or os.path.basename(path) == "CMakeLists.txt" or (lines and lines[0].startswith("#!"))


def check_text(path, lines):
    if needs_licence(path, lines) and not any("SPDX-License-Identifier:" in line for line in lines[:2]):
        yield 1, "no SPDX-License-Identifier line at the top"
    if len(lines) > rules.MAX_LINES and not path.endswith(".md"):
        yield rules.MAX_LINES + 1, f"{len(lines)} lines; the limit is {rules.MAX_LINES}: split the file by nouns"
    for number, line in enumerate(lines, 1):
        for pattern, why in rules.FORBIDDEN:
            match = re.search(pattern, line)
            if match:
                yield number, f'"{match.group(0)}": {why}'
        if path.endswith(CODE) and len(line) > rules.MAX_LINE_LENGTH:
            yield number, f"{len(line)} columns; the limit is {rules.MAX_LINE_LENGTH}"
        if path.endswith(CODE) and line != line.rstrip():
            yield number, "blanks at the end of the line"


def check_file(root, path):
    """Yields (line, message)."""
    text = tree.read_text(os.path.join(root, path))
    if text is None or DATA.match(path):
        return
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    elif path.endswith(CODE):
        yield len(lines), "no newline at the end of the file"
    yield from check_text(path, lines)
    if path.endswith(C_LIKE) and unit_of(path):
        yield from check_includes(path, lines)


def main(arguments):
    root = os.path.abspath(arguments[1] if len(arguments) > 1 else os.path.join(os.path.dirname(__file__), "../.."))
    files = tree.source_files(root)
    findings = 0
    for path in files:
        for line, message in check_file(root, path):
            print(f"{path}:{line}: {message}")
            findings += 1
    print(f"{len(files)} files, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
