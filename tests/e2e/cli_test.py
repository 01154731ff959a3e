#!/usr/bin/env python3
"""Two people, two terminals, one talk: through a kill -9 of the server, and one of a client with unsent lines.

usage: cli_test.py --parleyd PATH --parley PATH [--transport websocket|http]

The transport is that of the first; the other one is always connected by WebSocket.
"""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile

from support import Gate, Server, Terminal, wait_for

PASSWORD = "a long enough one"
everybody = []
TICKS = ("  ✓✓ read", "  ✓✓", "  ✓", "  …")


class Person:
    def __init__(self, name, parley, gate, folder, transport="websocket"):
        self.name, self.parley = name, parley
        self.env = {"XDG_STATE_HOME": str(folder / name), "TERM": "xterm", "PATH": os.environ["PATH"],
                    "PARLEY_TRANSPORT": transport}
        self.env |= {key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")}
        self.run("sign-up", name, "--password-stdin", "--server", f"127.0.0.1:{gate.port}", stdin=PASSWORD)
        self.terminal = None
        everybody.append(self)

    def run(self, *arguments, stdin=""):
        """Its standard output; fails unless it exits with 0."""
        done = subprocess.run([self.parley, *arguments], input=stdin, env=self.env, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 0, f"parley {arguments} exited with {done.returncode}: {done.stderr}"
        return done.stdout

    def open(self, other):
        self.terminal = Terminal([self.parley, "open", other, "--limit", "200"], self.env)
        self.sees("^D leaves")

    def says(self, *lines):
        for line in lines:
            self.terminal.type(line + "\r")

    def screen(self):
        return f"{self.name}'s screen:\n" + "\n".join(self.terminal.lines())

    def sees(self, text):
        others = [person for person in everybody if person is not self and person.terminal]
        wait_for(lambda: self.terminal.shows(text),
                 lambda: "\n".join([f"{self.name} sees {text!r}", *(one.screen() for one in [self, *others])]))

    def talk(self):
        """The messages on screen, as (who, text), without times and ticks."""
        messages = []
        for line in self.terminal.lines():
            if len(line) > 7 and line[2] == ":" and line[5:7] == "  " and ": " in line[7:]:
                who, text = line[7:].split(": ", 1)
                for tick in TICKS:
                    text = text.removesuffix(tick)
                messages.append((self.name if who == "you" else who, text))
        return messages

    def history(self, other):
        lines = self.run("history", other, "--limit", "200", "--json").splitlines()
        return [json.loads(line)["entry"] for line in lines]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--parleyd", required=True)
    arguments.add_argument("--parley", required=True)
    arguments.add_argument("--transport", default="websocket")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="parley-e2e-") as name:
        folder = pathlib.Path(name)
        server = Server(options.parleyd, folder / "data")
        gate = Gate(server.port)
        try:
            play(server, gate, Person("ana", options.parley, gate, folder, options.transport),
                 Person("bob", options.parley, gate, folder))
        finally:
            for person in everybody:
                if person.terminal:
                    person.terminal.kill()
            gate.close()
            code = server.stop()
        assert code == 0, f"parleyd exited with {code} after SIGTERM"
    print("cli_test: passed")


def play(server, gate, ana, bob):
    said = []

    def says(person, *lines):
        said.extend((person.name, line) for line in lines)
        person.says(*lines)

    ana.open("bob")
    bob.open("ana")

    says(ana, "shall we meet at two?")
    bob.sees("ana: shall we meet at two?")
    ana.sees("you: shall we meet at two?  ✓✓ read")
    says(bob, "yes, at the harbour")
    ana.sees("bob: yes, at the harbour")
    bob.sees("you: yes, at the harbour  ✓✓ read")

    # The server is killed while lines are on their way; more are typed while it is down.
    says(ana, *(f"line {i} before the storm" for i in range(20)))
    server.kill()
    ana.sees("not connected")
    bob.sees("not connected")
    says(bob, "are you there?", "hello?")
    ana.sees("line 19 before the storm")
    bob.sees("you: hello?  …")  # what is typed while offline waits, visibly

    # So is a client, with a line that it has not sent.
    says(ana, "said into the dark")
    ana.sees("you: said into the dark  …")
    ana.terminal.kill()

    server.start()
    gate.target_port = server.port
    bob.sees("you: hello?  ✓")
    ana.open("bob")
    bob.sees("ana: said into the dark")
    for person in (ana, bob):
        wait_for(lambda person=person: not person.terminal.shows("not connected"), "connected again")
        wait_for(lambda person=person: sorted(person.talk()) == sorted(said),
                 lambda person=person: f"{len(said)} messages on {person.screen()}")
    wait_for(lambda: all("read" in line for person in (ana, bob) for line in person.terminal.lines()
                         if "  you: " in line),
             lambda: "\n".join(["all read", ana.screen(), bob.screen()]))

    # Both show the same talk, each line once, and each person's lines in the order of typing.
    assert ana.talk() == bob.talk(), f"the two differ:\n{ana.talk()}\n{bob.talk()}"
    assert sorted(ana.talk()) == sorted(said), "each line once"
    for person in (ana, bob):
        own = [text for who, text in said if who == person.name]
        assert [text for who, text in ana.talk() if who == person.name] == own, f"{person.name}'s order"

    entries = ana.history("bob")
    assert entries == bob.history("ana"), "both read the same log"
    assert [entry["seq"] for entry in entries] == [str(i + 1) for i in range(len(said))], "without holes"

    for person in (ana, bob):
        assert not person.terminal.echoes()
        person.terminal.type("\x04")
        assert person.terminal.wait() == 0
        assert person.terminal.echoes(), "the terminal is left as it was"
    unread = [json.loads(line)["conversation"]["unread"] for line in bob.run("conversations").splitlines()]
    assert unread == ["0"], unread


main()
