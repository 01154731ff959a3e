#!/usr/bin/env python3
"""Kills parleyd with SIGKILL at a random moment under load, starts it again, and lets parley-load judge.

Stands for: a crash, the kernel's out-of-memory killer, an operator's `kill -9`. (Not for a power cut: what was written
but not synced survives a kill.)

usage: run.py --programs FOLDER [--seeds FILE] [--rounds N] [--groups]

With --groups most of the sends go to groups, people type and watch each other; a last round lets devices drop and come
back instead.

A round is counted only if at least 8 sends were unanswered at the moment of the kill; else it is repeated with a later
moment. With PARLEY_TEST_SEED set, fresh seeds are drawn from it instead of the file's.
"""

import argparse
import os
import pathlib
import random
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from processes import Broken, Folder, Load, Server, free_port, seed, wait_until  # noqa: E402

ENOUGH = 8
TRIES = 5
PEOPLE = 16
OUTSTANDING = 8
GROUPS = ("--groups", 6, "--group-members", 8, "--group-ratio", 0.7, "--typing", 0.1, "--presence", 0.5)


def one_kill(programs, seeded, folder, number, draw, more):
    """Returns what the kill caught, as parley-load reports it."""
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(seeded, data)
    server = Server(programs, data, free_port(number))
    with server:
        with Load(server, data / "tokens.jsonl", folder, "--devices", 1, "--users", PEOPLE, "--conversations",
                  2 * PEOPLE, "--outstanding", OUTSTANDING, "--read-every", 1, "--duration", 3600, "--settle", 60,
                  "--kill-aware", "--seed", number, *more) as load:
            load.wait_for("sending:")
            time.sleep(draw.uniform(0.0, 1.2))  # the moment is what is drawn; nothing is awaited
            server.kill()
            before = load.acknowledged()
            server.start()
            wait_until(lambda: load.acknowledged() > before, "going on after the kill")
            load.stop_sending()
            report = load.finish()
    caught = report["interruptions"]
    if len(caught) != 1:
        raise Broken(f"one kill, and parley-load saw {len(caught)}")
    return report, caught[0]


def drops(programs, seeded, folder, number):
    """Devices that come and go, without a kill."""
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(seeded, data)
    with Server(programs, data, free_port(number)) as server:
        with Load(server, data / "tokens.jsonl", folder, "--users", PEOPLE, "--rate", 100, "--drop-rate", 10,
                  "--read-every", 1, "--duration", 4, "--settle", 60, "--seed", number, *GROUPS) as load:
            return load.finish()


def rounds(options):
    if fresh := os.environ.get("PARLEY_TEST_SEED"):
        draw = random.Random(f"kill {fresh}")
        return [draw.randrange(1, 1_000_000) for _ in range(options.rounds)]
    lines = options.seeds.read_text().splitlines()
    return [int(line) for line in lines if line and not line.startswith("#")][:options.rounds]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="folder of parleyd and parley-load")
    parser.add_argument("--seeds", type=pathlib.Path, default=HERE / "seeds.txt")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--groups", action="store_true")
    options = parser.parse_args()
    numbers = rounds(options)
    print("seeds:", *numbers, flush=True)
    failed = 0
    with Folder() as folder:
        seed(options.programs, folder / "seeded", PEOPLE)
        for number in numbers:
            draw = random.Random(number)
            try:
                for _ in range(TRIES):
                    report, caught = one_kill(options.programs, folder / "seeded", folder, number, draw,
                                              GROUPS if options.groups else ())
                    if caught["unanswered"] >= ENOUGH:
                        break
                else:
                    raise Broken(f"{TRIES} kills, and none with {ENOUGH} sends unanswered")
                print(f"seed {number}: {caught['unanswered']} unanswered, {caught['stored']} of them stored; "
                      f"{report['counts']['acknowledged']} acknowledged, all there, once, in order", flush=True)
            except Broken as broken:
                failed += 1
                print(f"seed {number}: FAILED: {broken}", flush=True)
        if options.groups:
            try:
                counts = drops(options.programs, folder / "seeded", folder, numbers[0])["counts"]
                if not counts["drops"] or not counts["group_sends"] or not counts["presence_told"]:
                    raise Broken(f"nothing was tried: {counts}")
                print(f"{counts['drops']} devices dropped and came back; {counts['acknowledged']} acknowledged, "
                      f"{counts['group_sends']} of them in groups, all there, once, in order", flush=True)
            except Broken as broken:
                failed += 1
                print(f"drops: FAILED: {broken}", flush=True)
    print(f"{len(numbers)} kills, {failed} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
