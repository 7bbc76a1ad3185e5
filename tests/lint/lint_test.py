#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lint finds what it is there to find: each rule against a small tree that breaks it."""
import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/lint"))
import check_fields
import check_format
import check_sources
import check_tidy
import rules

LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"
FORMAT = "BasedOnStyle: Google\n"


class Tree(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="sluice-lint-")
        self.addCleanup(directory.cleanup)
        self.root = os.path.realpath(directory.name)

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        return full

    def run_main(self, module, *arguments):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = module.main(["program", *arguments])
        return code, output.getvalue()

    def sources(self, path, text):
        self.write(path, text)
        return self.run_main(check_sources, self.root)


class Includes(Tree):
    def expect(self, path, include, message):
        code, output = self.sources(path, LICENCE + f"#include {include}\n")
        os.unlink(os.path.join(self.root, path))  # the next one starts from nothing
        self.assertIn(message, output)
        self.assertEqual(code, 1 if message != "0 findings" else 0, output)

    def test_direction(self):
        self.expect("agent/base/a.cpp", '"agent/net/reactor.hpp"', "agent/base/a.cpp:2: ")
        self.expect("agent/base/a.cpp", '"agent/net/reactor.hpp"', "agent/base may only include from itself")

    def test_allowed(self):
        self.expect("agent/net/a.cpp", '"agent/base/error.hpp"', "0 findings")
        self.expect("agent/config/translate/a.cpp", '"agent/config/manifest/node.hpp"', "0 findings")

    def test_kernel_side_sees_no_agent(self):
        self.expect("bpf/lib/a.h", '"agent/base/error.hpp"', "bpf/lib may only include from bpf/abi")
        self.expect("agent/net/a.cpp", '"bpf/lib/parse.h"', "agent/net may only include from agent/base")

    def test_nothing_includes_app_or_tests(self):
        for folder in rules.MAY_INCLUDE:
            self.assertTrue(folder == "agent" or "agent/app" not in rules.MAY_INCLUDE[folder], folder)
        self.expect("agent/net/a.cpp", '"tests/support/a.hpp"', "only tests may include from tests/")

    def test_interface_only(self):
        self.expect("agent/steer/a.cpp", '"agent/proxy/steering.hpp"', "0 findings")
        self.expect("agent/steer/a.cpp", '"agent/proxy/worker.hpp"', "of agent/proxy, agent/steer may only include")
        self.expect("cli/a.cpp", '"agent/control/service.hpp"', "of agent/control, cli may only include")

    def test_library_has_one_home(self):
        self.expect("agent/routing/regex.cpp", "<re2/re2.h>", "0 findings")
        self.expect("agent/proxy/a.cpp", "<re2/re2.h>", "only agent/routing may include it")
        self.expect("agent/net/tls/a.cpp", "<openssl/ssl.h>", "0 findings")
        self.expect("agent/http/a.cpp", "<openssl/ssl.h>", "only agent/net may include it")

    def test_unknown_library_folder_and_relative_path(self):
        self.expect("agent/net/a.cpp", "<boost/asio.hpp>", "unknown library")
        self.expect("agent/new/a.cpp", '"agent/base/error.hpp"', "agent/new is a new folder")
        self.expect("agent/net/a.cpp", '"reactor.hpp"', "write the path from the project root")

    def test_table_has_no_cycle(self):
        done = set()

        def visit(folder, path):
            self.assertNotIn(folder, path, " -> ".join([*path, folder]))
            if folder not in done:
                for target in rules.MAY_INCLUDE[folder]:
                    visit(target, [*path, folder])
                done.add(folder)

        for folder in rules.MAY_INCLUDE:
            visit(folder, [])


