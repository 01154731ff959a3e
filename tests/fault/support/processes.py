"""parleyd and parley-load as child processes. Only processes started here are ever signalled."""

import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE = 30

# What a user may not do, these tests must.
LIMITS = {
    "PARLEY_LIMITS_SENDS_PER_SECOND": "1000000",
    "PARLEY_LIMITS_REQUESTS_PER_SECOND": "1000000",
    "PARLEY_LIMITS_CONNECTIONS_PER_ADDRESS": "0",
    "PARLEY_LIMITS_UNAUTHENTICATED_PER_SECOND": "0",
}


class Broken(Exception):
    """What was to be shown is not so."""


def wait_until(condition, what, patience=PATIENCE):
    """Polls until the condition gives something true, and returns that."""
    until = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise Broken(f"in {patience} s: {what} did not happen")
        time.sleep(0.01)


def free_port(seed):
    """A port below the ephemeral range: a client that tries to reach a dead server there cannot meet itself."""
    draw = random.Random(f"{seed} {os.getpid()}")
    for _ in range(1000):
        port = draw.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Broken("no free port")


class Folder:
    """A temporary folder that goes with the test."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="parley-fault-", dir=os.environ.get("TMPDIR", "/var/tmp")))
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def seed(programs, data, users, conversations=0, messages=0):
    """Fills a folder with people; returns their sign-ins as `parleyd seed` wrote them."""
    done = subprocess.run(
        [programs / "parleyd", "seed", "--data", data, "--users", str(users), "--conversations", str(conversations),
         "--messages", str(messages)], capture_output=True, check=False)
    if done.returncode != 0:
        raise Broken(f"parleyd seed ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return [json.loads(line) for line in (data / "tokens.jsonl").read_text().splitlines()]


class Server:
    """One parleyd on a fixed port, which may be killed and started again."""

    def __init__(self, programs, data, port, environment=None):
        self.programs, self.data, self.port = programs, data, port
        self.environment = {**os.environ, **LIMITS, **(environment or {})}
        self.process = None
        self.starts = 0

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self.starts += 1
        self.log = self.data.parent / f"parleyd-{self.starts}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [self.programs / "parleyd", "--data", self.data, "--test-data", "--listen", self.address,
                 "--server-admin", "127.0.0.1:0"],
                stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, env=self.environment)
        for line in self.process.stdout:
            if line.startswith(b"listening on "):
                return self
        raise Broken(f"parleyd did not start: {self.errors()}")

    def errors(self):
        return self.log.read_text(errors="replace")[-3000:]

    def kill(self):
        """At once, as `kill -9` or a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """As an operator would; the exit code must be 0."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Broken(f"parleyd did not stop within {PATIENCE} s: {self.errors()}") from None
        self.process.stdout.close()
        if code != 0:
            raise Broken(f"parleyd ended with {code}: {self.errors()}")

    def alive(self):
        return self.process.poll() is None

    def __enter__(self):
        return self.start()

    def __exit__(self, failed, *_):
        if self.process.poll() is None:
            if failed:
                self.kill()
            else:
                self.stop()
        elif not failed:
            raise Broken(f"parleyd ended by itself with {self.process.returncode}: {self.errors()}")


class Load:
    """parley-load, the judge: it must prove that all is well, or `finish` raises."""

    REPORT = "load.json"

    def __init__(self, server, tokens, folder, *options):
        self.report_file = folder / self.REPORT
        self.report_file.unlink(missing_ok=True)
        self.log = folder / "parley-load.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [server.programs / "parley-load", "--server", server.address, *(["--tokens", tokens] if tokens else []),
                 "--report", self.report_file, *map(str, options)], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def text(self):
        return self.log.read_text(errors="replace")

    def acknowledged(self):
        """How many messages, by the last line of progress; there is one a second."""
        counts = self._progress()
        return int(counts[-1]) if counts else 0

    def acknowledged_now(self, patience=PATIENCE):
        """The same, by a line that is written after the call."""
        lines = len(self._progress())
        wait_until(lambda: len(self._progress()) > lines or not self.running(), "the next line of progress", patience)
        return self.acknowledged()

    def _progress(self):
        return re.findall(r"(\d+) in all", self.text())

    def stop_sending(self):
        """What was done is then proved."""
        self.process.terminate()

    def wait_for(self, text, patience=PATIENCE):
        wait_until(lambda: text in self.text() or self.process.poll() is not None, f"'{text}' of parley-load", patience)
        if self.process.poll() is not None:
            raise Broken(f"parley-load ended early: {self.text()[-3000:]}")

    def running(self):
        return self.process.poll() is None

    def finish(self, patience=120):
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Broken(f"parley-load did not end: {self.text()[-3000:]}") from None
        if code != 0:
            raise Broken(f"parley-load ended with {code}:\n{self.text()[-6000:]}")
        return json.loads(self.report_file.read_text())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
