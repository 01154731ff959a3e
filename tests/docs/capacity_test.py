#!/usr/bin/env python3
"""scripts/capacity: docs/capacity.md shows what it prints, its arithmetic does what it must, and a wrong file is refused by name."""
import importlib.machinery
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM, TABLE = ROOT / "scripts/capacity", ROOT / "docs/capacity.toml"
loader = importlib.machinery.SourceFileLoader("capacity", str(PROGRAM))
capacity = importlib.util.module_from_spec(importlib.util.spec_from_loader("capacity", loader))
loader.exec_module(capacity)


def run(*arguments):
    done = subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def plan(**changed):
    table = capacity.read_table(TABLE)
    for key, value in changed.items():
        section = next(section for section in table.values() if key in section.entries)
        section.entries[key]["value"] = value
    return capacity.Plan(table["assumptions"], table["measured"], table["settings"])


class Arithmetic(unittest.TestCase):
    def test_twice_the_people_do_and_store_twice_as_much(self):
        one, two = vars(plan().whole), vars(plan(daily_users=100_000_000).whole)
        self.assertGreater(len(one), 10)
        for what, value in one.items():
            self.assertAlmostEqual(two[what] / value, 2, msg=what)

    def test_more_people_are_more_cells_of_the_same_size(self):
        one, two = plan(), plan(daily_users=100_000_000)
        self.assertLessEqual(abs(two.cells - 2 * one.cells), 1)
        for each in one, two:
            self.assertAlmostEqual(each.cell.connections * each.cells, each.whole.connections, delta=1)
            self.assertLessEqual(each.cell.connections, 1_000_000)

    def test_by_hand(self):
        found = plan(daily_users=864_000, sent_per_user=100, peak_factor=2, deliveries_per_message=3, connected_share=0.5, connection_life=432,
                     offline_share=0.25, text_bytes=60, log_overhead=40, compressed=0.5, replication=3, gateway_connections=18_000, zones=3, sent_days=10, sent_bytes=200,
                     rows_per_message=4, rows_per_delivery=3, old_ticket_share=0.25, resumes=10_000, resumes_token=5_000, deliveries=100_000,
                     session_idle_cpu=0.5, cpu_gateway=20, cluster_rate=200, cpu_message=40.7)
        self.assertEqual(found.cells, 1)
        self.assertAlmostEqual(found.cell.messages, 2_000)
        self.assertAlmostEqual(found.cell.deliveries, 6_000)
        self.assertAlmostEqual(found.cell.pushes, 1_500)
        self.assertAlmostEqual(found.cell.resumes, 1_000)
        self.assertAlmostEqual(found.cell.log_year, 86_400_000 * 365 * 100 * 0.5 * 3)
        self.assertAlmostEqual(found.cell.sent, 86_400_000 * 10 * 200 * 0.5 * 3)
        self.assertAlmostEqual(found.cell.cassandra_writes, 2_000 * 4 + 6_000 * 3)
        # A millisecond a message, 10 us for each of the other deliveries, connections that do nothing, a quarter of the resumes by token.
        self.assertAlmostEqual(found.busy["gateway"], 2 + 0.04 + 0.216 + 250 / 5_000 + 750 / 10_000)
        self.assertEqual(found.nodes["gateway"], 36)  # 432,000 connections are 24 gateways, and with a zone gone two thirds must do
        self.assertAlmostEqual(found.busy["message"], 2_000 * 0.407 / 200)

    def test_the_rest_bears_the_load_without_a_zone(self):
        for zones in 2, 3, 5:
            found = plan(zones=zones)
            left = found.nodes["gateway"] * (zones - 1) / zones
            self.assertGreaterEqual(left * 18_000, found.cell.connections)
            self.assertEqual(found.nodes["gateway"] % zones, 0)
            left = found.nodes["message"] * (zones - 1) / zones
            self.assertGreaterEqual(left * found.cores("message") * 0.5, found.busy["message"])

    def test_what_decides_decides(self):
        self.assertEqual(plan().decides["gateway"], "connections")
        larger = plan(gateway_connections=500_000)
        self.assertEqual(larger.decides["gateway"], "CPU")
        self.assertLess(larger.nodes["gateway"], plan().nodes["gateway"])
        self.assertGreater(plan(years_kept=3).nodes["cassandra"], 2 * plan().nodes["cassandra"])
        self.assertGreater(plan(cpu_message=81.4).nodes["message"], plan().nodes["message"])
        self.assertGreater(plan(redis_operations=10_000).primaries["redis"], plan().primaries["redis"])

    def test_slower_resumes_let_people_in_later(self):
        name = "gateways, all with resume tickets"
        self.assertAlmostEqual(plan(resumes=13_914 / 2).back()[name] * 2, plan().back()[name])
        self.assertAlmostEqual(plan().back(0.5)[name] * 2, plan().back()[name])


