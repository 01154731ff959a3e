#!/usr/bin/env python3
"""deploy/config: as scripts/config_files writes it, taken by parleyd, and also with every setting that is shown at its default.

usage: config_test.py --parleyd PATH
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

from balancers import HERE, certificate

ROOT = HERE.parent.parent


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--parleyd", required=True)
    parleyd = arguments.parse_args().parleyd
    subprocess.run([sys.executable, ROOT / "scripts" / "config_files", "--check", "--parleyd", parleyd], check=True)
    with tempfile.TemporaryDirectory(prefix="parley-config-") as name:
        folder = pathlib.Path(name)
        pem, key = certificate(folder)

        def verify(text):
            """Its certificates replaced by such that there are."""
            for file, there in (("process.pem", pem), ("process-key.pem", key), ("authority.pem", pem)):
                text = text.replace(f"/etc/parley/tls/{file}", str(there))
            (folder / "parley.toml").write_text(text)
            return subprocess.run([parleyd, "--config", folder / "parley.toml", "--verify-config"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

        files = sorted((ROOT / "deploy" / "config").glob("*.toml"))
        assert len(files) >= 8, files
        for file in files:
            text = file.read_text()
            whole, defaults = re.subn(r"(?m)^#(\w+ = )", r"\1", text)
            assert defaults, f"{file.name} shows no setting at its default"
            for one in (text, whole):
                done = verify(one)
                assert (done.returncode, done.stdout) == (0, "the settings are good\n"), f"{file.name}: {done.stdout}"
            done = verify(text + "\n[log]\n" if "[log]" not in text else text.replace("[log]", "[log]\nlevle = \"warn\""))
            assert done.returncode == 2 and "log.levle" in done.stdout, f"a setting that there is not is taken: {done.stdout}"
    print("config_test: passed")


if __name__ == "__main__":
    main()
