"""backup_p99, backup_1m: what senders notice of backups of a million messages, and how long one takes."""

import shutil
import subprocess
import time

from . import machine
from .processes import Failed
from .table import Row, TailRow

RATE = 500  # messages a second, open loop
USERS = 128


class Backups:
    """One after the other, for as long as this lasts: the measured seconds hold nothing else."""

    def __init__(self, bench, data):
        self._folder = bench.data / "backup"
        self._command = [bench.bin / "parleyd", "backup", "--data", data, "--to", self._folder]
        self.seconds, self.bytes = [], 0

    def run_until(self, ended):
        while True:
            shutil.rmtree(self._folder, ignore_errors=True)
            begun = time.monotonic()
            backup = subprocess.Popen([str(word) for word in self._command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            output = backup.communicate()[0]
            if backup.returncode != 0:
                raise Failed(f"parleyd backup failed: {output}")
            self.seconds.append(time.monotonic() - begun)
            if ended():
                break
        self.bytes = sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file())
        shutil.rmtree(self._folder)


def load(bench, server, folder, seconds, backups):
    program = bench.load_begun(server.address, folder / "tokens.jsonl", "--users", USERS, "--rate", RATE, "--warm-up", 2,
                               "--duration", seconds, "--settle", 30, "--one-history", "--no-views", "--say-when")
    with program:
        program.wait_for_line("measuring")
        until = time.monotonic() + seconds
        if backups:
            backups.run_until(lambda: time.monotonic() > until)
        output = program.process.stdout.read().decode(errors="replace")
        program.process.wait()
        report = bench.load_report(program, output)
    return report["acknowledgement_ms"]["p99"]


def measure(bench, quick, _start):
    tail = TailRow("backup_p99", "ms", "less", lambda v, f: v <= 2 * f, None, "<= 2x")
    took = Row("backup_1m", "s", "less")
    seconds = 8 if quick else 15
    folder = bench.copy(bench.seeded(2_000, 10, 100))
    with bench.server(folder) as server:
        for _ in range(1 if quick else 5):
            alone = load(bench, server, folder, seconds, None)
            backups = Backups(bench, folder)
            beside = load(bench, server, folder, seconds, backups)
            tail.add(beside, alone)
            for each in backups.seconds:
                took.add(each)
            print(f"backup: p99 at {RATE}/s {alone:.2f} ms alone, {beside:.2f} ms while {len(backups.seconds)} backups of "
                  f"{backups.bytes / 1e6:.0f} MB were made in {sum(backups.seconds) / len(backups.seconds):.2f} s each", flush=True)
        print(f"backup: the server has {machine.rss_bytes(server.pid) / 1e6:.0f} MB afterwards", flush=True)
    return [tail, took]
