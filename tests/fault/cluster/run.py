#!/usr/bin/env python3
"""The cluster on real servers, with one part after the other taken away under load, and parley-load as the judge.

scripts/split starts every service, two message processes and two gateways on the servers of --backends; a balancer stands
before the gateways. People talk in pairs and in groups. Each round begins one fault of faults.py at a moment that the seed
draws, and passes if sends are acknowledged after it (where the fault promises so: during it too), every process is ready again
by itself, and everything that was acknowledged is there, once, in order, at every device.

Prints a table; --json FILE has the same and more. `pause` is the slowest acknowledgement, from the moment at which the send
was due; `away` is the longest time for which a client had no connection; `refused` counts the retryable refusals of sends and other requests, each of which was repeated until it was taken.

usage: run.py --programs FOLDER --backends FOLDER [--faults small|late|full] [--rounds NAME,...] [--seeds N] [--json FILE]

small: processes and servers, one of each; a minute or two. late: servers behind gates, that answer late or not at all. full:
one node of three; the servers are to be the full form.

With PARLEY_TEST_SEED set, the seeds are drawn from it.
"""
import argparse
import contextlib
import json
import os
import pathlib
import random
import sys
import time

import faults
from cluster import PATIENCE, Broken, Cluster, Servers, wait_until
from processes import Folder, Load
from watch import Watch

PEOPLE = 12
TRAFFIC = ["--sign-up", PEOPLE, "--conversations", PEOPLE, "--groups", 3, "--group-members", 6, "--rate", 40, "--read-every", 1,
           "--presence", 0.5, "--typing", 0.2, "--duration", 3600, "--settle", PATIENCE, "--kill-aware"]
GOES_ON = 60  # messages acknowledged before the fault, and after it
MEANWHILE = 20  # while it lasts, where sends must go on
COUNTS = ["acknowledged", "lost", "doubled", "reordered", "other", "pause_s", "away_s", "meanwhile", "refused"]


def goes_on(load, count, what):
    """Waits for so many acknowledgements from now on."""
    before = load.acknowledged_now(PATIENCE)
    wait_until(lambda: load.acknowledged() >= before + count or not load.running(), what, PATIENCE)


def gates_of(cluster, fault, victim):
    """What the fault is done to: the cluster, or the gates before some servers."""
    if fault.balanced:
        return cluster.balanced(fault.balanced)
    if not fault.gated:
        return contextlib.nullcontext(cluster)
    kind, setting, names = fault.gated
    return cluster.gated(kind, setting, [victim] if victim in names else names)


def one_round(cluster, folder, fault, victim, seed, row):
    draw = random.Random(f"moment {seed}")
    beside = fault.beside or contextlib.nullcontext
    with (gates_of(cluster, fault, victim) as hurt, Load(cluster, None, folder, *TRAFFIC, "--seed", seed) as load, Watch(cluster) as watch,
          beside(cluster) as cluster.beside):
        try:
            load.wait_for("sending:", PATIENCE)
            goes_on(load, GOES_ON, "the first messages")
            time.sleep(draw.uniform(0.0, 1.0))  # the moment is what is drawn; nothing is awaited
            before, begun = load.acknowledged_now(PATIENCE), time.monotonic()
            fault.begin(hurt, victim)
            if fault.goes_on:
                goes_on(load, MEANWHILE, f"going on without {victim}")
            time.sleep(fault.lasts)  # what is tested is what happens while this time passes
            row["meanwhile"] = load.acknowledged_now(PATIENCE) - before
            fault.heal(hurt, victim)
            row["fault_s"] = round(time.monotonic() - begun, 1)
            goes_on(load, GOES_ON, f"going on after {victim} was back")
            cluster.wait_ready()
            load.stop_sending()
            load.finish(2 * PATIENCE)
        finally:
            row["said"] = watch.said()


def judged(row, report_file):
    """Adds what parley-load reported, if it came to its end."""
    if not report_file.exists():
        return
    report = json.loads(report_file.read_text())
    wrong = report["faults"]
    row |= {name: wrong[name] for name in ("lost", "doubled", "reordered")}
    row["other"] = sum(wrong.values()) - row["lost"] - row["doubled"] - row["reordered"]
    row["acknowledged"], row["refused"] = report["counts"]["acknowledged"], report["counts"]["retryable_errors"]
    row["pause_s"] = round(report["acknowledgement_ms"]["max"] / 1000, 1)
    row["away_s"] = round(report["away_ms"]["max"] / 1000, 1)
    row["errors"], row["reconnects"] = report["errors"], report["counts"]["reconnects"]


def table(rows):
    print(f"{'fault':<22}{'rounds':>7}" + "".join(f"{name:>13}" for name in COUNTS))
    for name in dict.fromkeys(row["fault"] for row in rows):
        of_it = [row for row in rows if row["fault"] == name]
        cells = [(max if count.endswith("_s") else sum)(row.get(count, 0) for row in of_it) for count in COUNTS]
        print(f"{name:<22}{len(of_it):>7}" + "".join(f"{cell:>13}" for cell in cells))
        print("    refused with: " + (", ".join(dict.fromkeys(code for row in of_it for code in row.get("errors", {}))) or "nothing"))
        by_text = {}
        for said in (said for row in of_it for said in row.get("said", [])):
            by_text.setdefault(said["said"], set()).add(said["process"])
        for text, processes in by_text.items():
            print(f"    {', '.join(sorted(processes))}: {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="folder of parleyd and parley-load")
    parser.add_argument("--backends", type=pathlib.Path, required=True, help="folder of scripts/backends start")
    parser.add_argument("--faults", choices=list(faults.SETS), default="small", help="which of them")
    parser.add_argument("--rounds", help="of those, with commas (default: all)")
    parser.add_argument("--seeds", type=int, default=1, help="rounds of each fault")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    choice = faults.SETS[options.faults]
    chosen = options.rounds.split(",") if options.rounds else list(choice)
    draw = random.Random(f"cluster {os.environ.get('PARLEY_TEST_SEED', '1')}")
    rows, failed = [], 0
    with Folder() as folder:
        cluster = Cluster(options.programs, Servers(options.backends), folder)
        try:
            for name in chosen * options.seeds:
                fault, begun, seed = choice[name], time.monotonic(), draw.randrange(1, 1 << 31)
                row = {"fault": name, "victim": random.Random(f"victim {seed}").choice(fault.victims), "seed": seed}
                try:
                    one_round(cluster, folder, fault, row["victim"], seed, row)
                    said = "all there, once, in order"
                except Broken as broken:
                    failed += 1
                    row["failed"] = str(broken)
                    said = f"FAILED: {broken}{cluster.logs()}"
                    cluster.revive()
                judged(row, folder / Load.REPORT)
                rows.append(row)
                print(f"{name} ({row['victim']}, seed {seed}): {row.get('acknowledged', 0)} acknowledged, pause {row.get('pause_s', '?')} s, {said} "
                      f"({time.monotonic() - begun:.1f} s)", flush=True)
        finally:
            cluster.stop()
            if options.json:
                options.json.write_text(json.dumps(rows, indent=1))
    table(rows)
    print(f"{len(rows) - failed} of {len(rows)} rounds passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
