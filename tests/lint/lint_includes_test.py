#!/usr/bin/env python3
"""scripts/lint_includes refuses a tree with one violation of each kind, and lets its repaired twin pass."""
import pathlib, subprocess, sys, tempfile, unittest

LINT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "lint_includes"


def lint(files, readme=True):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = pathlib.Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            if readme:
                path.with_name("README.md").touch()
        run = subprocess.run([sys.executable, LINT, root], capture_output=True, text=True)
        return run.returncode, run.stdout


def include(*targets):
    return "".join(f'#include "{t}"\n' for t in targets)


class LintIncludes(unittest.TestCase):
    def refused(self, file, text, saying):
        code, out = lint({file: text})
        self.assertEqual(code, 1, f"{file} was let through: {text}")
        self.assertIn(saying, out)
        self.assertEqual(len(out.splitlines()), 1, out)

    def passes(self, file, text):
        code, out = lint({file: text})
        self.assertEqual(code, 0, out)

    def test_every_direction_against_the_design_is_refused(self):
        for file, target in [
            ("src/base/x.h", "domain/x.h"),
            ("src/domain/x.h", "ports/x.h"),
            ("src/domain/x.h", "client.pb.h"),
            ("src/wire/x.h", "net/x.h"),
            ("src/ports/x.h", "api/x.h"),
            ("src/api/x.h", "ports/x.h"),
            ("src/net/x.h", "domain/x.h"),
            ("src/adapters/log/rocksdb/x.h", "services/message/x.h"),
            ("src/adapters/log/rocksdb/x.h", "adapters/log/memory/x.h"),
            ("src/rpc/x.h", "services/message/x.h"),
            ("src/services/message/x.h", "services/gateway/x.h"),
            ("src/services/message/x.h", "wire/x.h"),
            ("src/services/message/x.h", "adapters/log/memory/x.h"),
            ("src/services/gateway/x.h", "app/x.h"),
            ("src/wire/x.h", "app/x.h"),
            ("tools/load/x.cc", "base/result.h"),
            ("tools/cli/x.cc", "domain/x.h"),
            ("tests/integration/x_test.cc", "services/message/x.h"),
            ("src/app/x.cc", "tests/support/x.h"),
        ]:
            with self.subTest(file=file, target=target):
                self.refused(file, include(target), f"{file}:1: ")

    def test_the_design_s_directions_pass(self):
        for file, targets in [
            ("src/domain/x.h", ["base/result.h", "domain/y.h"]),
            ("src/wire/x.cc", ["base/result.h", "domain/x.h", "client.pb.h"]),
            ("src/adapters/log/rocksdb/x.cc", ["ports/x.h", "domain/x.h", "base/x.h", "adapters/shared/x.h"]),
            ("src/services/message/x.cc", ["services/message/y.h", "api/x.h", "net/x.h", "ports/x.h"]),
            ("src/services/gateway/x.cc", ["wire/x.h", "api/x.h"]),
            ("src/app/x.cc", ["services/gateway/x.h", "adapters/log/rocksdb/x.h", "rpc/x.h"]),
            ("tools/load/x.cc", ["client.pb.h", "histogram.h"]),
            ("tests/integration/x_test.cc", ["tests/support/x.h", "client.pb.h"]),
        ]:
            with self.subTest(file=file):
                self.passes(file, include(*targets))

    def test_a_unit_test_may_use_the_memory_adapters_and_the_tests_support_and_no_other_file_may(self):
        allowed = include("adapters/log/memory/x.h", "tests/support/x.h")
        self.passes("src/services/message/x_test.cc", allowed)
        self.refused("src/services/message/x.cc", include("tests/support/x.h"), "must not include tests/support")
        self.refused("src/services/message/x_test.cc", include("adapters/log/rocksdb/x.h"), "must not include")

    def test_a_folder_without_a_rule_is_refused(self):
        self.refused("src/utils/x.h", "", "no rule says")

    def test_a_port_includes_awaitable_alone(self):
        self.refused("src/ports/x.h", "#include <boost/asio.hpp>\n", "not all of Asio")
        self.refused("src/api/x.h", "#include <boost/asio.hpp>\n", "not all of Asio")
        self.passes("src/ports/x.h", "#include <boost/asio/awaitable.hpp>\n")

    def test_detached_is_for_base_alone(self):
        spawn = "void f() { co_spawn(loop, g(), asio::detached); }\n"
        self.refused("src/net/x.cc", spawn, "Gate")
        self.passes("src/base/x.cc", spawn)

    def test_a_file_of_more_than_600_lines_is_refused(self):
        self.refused("src/net/x.cc", "\n" * 601, "split it")
        self.refused("tools/cli/x.cc", "\n" * 601, "split it")
        self.passes("src/net/x.cc", "\n" * 600)

    def test_a_folder_of_src_without_readme_is_refused(self):
        code, out = lint({"src/net/x.cc": ""}, readme=False)
        self.assertEqual(code, 1)
        self.assertIn("has no README.md", out)



if __name__ == "__main__":
    unittest.main()
