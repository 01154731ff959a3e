#!/usr/bin/env python3
"""Explores ownership.pml. The protocol as it is must show no violation, explored completely, in several scopes; with any
one of its rules removed there must be one. Prints a table, and fails if a run is not as it must be.
NAME...: these runs alone. --all: also the longer ones. --trail: what led to each violation, as SPIN tells it."""
import argparse, pathlib, re, resource, subprocess, sys, tempfile

from runs import BREAKS, HOLDS, LONG

MODEL = pathlib.Path(__file__).resolve().with_name("ownership.pml")
STEPS = 400_000  # of one behaviour, at most; a run that meets one longer is incomplete


def spin(flags, folder, megabytes, seconds, optimise):
    """(violated assertion or None, explored completely, states, MB, what went wrong)."""
    defines = [f"-D{flag}" for flag in flags.split()]
    made = subprocess.run(["spin", "-a", *defines, MODEL], cwd=folder, capture_output=True, text=True)
    if made.returncode != 0 or "rror" in made.stdout + made.stderr:
        return None, False, 0, 0, f"spin: {made.stdout}{made.stderr}"
    made = subprocess.run(["cc", optimise, "-w", "-DSAFETY", "-DCOLLAPSE", "-DVECTORSZ=2048", f"-DMEMLIM={megabytes}",
                           "-o", "pan", "pan.c"], cwd=folder, capture_output=True, text=True)
    if made.returncode != 0:
        return None, False, 0, 0, f"cc: {made.stderr}"
    try:
        out = subprocess.run(["./pan", "-E", f"-m{STEPS}"], cwd=folder, capture_output=True, text=True,
                             timeout=seconds).stdout
    except subprocess.TimeoutExpired:
        return None, False, 0, 0, f"not done in {seconds} s"

    def number(pattern):
        found = re.search(pattern, out)
        return float(found.group(1)) if found else 0

    violated = re.search(r"assertion violated (.*) \(at depth", out)
    # SPIN reaches its limits of memory and depth without failing: only its words tell.
    stopped = re.search(r"Search not completed|max search depth too small|out of memory|memory limit|resizing", out)
    whole = "elapsed time" in out and "errors: 0" in out and not stopped
    return (violated and violated.group(1).strip(), whole, int(number(r"([\d.e+]+) states, stored")),
            number(r"([\d.]+)\s+total actual memory usage"), "" if whole or violated else out[-2000:])


def seconds_used():
    """Of the processor, by what this has run: the same on a busy machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def trail(flags, folder):
    defines = [f"-D{flag}" for flag in flags.split()]
    print(subprocess.run(["spin", "-k", "ownership.pml.trail", "-g", "-l", "-p", *defines, MODEL], cwd=folder,
                         capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--trail", action="store_true")
    args = parser.parse_args()
    runs = [(run, False) for run in HOLDS] + [(run, True) for run in BREAKS]
    if args.all or args.names:
        runs += [(run, False) for run in LONG]
    if unknown := set(args.names) - {run[0] for run, _ in runs}:
        parser.error(f"no such run: {', '.join(unknown)}")
    bad = 0
    print(f"{'run':<14} {'switches':<34} {'states':>12} {'MB':>6} {'CPU s':>6}  verdict")
    for (name, flags, *_), breaks in runs:
        if args.names and name not in args.names:
            continue
        long = any(run[0] == name for run in LONG)
        with tempfile.TemporaryDirectory() as folder:
            start = seconds_used()
            # What is violated soon is not worth compiling well.
            violated, whole, states, megabytes, trouble = spin(
                flags, folder, 6000 if long else 1500, 3600 if long else 400, "-O1" if breaks else "-O2")
            good = bool(violated) if breaks else whole and not violated
            verdict = f"violated: {violated}" if violated else "holds" if whole else "INCOMPLETE"
            print(f"{name:<14} {flags:<34} {states:>12,} {megabytes:>6.0f} {seconds_used() - start:>6.1f}  "
                  f"{'' if good else 'WRONG: '}{verdict}", flush=True)
            if trouble:
                print(trouble, flush=True)
            if args.trail and violated:
                trail(flags, folder)
        bad += not good
    print(f"{bad} wrong, {seconds_used():.0f} s of one core")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
