#!/usr/bin/env python3
"""Two people in the full-screen view: ticks and unread counts change, a group is made, history is scrolled, the window
is resized, the server restarts, the account is changed; and completion in bash.

usage: full_screen_test.py --parleyd PATH --parley PATH --work FOLDER [--capture FILE]

FOLDER keeps the virtual environment between runs; what is in it is pinned by tests/requirements.txt.
"""
import argparse
import fcntl
import json
import os
import pathlib
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading

from support import Gate, Server, prepare, wait_for

try:
    import pyte
except ImportError:  # not yet in the environment that has it: see main()
    pyte = None

PASSWORD = "a long enough one"
UP, DOWN, PAGE_UP, END, ESCAPE, F1 = "\033[A", "\033[B", "\033[5~", "\033[F", "\033", "\033OP"
everybody = []


class FullScreen:
    """A program on a pseudo-terminal; pyte is the terminal."""

    def __init__(self, command, env, rows=24, columns=90):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.lock = threading.Lock()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(command[0], command, env)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return  # the program has ended
            if not data:
                return
            with self.lock:
                self.raw += data
                self.stream.feed(data)

    def type(self, text):
        os.write(self.fd, text.encode())

    def resize(self, rows, columns):
        with self.lock:
            self.screen.resize(rows, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def rows(self):
        with self.lock:
            return [row.rstrip() for row in self.screen.display]

    def end(self):
        """The exit code."""
        def ended():
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return [os.waitstatus_to_exitcode(status)] if pid else None
        code = wait_for(ended, lambda: "the program's end; its screen:\n" + "\n".join(self.rows()))[0]
        self.pid = None
        return code

    def kill(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


class Person:
    def __init__(self, name, parley, gate, folder):
        self.name, self.parley, self.gate = name, parley, gate
        self.env = {"XDG_STATE_HOME": str(folder / name), "TERM": "xterm", "PATH": os.environ["PATH"], "TZ": "UTC"}
        self.env |= {key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")}
        self.sign_up(name)
        self.view = None
        everybody.append(self)

    def sign_up(self, name):
        self.run("sign-up", name, "--password-stdin", "--server", f"127.0.0.1:{self.gate.port}", stdin=PASSWORD)

    def run(self, *arguments, stdin="", code=0):
        """Its standard output; fails unless it exits with the code."""
        done = subprocess.run([self.parley, *arguments], input=stdin, env=self.env, text=True, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == code, f"parley {arguments} exited with {done.returncode}: {done.stderr}"
        return done.stdout if code == 0 else done.stderr

    def start(self, *arguments):
        self.view = FullScreen([self.parley, *arguments], self.env)

    def type(self, text):
        self.view.type(text)

    def shows(self, *texts):
        """All of them, each in some row; how many blanks there are does not matter."""
        rows = [" ".join(row.split()) for row in self.view.rows()]
        return all(any(" ".join(text.split()) in row for row in rows) for text in texts)

    def sees(self, *texts):
        wait_for(lambda: self.shows(*texts), lambda: f"{self.name} sees {texts}\n" + screens())

    def sees_no(self, text):
        wait_for(lambda: not self.shows(text), lambda: f"{self.name} no longer sees {text!r}\n" + screens())


def screens():
    return "\n".join(f"{one.name}'s screen:\n" + "\n".join(one.view.rows()) for one in everybody if one.view)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--parleyd", required=True)
    arguments.add_argument("--parley", required=True)
    arguments.add_argument("--work", required=True, type=pathlib.Path)
    arguments.add_argument("--capture", help="a file for a screen of the talk, as text")
    options = arguments.parse_args()
    if pyte is None:
        python = prepare(options.work / "terminal", "pyte")
        os.execv(python, [python, *sys.argv])
    with tempfile.TemporaryDirectory(prefix="parley-e2e-") as name:
        folder = pathlib.Path(name)
        server = Server(options.parleyd, folder / "data")
        gate = Gate(server.port)
        try:
            ana, bob = (Person(who, options.parley, gate, folder) for who in ("ana", "bob"))
            talk(ana, bob)
            group(ana, bob, options.capture)
            history(ana, bob)
            restart(server, gate, ana, bob)
            accounts(ana, bob)
            completion(ana)
        finally:
            for person in everybody:
                if person.view:
                    person.view.kill()
            gate.close()
            code = server.stop()
        assert code == 0, f"parleyd exited with {code} after SIGTERM"
    print("full_screen_test: passed")


def talk(ana, bob):
    ana.start()
    ana.sees("/new NAME begins a talk")
    ana.type("/new bob\r")
    ana.sees("Nothing was said here yet.")
    bob.start("chat")
    ana.type("shall we meet at two? 漢字\x7f\x7f at the harbour\r")
    # Bob has not opened it: delivered, and counted.
    bob.sees("ana (1)", "   shall we meet at two?")
    ana.sees("you: shall we meet at two?  at the harbour  ✓✓")
    assert not ana.shows("✓✓ read"), screens()
    bob.type("\x06\r")  # the list, wherever the keyboard was: the latest is chosen
    bob.sees("— new messages —", "ana: shall we meet at two?  at the harbour")
    bob.sees_no("(1)")
    ana.sees("at the harbour  ✓✓ read")
    ana.sees("bob  ·  online")
    bob.type("y")
    ana.sees("bob is typing…")
    bob.type("es\r")
    ana.sees("bob: yes")
    bob.sees("you: yes  ✓✓ read")


def group(ana, bob, capture):
    ana.type('/group "Sea trip" bob\r')
    ana.sees("#Sea trip  ·  2 members", "— you made the group \"Sea trip\" with you, bob —")
    ana.type("who brings the map?\r")
    bob.sees("#Sea trip (1)", "   ana: who brings the map?")
    bob.type("\t")
    bob.sees("↑ ↓ choose")
    bob.type(UP + "\r")  # the latest is the first
    bob.sees("ana: who brings the map?")
    ana.sees("you: who brings the map?  ✓✓ read by 1")
    bob.type("I do.\r")
    ana.sees("bob: I do.")
    if capture:
        ana.sees("  ·  2 members")
        pathlib.Path(capture).write_text("\n".join(ana.view.rows()) + "\n")
    ana.type("/members\r")
    ana.sees("members of #Sea trip", "you ", "bob ", "owner", "member")
    ana.type(" ")
    ana.sees_no("members of")
    ana.type("/rename Sea trip 2027\r")
    bob.sees("#Sea trip 2027  ·  2 members", "— ana called the group \"Sea trip 2027\" —")
    ana.type("?")
    ana.sees("keys and commands")
    ana.type(ESCAPE)
    ana.sees_no("keys and commands")
    # Search of the list.
    ana.type("\x06BO")
    ana.sees("find: BO")
    ana.sees_no("▌ #Sea trip 2027")
    ana.type("\r")
    ana.sees("▌ bob", "bob: yes")
    # Leaving asks; what is left keeps its title.
    bob.type("/leave\r")
    bob.sees("Leave #Sea trip 2027? [y/n]")
    bob.type("n")
    bob.sees("left as it was")
    bob.type("/leave\r")
    bob.sees("[y/n]")
    bob.type("y")
    bob.sees("— you left the group —", "you are not in it any more")


def history(ana, bob):
    # What others write does not reach the terminal as commands.
    bob.run("send", "ana", "\u009b2Jgone")
    ana.sees("bob: \ufffd2Jgone")
    assert "\u009b".encode() not in ana.view.raw, "a control sequence got through"
    bob.run("send", "ana", "the first of many")
    subprocess.run([bob.parley, "open", "ana", "--limit", "1"], env=bob.env, timeout=120, check=True, text=True,
                   input="".join(f"line {i}\n" for i in range(1, 151)), stdout=subprocess.DEVNULL)
    ana.sees("bob: line 150")
    for _ in range(3):
        ana.type(PAGE_UP)
    ana.sees("End or Esc: newest")
    ana.sees_no("bob: line 150")
    bob.run("send", "ana", "while you looked back")
    ana.sees("bob (1)")
    ana.type(END)
    ana.sees("bob: while you looked back")
    ana.sees_no("(1)")
    ana.type("/go 1\r")
    ana.sees("you: shall we meet at two?")
    ana.sees_no("bob: while you looked back")
    ana.type(ESCAPE)
    ana.sees("bob: while you looked back")
    ana.type("/go nowhere\r")
    ana.sees("neither a number nor a time")


def restart(server, gate, ana, bob):
    ana.view.resize(16, 50)
    ana.sees_no("│")
    ana.sees("bob: while you looked back")
    ana.view.resize(24, 90)
    ana.sees("│")
    server.kill()
    ana.sees("not connected: ")
    ana.type("said into the dark\r")
    ana.sees("you: said into the dark  …")
    server.start()
    gate.target_port = server.port
    ana.sees("you: said into the dark  ✓")
    ana.sees_no("not connected: ")
    bob.sees("ana (1)")


def accounts(ana, bob):
    ana.sign_up("ana2")
    assert "parley use NAME" in ana.run("groups", code=1)
    ana.run("use", "ana")
    rows = [json.loads(line) for line in ana.run("accounts", "--json").splitlines()]
    assert [(row["name"], row["is_default"]) for row in rows] == [
        ("ana", True), ("ana2", False)], rows
    ana.type("/account ana2\r")
    ana.sees(" ana2 ", "/new NAME begins a talk")
    ana.type("/account ana\r")
    ana.sees(" bob")
    ana.sees_no(" ana2 ")
    for person in (ana, bob):
        person.type("\x03")
        code = person.view.end()
        assert code == 0, f"{person.name}'s parley exited with {code}: {person.view.raw[-4000:].decode(errors='replace')}"
        person.view = None
    ana.run("sign-out", "--profile", "ana2")
    assert [json.loads(line)["name"] for line in ana.run("accounts", "--json").splitlines()] == ["ana"]
    # Who left a group still knows its name.
    titles = [json.loads(line)["name"] for line in bob.run("conversations").splitlines()]
    assert "#Sea trip 2027" in titles, titles


def completion(ana):
    """In a bash that sourced the script, as readline would ask."""
    ana.run("conversations")
    script = """
        set -u
        source <("$PARLEY" completion bash)
        parley() { "$PARLEY" "$@"; }
        complete -p parley >/dev/null || exit 3
        ask() { COMP_WORDS=("$PARLEY" "$@"); COMP_CWORD=$#; COMPREPLY=(); _parley; (IFS=,; echo "${COMPREPLY[*]}"); }
        ask conv
        ask open b
        ask open '\\#'
        ask group re
        ask history bob --ti
        ask use ''
    """
    done = subprocess.run(["bash", "-c", script], env=ana.env | {"PARLEY": ana.parley}, text=True, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    expected = ["conversations", "bob", "\\#Sea\\ trip\\ 2027", "remove,rename", "--time", "ana"]
    assert done.stdout.splitlines() == expected, done.stdout


if __name__ == "__main__":
    main()
