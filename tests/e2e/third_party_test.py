#!/usr/bin/env python3
"""Runs third_party_client/client.py against a fresh parleyd.

usage: third_party_test.py --parleyd PATH --work FOLDER

FOLDER keeps the virtual environment between runs; what is in it is pinned by tests/requirements.txt.
"""
import argparse
import pathlib
import subprocess
import tempfile

from support import Server, prepare

HERE = pathlib.Path(__file__).resolve().parent


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--parleyd", required=True)
    arguments.add_argument("--work", required=True, type=pathlib.Path)
    options = arguments.parse_args()
    python = prepare(options.work / "environment", "websockets")
    with tempfile.TemporaryDirectory(prefix="parley-e2e-") as folder:
        server = Server(options.parleyd, pathlib.Path(folder) / "data")
        try:
            subprocess.run([python, HERE / "third_party_client" / "client.py", f"127.0.0.1:{server.port}"],
                           check=True, timeout=120)
        finally:
            code = server.stop()
        assert code == 0, f"parleyd exited with {code} after SIGTERM"


main()
