#!/usr/bin/env python3
"""Runs the Autobahn WebSocket cases (sections 1 to 7, 9 and 10) against the echo server.

usage: run.py --server PATH --work FOLDER [--requirements FILE]

FOLDER keeps the virtual environment between runs and the report of the last one. Exits with 0 only
if every case was run and its behaviour, and that of its closing handshake, is OK or INFORMATIONAL.
Compression (sections 12 and 13) is not offered by the edge, so those cases are left out.
"""
import argparse
import collections
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import venv

CASES = 301
PASSING = {"OK", "INFORMATIONAL"}
SUITE_SECONDS = 240
HERE = pathlib.Path(__file__).resolve().parent


def prepare(environment: pathlib.Path, requirements: pathlib.Path) -> pathlib.Path:
    """Makes the virtual environment unless it holds these very requirements already."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    stamp = environment / "requirements.sha256"
    if not stamp.exists() or stamp.read_text() != digest:
        print(f"autobahn: installing {requirements.name} into {environment}", flush=True)
        venv.create(environment, clear=True, with_pip=True)
        subprocess.run(
            [environment / "bin" / "python", "-m", "pip", "install", "--quiet",
             "--disable-pip-version-check", "--requirement", requirements],
            check=True)
        stamp.write_text(digest)
    return environment / "bin" / "kosoku"


def run_suite(server_program: pathlib.Path, kosoku: pathlib.Path, report: pathlib.Path) -> int:
    """Starts the server, runs the cases, ends the server; returns the server's exit code."""
    server = subprocess.Popen([server_program, "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        line = server.stdout.readline().split()
        if len(line) != 2 or line[0] != "listening":
            raise SystemExit(f"autobahn: the echo server did not start, it said: {line}")
        suite = subprocess.run(
            [kosoku, "-m", "fuzzingclient", "-x", "12.*", "-x", "13.*", "-o", report, line[1]],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SUITE_SECONDS)
        (report / "output.txt").write_text(suite.stdout)
        if server.poll() is not None:
            raise SystemExit(f"autobahn: the echo server ended by itself with {server.returncode}")
    finally:
        if server.poll() is None:
            server.terminate()
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
            raise SystemExit("autobahn: the echo server did not end on SIGTERM")
    return server.returncode


def judge(report: pathlib.Path) -> bool:
    index = json.loads((report / "index.json").read_text())
    if len(index) != 1:
        print(f"autobahn: expected a report on one server, found {len(index)}")
        return False
    (cases,) = index.values()
    summary = collections.Counter((c["behavior"], c["behaviorClose"]) for c in cases.values())
    for (behavior, closing), count in sorted(summary.items()):
        print(f"autobahn: {count:3} cases: behavior {behavior}, closing {closing}")
    failed = {name: c for name, c in cases.items()
              if c["behavior"] not in PASSING or c["behaviorClose"] not in PASSING}
    for name, c in failed.items():
        print(f"autobahn: case {name}: behavior {c['behavior']}, closing {c['behaviorClose']}; "
              f"see {report / c['reportfile']}")
    if len(cases) != CASES:
        print(f"autobahn: {len(cases)} cases were run, but there are {CASES}")
    return not failed and len(cases) == CASES


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--requirements", type=pathlib.Path,
                        default=HERE.parent / "requirements.txt")
    options = parser.parse_args()
    kosoku = prepare(options.work / "venv", options.requirements)
    report = options.work / "report"
    shutil.rmtree(report, ignore_errors=True)
    report.mkdir(parents=True)
    server_exit = run_suite(options.server, kosoku, report)
    passed = judge(report)
    if server_exit != 0:
        print(f"autobahn: the echo server ended with exit code {server_exit}")
    print("autobahn: " + ("passed" if passed and server_exit == 0 else "FAILED"))
    return 0 if passed and server_exit == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