class Text(Tree):
    def test_licence(self):
        self.assertIn("a.cpp:1: no SPDX", self.sources("agent/net/a.cpp", "int a;\n")[1])
        self.assertIn("tool:1: no SPDX", self.sources("tools/tool", "#!/bin/sh\n")[1])

    def test_unfinished_work_and_machine_paths(self):
        self.assertIn("unfinished work", self.sources("cli/a.cpp", LICENCE + "// TO" "DO: later\n")[1])
        self.assertIn("path of one machine", self.sources("docs/a.md", "see /ro" "ot/build/x\n")[1])
        self.assertIn("package host", self.sources("docs/a.md", "from py" "pi.org\n")[1])

    def test_lengths(self):
        self.assertIn("limit is 500", self.sources("cli/a.cpp", LICENCE + "//\n" * 500)[1])
        self.assertIn("a.cpp:2: 121 columns", self.sources("cli/a.cpp", LICENCE + "/" * 121 + "\n")[1])

    def test_blanks_and_last_newline(self):
        self.assertIn("blanks at the end", self.sources("cli/a.cpp", LICENCE + "int a; \n")[1])
        self.assertIn("no newline", self.sources("cli/b.cpp", LICENCE + "int a;")[1])

    def test_data_and_binaries_are_left_alone(self):
        self.write("tests/golden/config/x/a.cpp", "int a;")
        with open(self.write("tests/fuzz/corpus/y/a", ""), "wb") as file:
            file.write(b"\0\xff")
        code, output = self.run_main(check_sources, self.root)
        self.assertEqual(code, 0, output)


class Tools(Tree):
    def test_format(self):
        self.write(".clang-format", FORMAT)
        self.write("agent/net/a.cpp", LICENCE + "int   a;\n")
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(self.run_main(check_format, self.root)[0], 1)
            self.assertEqual(self.run_main(check_format, "--fix", self.root)[0], 0)
            self.assertEqual(self.run_main(check_format, self.root)[0], 0)

    def test_tidy_finds_caches_and_notices_a_changed_header(self):
        build = os.path.join(self.root, "build")
        self.write(".clang-tidy", "Checks: '-*,modernize-use-nullptr'\nWarningsAsErrors: '*'\n"
                                  "HeaderFilterRegex: '/agent/'\n")
        header = self.write("agent/net/a.hpp", LICENCE + "inline int* a() { return nullptr; }\n")
        source = self.write("agent/net/a.cpp", LICENCE + '#include "agent/net/a.hpp"\nint b() { return *a(); }\n')
        self.write("build/compile_commands.json", json.dumps([
            {"directory": build, "file": source, "command": f"c++ -std=c++20 -I{self.root} -c {source}"}]))
        self.assertIn("1 files, 1 looked at, 0 with", self.run_main(check_tidy, build, self.root)[1])
        self.assertIn("1 files, 0 looked at, 0 with", self.run_main(check_tidy, build, self.root)[1])
        with open(header, "w", encoding="utf-8") as file:
            file.write(LICENCE + "inline int* a() { return 0; }\n")
        for _ in range(2):  # a finding is not cached away
            code, output = self.run_main(check_tidy, build, self.root)
            self.assertEqual(code, 1)
            self.assertIn("agent/net/a.hpp:2:", output)
        self.write("agent/net/new.cpp", LICENCE)
        self.assertIn("new.cpp:1: no target", self.run_main(check_tidy, build, self.root)[1])
        self.write("agent/net/CMakeLists.txt", "if(SANITIZER)\n  add(new.cpp)\nendif()\n")
        self.assertNotIn("new.cpp", self.run_main(check_tidy, build, self.root)[1])

    def test_tidy_looks_at_files_together_that_use_the_same_names(self):
        build = os.path.join(self.root, "build")
        self.write(".clang-tidy", "Checks: '-*,modernize-use-nullptr'\nWarningsAsErrors: '*'\n")
        texts = {"clean": "static int* same() { return nullptr; }\nint* clean() { return same(); }\n",
                 "bad": "static int* same() { return 0; }\nint* bad() { return same(); }\n",
                 "other": "int* other() { return nullptr; }\n"}
        sources = [self.write(f"agent/net/{name}.cpp", LICENCE + text) for name, text in texts.items()]
        self.write("build/compile_commands.json", json.dumps([
            {"directory": build, "file": source, "command": f"c++ -std=c++20 -o {source}.o -c {source}"}
            for source in sources]))
        for looked_at in (3, 1):
            code, output = self.run_main(check_tidy, build, self.root)
            self.assertEqual(code, 1)
            self.assertIn(f"3 files, {looked_at} looked at, 1 with", output)
            self.assertIn("agent/net/bad.cpp:2:", output)
            self.assertNotIn("unit.cpp", output)

    def test_tidy_notices_a_changed_configuration(self):
        self.write(".clang-tidy", "Checks: '-*,misc-static-assert'\n")
        before = check_tidy.configuration(self.root)
        self.write(".clang-tidy", "Checks: '-*,bugprone-*'\n")
        self.assertNotEqual(before, check_tidy.configuration(self.root))


