#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/configuration.md says of each field of Istio and Gateway API what becomes of it; each supported one has a test.

Usage: check_fields.py [ROOT]

Under "### KIND" a table `| field | status | since | test | notes |`. A field's cell names paths in backticks; one that
begins with a dot stands beside the first of its row: `a.b`, `.c` are a.b and a.c. Status: supported, reported or not
applicable; the last two cover all that lies below the path. A test is a path below tests/ (a golden case must write
the field), `path#words` (the file holds the words) or the name of a gtest, `Suite.Case`.
"""
import pathlib
import re
import sys

STATUSES = ("supported", "reported", "not applicable")
HEADER = "| field | status | since | test | notes |"
# How the decoders ask for fields: a member of Fields, or a reader that is given one.
ASKS = re.compile(r'(?:\.(?:get|map|list|texts?|labels|boolean|integer|port|required_text)\(|read_\w+\(\w+, )"(\w+)"')
UNBUILT = re.compile(r"std::string_view, \d+> k(?:Unbuilt|Silent)\{([^}]*)\}")


class Row:
    def __init__(self, kind, line, cells):
        self.kind, self.line = kind, line
        field, self.status, self.since, test, _ = cells
        self.extra = field.startswith("annotation")  # ours, not the API's
        self.fields = expand(re.findall(r"`([^`]+)`", field))
        self.tests = re.findall(r"`([^`]+)`", test)

    def covers(self, field):
        if field in self.fields:
            return True
        return self.status != "supported" and any(field.startswith((f + ".", f + "[]")) for f in self.fields)


def expand(names):
    parent = names[0].rpartition(".")[0] if names else ""
    return [f"{parent}{name}" if name.startswith(".") else name for name in names]


def read_list(text):
    fields, kind = {}, None
    for line in text.splitlines():
        if match := re.fullmatch(r"\[([\w ]+)\]", line):
            kind = match[1]
        elif line and not line.startswith("#"):
            fields.setdefault(kind, []).append(line)
    return fields


def read_rows(text, kinds):
    """Rows of the kinds' tables, and findings about their form."""
    rows, findings, kind, inside = [], [], None, False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            kind = line[4:] if line.startswith("### ") and line[4:] in kinds else None
            inside = False
        elif kind and line.startswith("|"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if line == HEADER:
                inside = True
            elif not inside:
                findings.append((number, f"the table of {kind} begins with another line than `{HEADER}`"))
                kind = None
            elif len(cells) != 5:
                findings.append((number, f"{len(cells)} cells instead of 5; escape a bar as \\|"))
            elif set(line) - set("|-: "):
                rows.append(Row(kind, number, cells))
    return rows, findings


class Tests:
    def __init__(self, root):
        self.folder = root / "tests"
        self.cases = set()
        for path in self.folder.rglob("*.cpp"):
            text = path.read_text(errors="replace")
            self.cases |= {f"{a}.{b}" for a, b in re.findall(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)", text)}

    def problem(self, name):
        """What is wrong with the reference, or nothing."""
        path, _, words = name.partition("#")
        if "/" not in path:
            return None if name in self.cases else f"no gtest `{name}` below tests/"
        if not (self.folder / path).exists():
            return f"no tests/{path}"
        if words and words not in (self.folder / path).read_text(errors="replace"):
            return f"tests/{path} does not hold `{words}`"
        return None

    def written(self, name):
        """The text in which a golden case writes its fields; None for other tests."""
        if not name.startswith("golden/config/"):
            return None
        return "\n".join(p.read_text(errors="replace") for p in (self.folder / name / "in").resolve().rglob("*.yaml"))


def check_row(row, known, tests):
    if row.status not in STATUSES:
        return [f"`{row.status}` is no status; write one of {', '.join(STATUSES)}"]
    found = [] if re.fullmatch(r"\d+\.\d+\.\d+|-", row.since) else [f"`{row.since}` is no version"]
    if not row.extra:
        for field in row.fields:
            if not any(k == field or k.startswith((field + ".", field + "[]")) for k in known):
                found.append(f"{row.kind} has no field `{field}`; see tools/lint/*_fields.txt")
    problems = [p for p in map(tests.problem, row.tests) if p]
    if row.status == "supported" and not row.tests:
        problems.append(f"{row.fields[0] if row.fields else 'a field'} is supported and no test shows it")
    texts = [tests.written(name) for name in row.tests]
    if not problems and texts and None not in texts and not row.extra:
        for field in row.fields:
            key = re.split(r"[./]", field.replace("[]", ""))[-1]
            if not any(re.search(rf"\b{key}\b[\"']?:", text) for text in texts):
                problems.append(f"`{key}` is not written in {', '.join(row.tests)}")
    return found + problems


def asked_fields(root):
    """Names of fields that the decoders know, with the file that asks for each."""
    out = {}
    for path in sorted((root / "agent/config/translate").rglob("*.cpp")):
        text = path.read_text()
        names = ASKS.findall(text)
        for group in UNBUILT.findall(text):
            names += re.findall(r'"(\w+)"', group)
        for name in names:
            out.setdefault(name, path.name)
    return out


def main(arguments):
    root = pathlib.Path(arguments[1] if len(arguments) > 1 else ".")
    document = "docs/configuration.md"
    text = (root / document).read_text()
    lists = sorted((root / "tools/lint").glob("*_fields.txt"))
    known = {kind: fields for path in lists for kind, fields in read_list(path.read_text()).items()}
    tests = Tests(root)
    rows, findings = read_rows(text, known)
    for row in rows:
        findings += [(row.line, message) for message in check_row(row, known[row.kind], tests)]
    for kind, fields in known.items():
        for field in fields:
            if not any(row.kind == kind and row.covers(field) for row in rows):
                findings.append((0, f"{kind} `{field}` has no row"))
    section = text[text.find("## Supported fields"):].partition("\n## ")[0]
    documented = {word for span in re.findall(r"`([^`]+)`", section) for word in re.findall(r"\w+", span)}
    for name, file in sorted(asked_fields(root).items()):
        if name not in documented:
            findings.append((0, f"`{name}`, which {file} reads, stands in no table"))
    for number, message in sorted(findings):
        print(f"{document}:{number}: {message}")
    print(f"{sum(map(len, known.values()))} fields, {len(rows)} rows, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
