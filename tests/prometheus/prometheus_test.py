#!/usr/bin/env python3
"""A real Prometheus, with the files of deploy/, looks at a running server, and at a process of each service beside it.

usage: prometheus_test.py --parleyd PATH
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE.parent / "fault" / "support")]
from processes import LIMITS, free_port, wait_until  # noqa: E402
from split import SplitServer  # noqa: E402

PATIENCE = 120
MESSAGES = 25
PROMETHEUS = ROOT / "deploy/prometheus"


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command[:3]))} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


def documented():
    return set(re.findall(r"^\| `((?:parley|process)_\w+)` \| \w+ \|", (ROOT / "docs/metrics.md").read_text(), re.M))


def names_in(expression):
    """The metrics that an expression names; those of a regular expression too."""
    found = set(re.findall(r"\b(?:parley|process)_\w+", re.sub(r'"[^"]*"', "", expression)))
    for pattern in re.findall(r'__name__=~"([^"]*)"', expression):
        matching = {name for name in documented() if re.fullmatch(pattern, name)}
        assert matching, f"no metric has a name like {pattern}"
        found |= matching
    return {re.sub(r"_(bucket|sum|count)$", "", name) if name.endswith(("_bucket", "_sum", "_count")) else name for name in found}


def check_files():
    """What can be said of the files of deploy/ without a server. Returns the dashboard's expressions."""
    run("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    run("promtool", "test", "rules", HERE / "alerts_test.yml")
    rules = (PROMETHEUS / "alerts.yml").read_text()
    tested = re.findall(r"^  - name: (\w+)$", (HERE / "alerts_test.yml").read_text(), re.M)
    blocks = re.split(r"^      - alert: ", rules, flags=re.M)[1:]
    for block in blocks:
        name = block.split("\n", 1)[0]
        assert name in tested, f"{name} has no unit test in alerts_test.yml"
        for needed in "summary", "description", "action":
            assert re.search(rf'^          {needed}: ".+"$', block, re.M), f"{name} has no {needed}"
        assert re.search(r"severity: (page|ticket)\b", block), f"{name} has no severity"
        unknown = names_in(re.search(r"expr:(.*?)(?:^        for:|^        labels:)", block, re.S | re.M)[1]) - documented()
        assert not unknown, f"{name} is about metrics that docs/metrics.md lacks: {unknown}"
    dashboard = json.loads((ROOT / "deploy/grafana/parley.json").read_text())
    panels = dashboard["panels"]
    rows = [panel["title"] for panel in panels if panel["type"] == "row"]
    assert {"Messages", "Delivery", "Owners", "Stores", "Edges"} <= set(rows), rows
    assert len({panel["id"] for panel in panels}) == len(panels), "panels share an id"
    cells = [(x, y) for panel in panels for at in [panel["gridPos"]] for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]
    assert len(set(cells)) == len(cells), "panels overlap"
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    assert len(expressions) > 40
    used = set().union(*map(names_in, expressions))
    assert not used - documented(), f"the dashboard is about metrics that docs/metrics.md lacks: {used - documented()}"
    print(f"{len(blocks)} rules, {len(expressions)} expressions over {len(used)} metrics")
    return expressions


class Parley:
    """parleyd on free ports."""

    def __init__(self, program, folder):
        self.log = open(folder / "parleyd.log", "w+")
        self.admin = f"127.0.0.1:{free_port('admin')}"
        self.process = subprocess.Popen(
            [program, "--data", folder / "data", "--listen", "127.0.0.1:0", "--server-admin", self.admin],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env={**os.environ, **LIMITS})
        for line in self.process.stdout:
            if line.startswith("listening on "):
                self.url = "http://" + line.split()[-1]
                return
        self.log.seek(0)
        raise AssertionError("parleyd did not start: " + self.log.read())

    def call(self, target, body, token=""):
        request = urllib.request.Request(self.url + target, json.dumps(body).encode(), {"Authorization": f"Bearer {token}"} if token else {})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def talk(self):
        """Two people, and messages from the one to the other, who is nowhere."""
        ann, bob = (self.call("/v1/signup", {"name": name, "password": "a long enough one"}) for name in ("ann", "bob"))
        low, high = sorted((int(ann["user_id"]), int(bob["user_id"])))
        for i in range(MESSAGES):
            self.call("/v1/messages", {"conversation_id": f"d:{low}:{high}", "client_message_id": str(i), "body": {"text": "secret words"}},
                      ann["access_token"])

    def stop(self):
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0
        self.process.stdout.close()


class Prometheus:
    """With the configuration of deploy/, but for whom it asks and how often."""

    def __init__(self, folder, targets):
        text = (PROMETHEUS / "prometheus.yml").read_text()
        changed = text.replace("- 127.0.0.1:7071", "".join(f"- {target}\n          " for target in targets).rstrip()).replace(": 15s", ": 1s")
        assert changed.count(": 1s") == 2 and changed != text
        (folder / "prometheus.yml").write_text(changed)
        (folder / "alerts.yml").write_text((PROMETHEUS / "alerts.yml").read_text())
        self.url = f"http://127.0.0.1:{free_port('prometheus')}"
        self.log = open(folder / "prometheus.log", "w+")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb", "--log.level=warn",
             f"--web.listen-address={self.url.removeprefix('http://')}"], stdout=self.log, stderr=self.log)
        wait_until(self.ready, "Prometheus being ready", PATIENCE)

    def ready(self):
        assert self.process.poll() is None, "Prometheus ended: " + (self.log.seek(0) and "" or self.log.read())
        try:
            return urllib.request.urlopen(self.url + "/-/ready", timeout=5).status == 200
        except OSError:
            return False

    def ask(self, path, **query):
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=PATIENCE) as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {query}: {error.read().decode()}") from None
        assert told["status"] == "success" and not told.get("warnings"), told
        return told["data"]

    def value(self, expression):
        """Of an expression with one value; None: it has none."""
        found = self.ask("query", query=expression)["result"]
        assert len(found) <= 1, f"{expression} has {len(found)} values"
        return float(found[0]["value"][1]) if found else None

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