class Fields(Tree):
    """The table of fields in docs/configuration.md."""

    HEAD = "## Supported fields\n### Gateway\n" + check_fields.HEADER + "\n|---|---|---|---|---|\n"

    def setUp(self):
        super().setUp()
        self.write("tools/lint/istio_fields.txt", "[Gateway]\nselector\nservers[].tls.mode\nservers[].tls.caCrl\n")
        self.write("tests/golden/config/selectors/in/a.yaml", "spec:\n  selector:\n    a: b\n")
        self.write("tests/unit/config/a_test.cpp", "TEST(Gateway, Selects) {}\n")
        self.write("agent/config/translate/gateway.cpp", 'spec.map("selector");\n')

    def findings(self, *rows):
        self.write("docs/configuration.md", self.HEAD + "\n".join(rows) + "\n## Next\n")
        return self.run_main(check_fields, self.root)[1]

    def row(self, field="`selector`", status="supported", test="`golden/config/selectors`"):
        return f"| {field} | {status} | 0.1.0 | {test} | |"

    def test_complete_table(self):
        reported = self.row("`servers[].tls`", "reported", "")
        self.assertIn(" 0 findings", self.findings(self.row(), reported))
        self.assertIn(" 0 findings", self.findings(self.row(test="`Gateway.Selects`"), reported))
        self.assertIn(" 0 findings", self.findings(
            self.row(), self.row("`servers[].tls.mode`, `.caCrl`", "not applicable", "")))

    def test_missing_row(self):
        self.assertIn("Gateway `servers[].tls.mode` has no row", self.findings(self.row()))
        # A supported field answers for itself alone.
        self.assertIn("Gateway `servers[].tls.mode` has no row", self.findings(
            self.row(), self.row("`servers[].tls`", "supported")))

    def test_supported_without_a_test_that_shows_it(self):
        self.assertIn("no test shows it", self.findings(self.row(test="")))
        self.assertIn("no tests/golden/config/gone", self.findings(self.row(test="`golden/config/gone`")))
        self.assertIn("no gtest `Gateway.Gone`", self.findings(self.row(test="`Gateway.Gone`")))
        self.assertIn("`mode` is not written in", self.findings(self.row("`servers[].tls.mode`")))
        self.assertIn("does not hold `c: d`", self.findings(
            self.row(test="`golden/config/selectors/in/a.yaml#c: d`")))

    def test_unknown_words(self):
        self.assertIn("Gateway has no field `selectors`", self.findings(self.row("`selectors`", "reported", "")))
        self.assertIn("`perhaps` is no status", self.findings(self.row(status="perhaps")))
        self.assertIn("4 cells instead of 5", self.findings("| `selector` | supported | 0.1.0 | |"))

    def test_decoder_knows_more(self):
        self.write("agent/config/translate/gateway.cpp", 'read_duration(spec, "newest");\n')
        self.assertIn("`newest`, which gateway.cpp reads, stands in no table", self.findings(self.row()))


if __name__ == "__main__":
    unittest.main()
