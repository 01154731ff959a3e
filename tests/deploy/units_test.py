#!/usr/bin/env python3
"""The units of deploy/systemd are good and closed, by systemd's own tools; and parleyd keeps its side of them: it tells its
supervisor when it is ready, that it is alive and that it stops, and outlives a reload.

usage: units_test.py --parleyd PATH
"""

import argparse
import os
import pathlib
import signal
import socket
import subprocess
import tempfile

from balancers import HERE, program

UNITS = HERE.parent.parent / "deploy" / "systemd"
EXPOSURE = 20  # tenths, of 100: systemd-analyze security
OWN = ("#", "Description=", "ExecStart=", "EnvironmentFile=")


def lines(unit):
    return [line for line in unit.read_text().splitlines() if not line.startswith(OWN)]


def check_units(parleyd, folder):
    one, many = UNITS / "parleyd.service", UNITS / "parleyd@.service"
    assert lines(one) == lines(many), "the two units differ in more than the file of settings"
    for unit in (one, many):
        copy = folder / unit.name
        copy.write_text(unit.read_text().replace("/usr/bin/parleyd", str(parleyd)))
        # A template is looked at as one of its instances.
        name = folder / unit.name.replace("@.", "@gateway.")
        if name != copy:
            name.symlink_to(copy)
        for arguments in (["verify", "--man=no", name], ["security", "--offline=yes", f"--threshold={EXPOSURE}", "--no-pager", name]):
            done = subprocess.run([program("systemd-analyze"), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
            assert done.returncode == 0, f"{unit.name}: {done.stdout}"
            assert arguments[0] == "security" or not done.stdout.strip(), f"{unit.name}: {done.stdout}"


def check_process(parleyd, folder, address):
    """`address`: of the supervisor's socket, as in its environment."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(address.replace("@", "\0", 1))
        supervisor.settimeout(60)
        environment = os.environ | {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "300000"}
        process = subprocess.Popen([parleyd, "--data", folder / "data", "--listen", "127.0.0.1:0", "--server-admin", "127.0.0.1:0"], env=environment,
                                   stdout=subprocess.PIPE, text=True)
        try:
            def hears(what):
                while not (said := supervisor.recv(4096).decode()).startswith(what):
                    assert process.poll() is None, "parleyd ended"
                return said

            assert supervisor.recv(4096).startswith(b"STATUS=starting")
            ready = supervisor.recv(4096).decode().splitlines()
            assert ready[0] == "READY=1", ready
            assert any(line.startswith("STATUS=all on 127.0.0.1:") for line in ready), ready
            hears("WATCHDOG=1")
            hears("WATCHDOG=1")
            process.send_signal(signal.SIGHUP)
            hears("WATCHDOG=1")
            hears("WATCHDOG=1")
            process.send_signal(signal.SIGTERM)
            hears("STOPPING=1")
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--parleyd", required=True, type=pathlib.Path)
    parleyd = arguments.parse_args().parleyd.resolve()
    with tempfile.TemporaryDirectory(prefix="parley-units-") as name:
        folder = pathlib.Path(name)
        check_units(parleyd, folder)
        check_process(parleyd, folder, str(folder / "notify"))
        check_process(parleyd, folder, f"@{folder}/abstract")
    print("units_test: passed")


if __name__ == "__main__":
    main()