def check_scrapes(prometheus, targets):
    """Every process is scraped, without an error, and nothing of what it says is dropped."""
    wait_until(lambda: prometheus.value("sum(up)") == targets, f"{targets} processes being scraped", PATIENCE)
    wait_until(lambda: all(target["health"] == "up" and not target["lastError"] for target in prometheus.ask("targets")["activeTargets"]),
               "every process being scraped without an error", PATIENCE)
    assert prometheus.value("sum(scrape_samples_scraped) - sum(scrape_samples_post_metric_relabeling)") == 0
    own = urllib.request.urlopen(prometheus.url + "/metrics", timeout=PATIENCE).read().decode()
    for reason in "duplicate_timestamp", "out_of_order", "out_of_bounds":
        assert f"prometheus_target_scrapes_sample_{reason}_total 0" in own, reason


def check_rules(prometheus):
    """Each is evaluated, and none has anything to say of servers that are well."""
    def rules():
        return [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]

    wait_until(lambda: rules() and all(not rule["lastEvaluation"].startswith("0001") for rule in rules()), "every rule being evaluated", PATIENCE)
    for rule in rules():
        assert rule["health"] == "ok", rule
        assert rule["state"] != "firing", f"{rule['name']} fires over servers that are well: {rule['alerts']}"
    # A first look may have come before a server did.
    wait_until(lambda: all(rule["state"] == "inactive" for rule in rules()), "every rule being silent", PATIENCE)


def check_counts(prometheus):
    counts = {
        "sum(parley_messages_stored_total)": MESSAGES,
        "sum(parley_gateway_sends_total)": MESSAGES,
        "sum(parley_gateway_send_seconds_count)": MESSAGES,
        'sum(parley_gateway_send_seconds_bucket{le="+Inf"})': MESSAGES,
        "sum(parley_gateway_sends_open)": 0,
        'sum(parley_commits_refused_total{code="storage_full"})': 0,
        "min(parley_ready)": 1,
    }
    for expression, wanted in counts.items():
        wait_until(lambda e=expression, w=wanted: prometheus.value(e) == w, f"{expression} being {wanted}", PATIENCE)
    assert prometheus.value('sum(parley_store_seconds_count{operation="commit"})') >= 1
    assert prometheus.value('sum(parley_store_seconds_sum{operation="commit"})') > 0
    assert prometheus.value('sum(parley_store_seconds_count{operation="accounts_write"})') >= 2


def check_dashboard(prometheus, expressions):
    for expression in expressions:
        asked = expression.replace("$__rate_interval", "1m").replace("$instance", ".*")
        assert "$" not in asked, f"a variable that nobody fills: {expression}"
        prometheus.ask("query", query=asked)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--parleyd", required=True)
    arguments = parser.parse_args()
    expressions = check_files()
    with tempfile.TemporaryDirectory(prefix="parley-prometheus-") as name:
        folder = pathlib.Path(name)
        (folder / "split").mkdir()
        with contextlib.ExitStack() as at_end:
            parley = Parley(arguments.parleyd, folder)
            at_end.callback(parley.stop)
            split = at_end.enter_context(SplitServer(pathlib.Path(arguments.parleyd).parent, folder / "split/data", os.getpid()))
            targets = [parley.admin, *(f"127.0.0.1:{port}" for port in split.admin.values())]
            prometheus = Prometheus(folder, targets)
            at_end.callback(prometheus.stop)
            parley.talk()
            text = urllib.request.urlopen(f"http://{parley.admin}/metrics", timeout=PATIENCE).read().decode()
            run("promtool", "check", "metrics", input=text)
            assert "secret words" not in text
            check_counts(prometheus)
            check_scrapes(prometheus, len(targets))
            check_rules(prometheus)
            check_dashboard(prometheus, expressions)
        parley.log.seek(0)
        assert "secret words" not in parley.log.read(), "the log has what people wrote"
    print("scraped, counted, judged by each rule, and asked by each expression of the dashboard")


main()
