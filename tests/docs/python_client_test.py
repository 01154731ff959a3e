#!/usr/bin/env python3
"""Two of docs/examples/python_client.py talk; the server is killed in between, with sends under way. Nothing is lost or doubled.
One with nothing to say shows it all; one that is refused (python_client_refused.py) waits, or does without.

usage: python_client_test.py --parleyd PATH --work FOLDER
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from support import Gate, Server, prepare, wait_for  # noqa: E402

CLIENT = HERE.parent.parent / "docs" / "examples" / "python_client.py"
PASSWORD = "a long enough one"


def http(port, method, path, body=None, token=""):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


class Person:
    def __init__(self, python, port, name, peer):
        self.process = subprocess.Popen([python, CLIENT, f"127.0.0.1:{port}", name, peer], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=os.environ | {"PARLEY_PASSWORD": PASSWORD})
        self.name, self.shown = name, []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.shown.append(line.rstrip("\n"))

    def say(self, *texts):
        self.process.stdin.write("".join(f"{text}\n" for text in texts))
        self.process.stdin.flush()

    def sees(self, count):
        wait_for(lambda: len(self.shown) >= count, lambda: f"{count} messages of {self.name}: {self.shown}")

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=60) == 0, f"{self.name}'s client failed"
        self.reader.join()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--parleyd", required=True)
    arguments.add_argument("--work", required=True, type=pathlib.Path)
    options = arguments.parse_args()
    python = prepare(options.work, "websockets")
    subprocess.run([python, HERE / "python_client_refused.py"], input=b"", check=True, timeout=60)
    with tempfile.TemporaryDirectory(prefix="parley-docs-") as folder:
        server = Server(options.parleyd, pathlib.Path(folder) / "data")
        gate, people = Gate(server.port), []
        try:
            tokens = {name: http(server.port, "POST", "/v1/signup", {"name": name, "password": PASSWORD}) for name in ("ana", "bob")}
            ana, bob = people = [Person(python, gate.port, "ana", "bob"), Person(python, gate.port, "bob", "ana")]
            said = [f"one {i}" for i in range(10)]
            ana.say(*said)
            bob.sees(10)
            # The server is killed while this is under way; more is said to nobody.
            said += [f"two {i}" for i in range(20)]
            ana.say(*said[10:])
            ana.sees(11)
            server.kill()
            said += [f"three {i}" for i in range(5)]
            ana.say(*said[30:])
            server.start()
            gate.target_port = server.port
            ana.sees(35)
            bob.sees(35)
            bob.say("heard")
            ana.sees(36)
            for person in people:
                person.end()
            who = {name: row["user_id"] for name, row in tokens.items()}
            expected = [f"{seq} {who['ana']} {text}" for seq, text in enumerate(said, 1)] + [f"36 {who['bob']} heard"]
            people.append(Person(python, gate.port, "ana", "bob"))  # a new device, and nothing to say
            people[-1].end()
            for person in people:
                assert person.shown == expected, f"{person.name} was shown {person.shown}"
            conversation = f"d:{':'.join(sorted(who.values(), key=int))}"
            for row in tokens.values():
                def all_read():
                    state = http(server.port, "GET", f"/v1/conversations/{conversation}", token=row["access_token"])
                    return (state["head"], state["read"], state.get("unread", "0")) == ("36", "36", "0")
                wait_for(all_read, "both have read all")
        finally:
            for person in people:
                if person.process.poll() is None:
                    person.process.kill()
                    person.process.wait()
            gate.close()
            code = server.stop()
        assert code == 0, f"parleyd exited with {code} after SIGTERM"
    print("python_client_test: passed")


main()
