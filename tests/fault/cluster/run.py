#!/usr/bin/env python3
"""The cluster on real servers, with one message process after the other taken away under load, and parley-load as the judge.

scripts/split starts every service, two message processes and two gateways on the servers of --backends. People talk in pairs
and in groups, all through one of the gateways. Each round takes a message process away in another way, and passes if everything that was acknowledged is there, once, in order, at every device:

killed    SIGKILL, then started again: a crash. Its shards go to the other when its lease is certainly over.
stopped   SIGSTOP past its lease, and woken while the other writes its logs: a frozen machine, a long pause.
ended     SIGTERM, then started again: a rolling restart. It hands its shards over.

usage: run.py --programs FOLDER --backends FOLDER [--rounds killed,stopped,ended]
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
sys.path.insert(0, str(HERE.parent / "support"))
from processes import LIMITS, Broken, Folder, Load, wait_until  # noqa: E402

PEOPLE = 12
TRAFFIC = ["--sign-up", PEOPLE, "--conversations", PEOPLE, "--groups", 3, "--group-members", 6, "--rate", 40, "--read-every", 1]
GOES_ON = 60  # messages acknowledged after the fault
PAST_THE_LEASE = 14  # seconds: a session of 6 s, a lease of 2 s, and the other's own look
PATIENCE = 120


class Cluster:
    """What scripts/split started."""

    def __init__(self, programs, backends, folder):
        self.programs, self.folder = programs, folder / "cluster"
        self.environment = os.environ | LIMITS | {"LSAN_OPTIONS": f"suppressions={HERE / 'lsan.supp'}:print_suppressions=0"}
        self.split("start", "--parleyd", programs / "parleyd", "--backends", backends)
        self.rows = {row["name"]: row for row in json.loads((self.folder / "processes.json").read_text())}
        self.children = {}  # that were started again here
        self.address = self.rows["gateway 1"]["clients"]

    def split(self, what, *options):
        done = subprocess.run([sys.executable, ROOT / "scripts" / "split", what, "--folder", self.folder, *map(str, options)],
                              env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Broken(f"scripts/split {what}: {done.stdout[-3000:]}{done.stderr[-2000:]}")

    def pid(self, name):
        return self.children[name].pid if name in self.children else self.rows[name]["pid"]

    def signal(self, name, number):
        os.kill(self.pid(name), number)

    def ended(self, name):
        if name in self.children:
            return self.children[name].poll() is not None
        try:
            state = pathlib.Path(f"/proc/{self.pid(name)}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        return state in "ZX"

    def launch(self, name):
        with open(self.rows[name]["log"], "ab") as log:
            self.children[name] = subprocess.Popen(self.rows[name]["command"], stdout=log, stderr=log, env=self.environment)

    def logs(self):
        return "".join(f"\n== {name}\n{pathlib.Path(row['log']).read_text(errors='replace')[-1500:]}" for name, row in self.rows.items())

    def stop(self):
        for child in self.children.values():
            child.terminate()
        self.split("stop")
        for child in self.children.values():
            if child.wait(PATIENCE) != 0:
                raise Broken(f"a process ended with {child.returncode}")


def killed(cluster, name):
    cluster.signal(name, signal.SIGKILL)
    wait_until(lambda: cluster.ended(name), f"the end of {name}", PATIENCE)
    cluster.launch(name)


def stopped(cluster, name):
    cluster.signal(name, signal.SIGSTOP)
    time.sleep(PAST_THE_LEASE)  # what is tested is what happens while this time passes
    cluster.signal(name, signal.SIGCONT)


def ended(cluster, name):
    cluster.signal(name, signal.SIGTERM)
    wait_until(lambda: cluster.ended(name), f"the end of {name}", PATIENCE)
    cluster.launch(name)


def one_round(cluster, folder, number, fault, victim):
    options = [*TRAFFIC, "--duration", 3600, "--settle", 90, "--kill-aware", "--seed", number]
    with Load(cluster, None, folder, *options) as load:
        load.wait_for("sending:")
        wait_until(lambda: load.acknowledged() >= GOES_ON or not load.running(), "the first messages", PATIENCE)
        fault(cluster, victim)
        before = load.acknowledged()
        wait_until(lambda: load.acknowledged() >= before + GOES_ON or not load.running(), f"going on after {victim} was taken away",
                   PATIENCE)
        load.stop_sending()
        return load.finish(300)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="folder of parleyd and parley-load")
    parser.add_argument("--backends", type=pathlib.Path, required=True, help="folder of scripts/backends start")
    parser.add_argument("--rounds", default="killed,stopped,ended")
    options = parser.parse_args()
    faults = {"killed": killed, "stopped": stopped, "ended": ended}
    failed = 0
    with Folder() as folder:
        cluster = Cluster(options.programs, options.backends, folder)
        try:
            for number, name in enumerate(options.rounds.split(","), 1):
                victim, begun = f"message {1 + number % 2}", time.monotonic()
                try:
                    report = one_round(cluster, folder, number, faults[name], victim)
                    said = f"{report['counts']['acknowledged']} acknowledged, all there, once, in order"
                except Broken as broken:
                    failed += 1
                    said = f"FAILED: {broken}{cluster.logs()}"
                print(f"{victim} {name}: {said} ({time.monotonic() - begun:.1f} s)", flush=True)
        finally:
            cluster.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