class Program(unittest.TestCase):
    def test_the_document_shows_what_it_prints(self):
        text = (ROOT / "docs/capacity.md").read_text()
        shown = text.partition(capacity.BEGIN)[2].partition(capacity.END)[0]
        self.assertEqual(run("--markdown"), (0, shown, ""), "run scripts/capacity --document docs/capacity.md")

    def test_it_replaces_the_tables_of_a_document_and_nothing_else(self):
        with tempfile.TemporaryDirectory() as folder:
            document = pathlib.Path(folder, "a.md")
            document.write_text("before\n" + capacity.BEGIN + "old\n" + capacity.END + "after\n")
            self.assertEqual(run("--document", document), (0, "", ""))
            self.assertEqual(document.read_text(), "before\n" + capacity.BEGIN + run("--markdown")[1] + capacity.END + "after\n")
            document.write_text("no marks\n")
            code, _, said = run("--document", document)
            self.assertEqual((code, said.count("\n"), document.read_text()), (1, 1, "no marks\n"))
            self.assertIn("<!-- capacity -->", said)

    def test_settings_are_what_the_code_has(self):
        settings = capacity.read_table(TABLE)["settings"]
        for key, file, pattern in [("gateway_connections", "src/net/edge.h", r"max_connections = ([\d']+)"),
                                   ("feed_days", "src/adapters/stream/kafka/settings.h", r"retention\{24 \* (\d+)\}"),
                                   ("token_life", "src/app/config.h", r"access_token_ms\{(\d+) \* 60 \* 1000\}"),
                                   ("redis_settle", "src/adapters/session_registry/redis/registry.h", r"settle\{([\d']+)\}")]:
            value = int(re.search(pattern, (ROOT / file).read_text())[1].replace("'", ""))
            value = {"token_life": value * 60, "redis_settle": value / 1_000}.get(key, value)
            self.assertEqual(value, getattr(settings, key), f"{file} and settings.{key}")

    def test_rows_are_such_as_the_benches_write(self):
        known = "".join(path.read_text() for path in (ROOT / "bench").rglob("*.py"))
        for key, entry in capacity.read_table(TABLE)["measured"].entries.items():
            for row in [entry.get("row", [])] if isinstance(entry.get("row"), str) else entry.get("row", []):
                # The cluster's are put together: cold_start_ and a part, durable_small_form_cpu_ and a process.
                self.assertTrue(f'"{row}"' in known or row.startswith(("cold_start_", "durable_small_form_cpu_")), f"{key}: {row}")

    def bench(self, text):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "bench.json")
            file.write_text(text if isinstance(text, str) else json.dumps(text))
            return run("--bench", file)

    def test_rows_of_a_bench_take_the_place_of_figures(self):
        code, out, _ = self.bench([{"name": "resumes", "value": 27_828, "unit": "/s"}, {"name": "other", "value": 1, "unit": "B"}])
        self.assertEqual(code, 0)
        self.assertIn("measured.resumes = 27,828 /s from bench.json: resumes, instead of 13,914", out)
        line = next(line for line in out.splitlines() if "with resume tickets" in line)
        self.assertIn("2.34 million", line)  # 84 gateways of one core

    def test_two_processes_are_added_up(self):
        rows = [{"name": f"durable_small_form_cpu_message_{n}", "value": 50.0, "unit": "%"} for n in (1, 2)]
        self.assertIn("measured.cpu_message = 100 %", self.bench(rows)[1])
        self.assertRegex(self.bench(rows[:1])[2], "has no row durable_small_form_cpu_message_2 in %, for measured.cpu_message")

    def test_wrong_benches_are_refused(self):
        for text, saying in [("{", "is no list of rows"), ([1], "is no list of rows"), ([{"name": "resumes"}], "is no list of rows"),
                             ([{"name": "resumes", "value": "x", "unit": "/s"}], "is no list of rows"), ([], "has none of the rows"),
                             ([{"name": "resumes", "value": 5, "unit": "ms"}], "has no row resumes in /s"),
                             ([{"name": "resumes", "value": 0, "unit": "/s"}], "row resumes is 0.0 and must be"),
                             ('[{"name": "resumes", "value": NaN, "unit": "/s"}]', "row resumes is nan and must be")]:
            with self.subTest(text=text):
                code, out, said = self.bench(text)
                self.assertEqual((code, out, said.count("\n")), (1, "", 1), said)
                self.assertIn(saying, said)
        self.assertIn("cannot be read: No such file", run("--bench", "/no/such")[2])

    def test_wrong_tables_are_refused_in_one_sentence_that_names_the_key(self):
        line = re.search(r"^zones = .*$", TABLE.read_text(), re.M)[0]
        for new, saying in [
                ("", "assumptions.zones is missing"),
                (line + '\nextra = { value = 1, unit = "x", why = "y" }', "assumptions.extra is a key that nothing is computed from"),
                ("zones = 3", "assumptions.zones must be a table"),
                ('zones = { unit = "zones", why = "x" }', "assumptions.zones has no value"),
                ('zones = { value = 3, unit = "zones" }', "assumptions.zones has no why"),
                ('zones = { value = 3, unit = "zones", why = "x", wy = "x" }', "assumptions.zones has wy"),
                ('zones = { value = 3, unit = 3, why = "x" }', "assumptions.zones: unit must be a text"),
                ('zones = { value = 1, unit = "zones", why = "x" }', "assumptions.zones is 1 and must be a whole number of 2"),
                ('zones = { value = 2.5, unit = "zones", why = "x" }', "assumptions.zones is 2.5 and must be a whole number"),
                ('zones = { value = "3", unit = "zones", why = "x" }', "assumptions.zones is '3' and must be a number"),
                ('zones = { value = true, unit = "zones", why = "x" }', "assumptions.zones is True and must be a number"),
                ('zones = { value = nan, unit = "zones", why = "x" }', "assumptions.zones is nan and must be a number"),
                ('zones = { value = -3, unit = "zones", why = "x" }', "assumptions.zones is -3 and must be a number"),
                ('zones = { value = 1.5, unit = "share", why = "x" }', "assumptions.zones is 1.5 and must be a number from 0 to 1"),
                (line + "\n[other]\n", "[other] is none of"), ("zones = {", "is not to be read as TOML")]:
            with self.subTest(new=new), tempfile.TemporaryDirectory() as folder:
                file = pathlib.Path(folder, "mine.toml")
                file.write_text(TABLE.read_text().replace(line, new))
                code, out, said = run("--table", file)
                self.assertEqual((code, out, said.count("\n")), (1, "", 1), said)
                self.assertTrue(said.startswith(f"capacity: {file}: ") and saying in said, said)

    def test_the_least_and_the_most_are_computed(self):
        for changed in ("daily_users", 1), ("daily_users", 1e18), ("media_share", 0), ("offline_share", 0), ("connected_share", 0.0001):
            with self.subTest(changed=changed), tempfile.TemporaryDirectory() as folder:
                file = pathlib.Path(folder, "mine.toml")
                file.write_text(re.sub(rf"^{changed[0]} = {{ value = [\d_.]+", f"{changed[0]} = {{ value = {changed[1]}", TABLE.read_text(), flags=re.M))
                code, out, said = run("--table", file)
                self.assertEqual((code, said), (0, ""))
                self.assertNotRegex(out, r"\b(nan|inf)\b")


if __name__ == "__main__":
    unittest.main()
