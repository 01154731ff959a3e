"""The programs that a bench starts: each pinned to its core, each ended by its own pid."""

import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import struct
import subprocess
import time

from . import machine

# What a user may not do, the bench must: said in its output.
RAISED = {
    "PARLEY_LIMITS_SENDS_PER_SECOND": "10000000",
    "PARLEY_LIMITS_REQUESTS_PER_SECOND": "10000000",
    "PARLEY_LIMITS_UNAUTHENTICATED_PER_SECOND": "0",
    "PARLEY_LIMITS_CONNECTIONS_PER_ADDRESS": "0",
    "PARLEY_LIMITS_CONNECTIONS": "100000",
    "PARLEY_SERVER_LOOPS": "1",
}
PATIENCE = 30


class Failed(Exception):
    """A program did not do what the bench needs of it."""


def _prepare(core):
    def run():
        if core is not None:
            os.sched_setaffinity(0, {core})
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    return run


class Program:
    """A process on one core, or on any (None); with it, a file of its standard error."""

    def __init__(self, name, command, core, folder, environment=None):
        self.name = name
        self.log = pathlib.Path(folder) / f"{name}.log"
        self.started = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})}, preexec_fn=_prepare(core))
        self.pid = self.process.pid

    def wait_for_line(self, start, patience=PATIENCE):
        """Returns the rest of the first line of output that begins with `start`."""
        until = time.monotonic() + patience
        for raw in self.process.stdout:
            line = raw.decode(errors="replace")
            if line.startswith(start):
                return line[len(start):].strip()
            if time.monotonic() > until:
                break
        raise Failed(f"{self.name} did not say '{start}': {self.tail()}")

    def tail(self):
        return self.log.read_text(errors="replace")[-2000:]

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Syncs:
    """The preloaded shim's count of syncs, and the delay that it adds to each."""

    def __init__(self, shim, folder, delay_us):
        self._file = pathlib.Path(folder) / "syncs"
        self._file.write_bytes(bytes(8))
        self.environment = {"LD_PRELOAD": str(shim), "PARLEY_SYNC_COUNT": str(self._file),
                            "PARLEY_SYNC_DELAY_US": str(delay_us)}

    def count(self):
        return struct.unpack("<q", self._file.read_bytes())[0]


class Bench:
    """Where the programs and the data are."""

    def __init__(self, binaries, data):
        self.bin = pathlib.Path(binaries).resolve()
        self.data = pathlib.Path(data).resolve()

    def seeded(self, users, conversations, messages, groups=0, group_members=2):
        """A folder that `parleyd seed` filled, made once and kept for copies."""
        folder = self.data / f"seed-{users}-{conversations}-{messages}-{groups}-{group_members}"
        if not (folder / "tokens.jsonl").exists():
            machine.fresh(folder)
            with open(self.data / "seed.log", "wb") as log:
                done = subprocess.run(
                    [str(self.bin / "parleyd"), "seed", "--data", str(folder), "--users", str(users),
                     "--conversations", str(conversations), "--messages", str(messages),
                     "--groups", str(groups), "--group-members", str(group_members)],
                    stdout=log, stderr=log, check=False)
            if done.returncode != 0:
                raise Failed(f"parleyd seed failed: {(self.data / 'seed.log').read_text()[-1000:]}")
        return folder

    def copy(self, folder):
        target = self.data / "server"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target)
        os.sync()
        return target

    def server(self, folder, syncs=None, test_data=True, certificate=None):
        """`certificate`: the files of a pair, by which clients are served with TLS."""
        command = [self.bin / "parleyd", "--data", folder, "--listen", "127.0.0.1:0"]
        if test_data:
            command.append("--test-data")
        if certificate:
            command += ["--server-tls_certificate", certificate[0], "--server-tls_key", certificate[1]]
        program = Program("parleyd", command, machine.SERVER_CORE, self.data,
                          {**RAISED, **(syncs.environment if syncs else {})})
        try:
            program.address = program.wait_for_line("listening on ")
            if certificate:
                self._ca = certificate[0]
                program.address = f"https://{program.address}"
        except BaseException:
            program.stop()
            raise
        program.start_ms = 1000 * (time.monotonic() - program.started)
        return program

    def redis(self, syncs=None):
        folder = machine.fresh(self.data / "redis")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        program = Program(
            "redis", ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes",
                      "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0", "--dir", folder],
            machine.SERVER_CORE, self.data, syncs.environment if syncs else None)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError as error:
                if time.monotonic() > until or program.process.poll() is not None:
                    program.stop()
                    raise Failed(f"redis-server did not start: {program.tail()}") from error
                time.sleep(0.02)
        program.port = port
        return program

    def load(self, address, tokens, *options):
        """Runs parley-load to its end; returns its report. Raises Failed if it proved nothing."""
        program = self.load_begun(address, tokens, *options)
        output = program.process.stdout.read().decode(errors="replace")
        program.stop()
        return self.load_report(program, output)

    def load_begun(self, address, tokens, *options):
        self._report = self.data / "load.json"
        self._report.unlink(missing_ok=True)
        command = [self.bin / "parley-load", "--server", address, "--quiet", "--report", self._report, *options]
        if address.startswith("https://"):
            command += ["--ca", self._ca]
        if tokens is not None:
            command += ["--tokens", tokens]
        return Program("parley-load", command, machine.LOAD_CORE, self.data)

    def load_report(self, program, output):
        if program.process.returncode != 0:
            raise Failed(f"parley-load ended with {program.process.returncode}\n{output[-3000:]}{program.tail()}")
        return json.loads(self._report.read_text())

    def floor(self, name, *options):
        program = Program(name, [self.bin / name, *options], machine.LOAD_CORE, self.data)
        output = program.process.stdout.read()
        program.stop()
        if program.process.returncode != 0:
            raise Failed(f"{name} failed: {program.tail()}")
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {**json.loads(output), "children_cpu": usage.ru_utime + usage.ru_stime}
