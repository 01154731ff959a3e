#!/usr/bin/env python3
"""Runs third_party_client/client.py against a fresh parleyd.

usage: third_party_test.py --parleyd PATH --work FOLDER

FOLDER keeps the virtual environment between runs; what is in it is pinned by tests/requirements.txt.
"""
import argparse
import hashlib
import pathlib
import subprocess
import tempfile
import venv

from support import Server

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE.parent / "requirements.txt"


def prepare(environment):
    """The interpreter of a virtual environment with `websockets`; made anew when the pins change."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    stamp = environment / "requirements.sha256"
    python = environment / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != digest:
        venv.create(environment, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "websockets", "--constraint", REQUIREMENTS], check=True)
        stamp.write_text(digest)
    return python


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--parleyd", required=True)
    arguments.add_argument("--work", required=True, type=pathlib.Path)
    options = arguments.parse_args()
    python = prepare(options.work / "environment")
    with tempfile.TemporaryDirectory(prefix="parley-e2e-") as folder:
        server = Server(options.parleyd, pathlib.Path(folder) / "data")
        try:
            subprocess.run([python, HERE / "third_party_client" / "client.py", f"127.0.0.1:{server.port}"],
                           check=True, timeout=120)
        finally:
            code = server.stop()
        assert code == 0, f"parleyd exited with {code} after SIGTERM"


main()
