"""The small form of the cluster on this machine: the servers by scripts/backends, Parley's processes by scripts/split."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from . import machine
from .processes import Failed, Program

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# What a user may not do, the bench must: said in its output.
RAISED = {"PARLEY_LIMITS_SENDS_PER_SECOND": "1000000", "PARLEY_LIMITS_REQUESTS_PER_SECOND": "1000000",
          "PARLEY_LIMITS_UNAUTHENTICATED_PER_SECOND": "0", "PARLEY_LIMITS_CONNECTIONS_PER_ADDRESS": "0"}
SHARDS = 1024
PATIENCE = 60


def cpu_of(pid):
    """User and system time of a process so far, ended threads included, and that of each thread by number and name."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    threads = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            threads[task.name, (task / "comm").read_text().strip()] = int((task / "schedstat").read_text().split()[0]) / 1e9
        except OSError:  # it has ended meanwhile
            pass
    return (int(fields[11]) + int(fields[12])) / machine.TICKS, threads


def runs(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until(condition, what):
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            raise Failed(f"in {PATIENCE} s: {what} did not happen")
        time.sleep(0.02)


class SmallForm:
    """`binaries`: parleyd and parley-load. All that is kept is in `folder`."""

    def __init__(self, binaries, folder):
        self.bin, self.folder = pathlib.Path(binaries).resolve(), pathlib.Path(folder).resolve()
        self.servers, self.parley = self.folder / "servers", self.folder / "parley"
        self.environment = os.environ | RAISED
        self.rows, self.launched = {}, {}  # the latter: how long the log was

    def script(self, name, *words):
        done = subprocess.run([sys.executable, ROOT / "scripts" / name, *map(str, words)], env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            raise Failed(f"scripts/{name} {words[0]}: {done.stdout[-3000:]}")

    def start_servers(self):
        """From an empty folder, without a process of Parley's; returns the addresses by kind."""
        machine.fresh(self.folder)
        self.script("backends", "start", "--folder", self.servers, "--form", "small")
        return dict(line.split() for line in (self.servers / "addresses").read_text().splitlines())

    def start(self):
        """From an empty folder until all are ready; returns the seconds of each part."""
        begun = time.monotonic()
        self.start_servers()
        ready, ready_wall = time.monotonic(), time.time()
        self.script("split", "start", "--folder", self.parley, "--parleyd", self.bin / "parleyd", "--backends", self.servers)
        file = self.parley / "processes.json"  # written when the tables are made and the processes just started
        migrated = file.stat().st_mtime - ready_wall
        self.rows = {row["name"]: row for row in json.loads(file.read_text())}
        return {"servers": ready - begun, "migrate": migrated, "processes": time.monotonic() - ready - migrated}

    def stop(self):
        """Ends what was started there, also where only a part of it was."""
        try:
            if self.parley.exists():
                self.script("split", "stop", "--folder", self.parley)
        finally:
            if self.servers.exists():
                self.script("backends", "stop", "--folder", self.servers)

    @property
    def address(self):
        return self.rows["haproxy" if "haproxy" in self.rows else "gateway 1"]["clients"]

    def pids(self):
        noted = json.loads((self.servers / "servers.json").read_text())["pids"]
        return {name: pid for name, (pid, _) in noted.items()} | {name: row["pid"] for name, row in self.rows.items()}

    def end(self, name, number):
        os.kill(self.rows[name]["pid"], number)
        wait_until(lambda: not runs(self.rows[name]["pid"]), f"the end of {name}")

    def launch(self, name):
        """As a supervisor does; noted for `scripts/split stop`. Its log says which shards it gains."""
        row = self.rows[name]
        self.launched[name] = pathlib.Path(row["log"]).stat().st_size
        with open(row["log"], "ab") as log:
            row["pid"] = subprocess.Popen(row["command"], stdout=log, stderr=log, start_new_session=True,
                                          env=self.environment | {"PARLEY_LOG_LEVEL": "info"}).pid
        (self.parley / "processes.json").write_text(json.dumps(list(self.rows.values()), indent=1))

    def wait_for_shards(self, name):
        """Until a message process that was started again has its half of them."""

        def gained():
            lines = pathlib.Path(self.rows[name]["log"]).read_bytes()[self.launched[name]:].decode(errors="replace").splitlines()
            return sum(int(line.rpartition("shards=")[2]) for line in lines if "event=gained" in line)

        wait_until(lambda: gained() >= SHARDS // 2, f"{name} having its shards back")

    def hand_over(self, name):
        """Ends a message process in peace and starts it again, until the shards are spread as before."""
        self.end(name, signal.SIGTERM)
        self.launch(name)
        self.wait_for_shards(name)

    def load(self, *options):
        """parley-load by new people; its report, which must prove that all is well, is what `finish` returns."""
        return Load(self, options)


class Load:
    """`with` it; between `measuring` and `finish` the measured seconds pass."""

    def __init__(self, form, options):
        self.report = form.folder / "load.json"
        self.report.unlink(missing_ok=True)
        self.program = Program("parley-load", [form.bin / "parley-load", "--server", form.address, "--report", self.report,
                                               "--say-when", "--quiet", *options], None, form.folder)
        self.pid = self.program.pid

    def wait_for(self, line):
        """Returns once it was said; the time of that, for a difference."""
        self.program.wait_for_line(line, PATIENCE)
        return time.monotonic()

    def finish(self):
        output = self.program.process.stdout.read().decode(errors="replace")
        self.program.process.wait()
        if self.program.process.returncode != 0:
            raise Failed(f"parley-load ended with {self.program.process.returncode}\n{output[-3000:]}{self.program.tail()}")
        return json.loads(self.report.read_text())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.stop()
