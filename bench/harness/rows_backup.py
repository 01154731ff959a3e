"""backup_p99, backup_1m: what senders notice of backups of a million messages, and how long one takes."""

import os
import shutil
import socket
import time

from . import machine
from .processes import Failed
from .table import Row, TailRow

RATE = 500  # messages a second, open loop
USERS = 128


class Backups:
    """One after the other, for as long as this lasts: the measured seconds hold nothing else. Asked of the server as the
    command asks it: starting a program on the server's one core, more than once a second, is no part of a backup."""

    def __init__(self, bench, data):
        self._folder, self._data = bench.data / "backups", data
        self.seconds, self.bytes = [], 0

    def _one(self, into):
        begun = time.monotonic()
        with socket.socket(socket.AF_UNIX) as control:
            folder = os.open(self._data, os.O_PATH | os.O_DIRECTORY)
            try:
                control.connect(f"/proc/self/fd/{folder}/control")  # a path of any length fits
            finally:
                os.close(folder)
            control.sendall(f"backup {into}\n".encode())
            last = ""
            for last in control.makefile():
                pass
        if last != "done\n":
            raise Failed(f"the backup failed: {last or 'the server hung up'}")
        self.seconds.append(time.monotonic() - begun)

    def run_until(self, ended):
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        while not self.seconds or not ended():
            into = self._folder / str(len(self.seconds))
            self._one(into)
            if len(self.seconds) > 1:  # the disk need not hold them all
                shutil.rmtree(self._folder / str(len(self.seconds) - 2))
        self.bytes = sum(file.stat().st_size for file in into.rglob("*") if file.is_file())

    def remove(self):
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
            backups.remove()
            tail.add(beside, alone)
            for each in backups.seconds:
                took.add(each)
            print(f"backup: p99 at {RATE}/s {alone:.2f} ms alone, {beside:.2f} ms while {len(backups.seconds)} backups of "
                  f"{backups.bytes / 1e6:.0f} MB were made in {sum(backups.seconds) / len(backups.seconds):.2f} s each", flush=True)
        print(f"backup: the server has {machine.rss_bytes(server.pid) / 1e6:.0f} MB afterwards", flush=True)
    return [tail, took]
