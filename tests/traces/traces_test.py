#!/usr/bin/env python3
"""A process of each service and two gateways trace every message to a small OTLP collector: each message is one trace, with
the spans that docs/traces.md says and their parents, and no word of what people write. Then the collector goes away, and
nothing but spans is lost.

usage: traces_test.py --programs FOLDER
"""

import argparse
import http.server
import json
import os
import pathlib
import re
import sys
import threading
import urllib.request
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "fault" / "support"))
from processes import Folder, wait_until  # noqa: E402
from split import SplitServer  # noqa: E402
from websocket import WebSocket, conversation, send_frame  # noqa: E402

PATIENCE = 120
SECRET = "what only the two of us know"
# Each stage: its parent, and whose it is.
GROUP = {"gateway": (None, "parley-gateway"), "owner": ("gateway", "parley-message"), "commit": ("owner", "parley-message"),
         "feed": ("commit", "parley-group"), "fan_out": ("feed", "parley-group"), "delivery": ("fan_out", "parley-gateway")}
DIRECT = {stage: row for stage, row in GROUP.items() if stage != "feed"} | {"fan_out": ("commit", "parley-message")}


class Collector:
    """Takes what OTLP's specification says, and refuses the rest."""

    def __init__(self):
        self.spans, self.texts, self.faults = [], [], []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(handler):  # noqa: N802, N805
                text = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
                if handler.path != "/v1/traces" or handler.headers["Content-Type"] != "application/json":
                    self.faults.append(f"POST {handler.path} {handler.headers['Content-Type']}")
                self.texts.append(text)
                for resource in json.loads(text)["resourceSpans"]:
                    of = {a["key"]: a["value"]["stringValue"] for a in resource["resource"]["attributes"]}
                    for scope in resource["scopeSpans"]:
                        self.spans += [span | {"service": of["service.name"]} for span in scope["spans"]]
                handler.send_response(200)
                handler.send_header("Content-Type", "application/json")
                handler.send_header("Content-Length", "2")
                handler.end_headers()
                handler.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def trace(self, key):
        wanted = uuid.UUID(key).hex
        return [span for span in self.spans if span["traceId"] == wanted]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def check_trace(collector, key, stages, conversation_id):
    """The trace of one message: every stage once, but for deliveries, of which there is one at each gateway's loop."""
    def whole():
        spans = collector.trace(key)
        return spans if {span["name"] for span in spans} >= stages.keys() else None

    spans = wait_until(whole, f"the trace {key} with {sorted(stages)}", PATIENCE)
    ids = {span["name"]: span["spanId"] for span in spans if span["name"] != "delivery"}
    assert len({span["spanId"] for span in spans}) == len(spans), f"spans share an id: {spans}"
    for span in spans:
        parent, service = stages[span["name"]]
        assert span.get("parentSpanId") == (ids[parent] if parent else None), f"{span['name']}: {span}"
        assert span["service"] == service, f"{span['name']} is of {span['service']}"
        assert re.fullmatch(r"[0-9a-f]{16}", span["spanId"]), span
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]), span
        assert span.get("status", {}).get("code", 0) == 0, span
        attributes = {a["key"]: a["value"]["stringValue"] for a in span["attributes"]}
        assert attributes["parley.conversation"] == conversation_id and int(attributes["parley.seq"]) >= 1, attributes
    one = {span["name"]: span for span in spans}
    assert int(one["gateway"]["startTimeUnixNano"]) <= int(one["owner"]["startTimeUnixNano"]) <= int(one["commit"]["startTimeUnixNano"])
    assert int(one["commit"]["endTimeUnixNano"]) <= int(one["gateway"]["endTimeUnixNano"])


def counts(server, outcome):
    total = 0
    for name in server.processes:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.admin[name]}/metrics", timeout=PATIENCE) as answer:
            found = re.search(rf'^parley_trace_spans_total{{outcome="{outcome}"}} (\d+)$', answer.read().decode(), re.M)
        total += int(found[1])
    return total


def call(server, target, body, token=""):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"http://127.0.0.1:{server.clients['gateway 1']}{target}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def talk(ann, bob, where, key):
    """Ann sends, Bob gets it."""
    answer = ann.call(send=send_frame(where, key, SECRET))
    assert "result" in answer, answer
    # Others may come before it: that the group was made, and what nobody has confirmed, once more.
    while (entry := bob.until("entry")["entry"]).get("client_message_id") != key:
        pass
    assert entry["conversation_id"] == where and entry["body"]["text"] == SECRET, entry


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    collector = Collector()
    with Folder() as folder:
        server = SplitServer(arguments.programs, folder / "data", os.getpid())
        server.environment |= {"PARLEY_TRACES_ENDPOINT": collector.endpoint, "PARLEY_TRACES_SAMPLE_PER_MILLION": "1000000",
                               "PARLEY_LOG_LEVEL": "debug"}
        with server:
            ann, bob = (call(server, "/v1/signup", {"name": name, "password": "a long enough one"}) for name in ("ann", "bob"))
            group = call(server, "/v1/groups", {"request_id": str(uuid.uuid4()), "title": "Two", "members": [bob["user_id"]]},
                         ann["access_token"])["conversation_id"]
            direct = conversation(ann, bob)
            with WebSocket(server.clients["gateway 1"]) as a, WebSocket(server.clients["gateway 2"]) as b:
                a.hello(ann)
                b.hello(bob)
                for where, stages in (direct, DIRECT), (group, GROUP):
                    key = str(uuid.uuid4())
                    talk(a, b, where, key)
                    check_trace(collector, key, stages, where)
                assert not collector.faults, collector.faults
                # The collector has a span a little before its answer has been read and counted.
                wait_until(lambda: counts(server, "exported") >= len(DIRECT) + len(GROUP), "the spans being counted", PATIENCE)
                assert counts(server, "failed") == counts(server, "dropped") == 0

                collector.close()
                for _ in range(20):
                    talk(a, b, group, str(uuid.uuid4()))
                wait_until(lambda: counts(server, "failed") >= 20, "spans without a collector being counted", PATIENCE)
                talk(a, b, direct, str(uuid.uuid4()))
        assert not any(SECRET in text for text in collector.texts), "a span has what people wrote"
        logs = {log.name: log.read_text(errors="replace") for log in folder.glob("*.log")}
        assert logs and not any(SECRET in text for text in logs.values()), "a log has what people wrote"
        assert any("event=collector_missing" in text for text in logs.values()), logs
    print(f"{len(collector.spans)} spans; a direct message and one of a group are whole traces; a dead collector cost nothing else")


main()
