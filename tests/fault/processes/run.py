#!/usr/bin/env python3
"""Kills one process of many with SIGKILL under load, starts it again, and lets parley-load judge.

A process of each service and two gateways run on one data folder; every second connection goes to the other gateway. In
each round a process that the seed draws is killed at a moment that the seed draws, and started again while the load goes
on. The round passes if sends are acknowledged again, every process is ready, and parley-load proves that each acknowledged
message is there, once, in order, at every device. Draws are without replacement, so every service is among the victims.

Stands for: a crash or an out-of-memory kill of one service in a cluster, a rolling restart gone wrong.

usage: run.py --programs FOLDER [--rounds N] [--seed N]

With PARLEY_TEST_SEED set, a fresh seed is drawn from it.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from processes import Broken, Folder, Load, seed, wait_until  # noqa: E402
from split import GATEWAYS, SERVICES, SplitServer  # noqa: E402

PEOPLE = 12
# What is sent in every round. More kinds of traffic are more options here.
TRAFFIC = ["--devices", 1, "--users", PEOPLE, "--conversations", 2 * PEOPLE, "--outstanding", 4, "--read-every", 1]
GOES_ON = 50  # messages acknowledged after the process was started again
FAULTS = ["lost", "doubled", "reordered"]


def victims(draw, rounds):
    """Every process once, in an order that is drawn, and so on."""
    out = []
    while len(out) < rounds:
        deck = SERVICES + GATEWAYS
        draw.shuffle(deck)
        out += deck
    return out[:rounds]


def one_round(server, folder, number, victim, draw):
    """Returns parley-load's report; raises Broken if anything was not as promised."""
    with Load(server, server.data / "tokens.jsonl", folder, *TRAFFIC, "--duration", 3600, "--settle", 60, "--kill-aware",
              "--seed", number) as load:
        load.wait_for("sending:")
        time.sleep(draw.uniform(0.0, 1.0))  # the moment is what is drawn; nothing is awaited
        server.kill(victim)
        server.launch(victim)
        server.wait_ready()
        before = load.acknowledged()
        wait_until(lambda: load.acknowledged() >= before + GOES_ON or not load.running(),
                   f"going on after {victim} was killed")
        load.stop_sending()
        return load.finish()


def count(row, report_file):
    """Adds what parley-load reported of a round, if it came to its end."""
    row["rounds"] += 1
    report = json.loads(report_file.read_text()) if report_file.exists() else {"counts": {}, "faults": {}}
    row["acknowledged"] += report["counts"].get("acknowledged", 0)
    for name, n in report["faults"].items():
        row[name if name in FAULTS else "other"] += n


def table(rows):
    print(f"{'victim':<14}{'rounds':>8}{'acknowledged':>14}{'lost':>6}{'doubled':>9}{'reordered':>11}{'other':>7}")
    for name, row in rows.items():
        print(f"{name:<14}{row['rounds']:>8}{row['acknowledged']:>14}{row['lost']:>6}{row['doubled']:>9}"
              f"{row['reordered']:>11}{row['other']:>7}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="folder of parleyd and parley-load")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chosen = os.environ.get("PARLEY_TEST_SEED") or options.seed
    draw = random.Random(f"processes {chosen}")
    print(f"seed: {chosen}", flush=True)
    rows = {name: collections.Counter() for name in SERVICES + GATEWAYS}
    failed = 0
    with Folder() as folder:
        seed(options.programs, folder / "data", PEOPLE)
        with SplitServer(options.programs, folder / "data", chosen) as server:
            for number, victim in enumerate(victims(draw, options.rounds), 1):
                begun = time.monotonic()
                try:
                    acknowledged = one_round(server, folder, number, victim, draw)["counts"]["acknowledged"]
                    said = f"{acknowledged} acknowledged, all there, once, in order"
                except Broken as broken:
                    failed += 1
                    said = f"FAILED: {broken}"
                count(rows[victim], folder / Load.REPORT)
                print(f"round {number}: {victim}: {said} ({time.monotonic() - begun:.1f} s)", flush=True)
    table(rows)
    print(f"{options.rounds - failed} of {options.rounds} rounds passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
