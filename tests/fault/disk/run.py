#!/usr/bin/env python3
"""Fills the server's disk under load, and makes space again.

Stands for: a log, a backup or the messages themselves that fill the disk. While it is full, sends are answered
`storage_full`, which is retryable; what was acknowledged stays; when space returns, the same server goes on, without a
restart.

usage: run.py --programs FOLDER

The disk is a small tmpfs in a mount namespace of this process; where the system refuses that, the test says so and ends
with 77 (skipped).
"""

import argparse
import ctypes
import os
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from processes import Broken, Folder, Load, Server, free_port, seed, wait_until  # noqa: E402

SKIPPED = 77
MIB = 1 << 20
DISK = 256 * MIB
LEFT = 4 * MIB  # what the ballast leaves
CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
MNT_DETACH = 2


def mount_small_disk(where):
    """Says why it cannot be done, or returns None."""
    libc = ctypes.CDLL(None, use_errno=True)

    def refused(what):
        return f"{what}: {os.strerror(ctypes.get_errno())}"

    if libc.unshare(CLONE_NEWNS) != 0:
        return refused("a mount namespace of its own")
    if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        return refused("private mounts")
    if libc.mount(b"tmpfs", os.fsencode(where), b"tmpfs", 0, f"size={DISK}".encode()) != 0:
        return refused("mounting a tmpfs")
    return None


def free_bytes(where):
    disk = os.statvfs(where)
    return disk.f_bavail * disk.f_frsize


def fill(ballast):
    """Takes what is free but for a little."""
    with open(ballast, "wb") as out:
        while (more := min(MIB, free_bytes(ballast.parent) - LEFT)) > 0:
            out.write(b"x" * more)
            out.flush()


def stands_still(load):
    """Nothing more is acknowledged: four lines of progress say the same."""
    counts = re.findall(r"^sending:.* (\d+) in all", load.text(), re.MULTILINE)
    return len(counts) >= 5 and len(set(counts[-4:])) == 1 and counts[-1] != "0"


def run(programs, folder):
    disk = folder / "disk"
    disk.mkdir()
    if reason := mount_small_disk(disk):
        print(f"SKIPPED: the system refuses {reason}")
        return SKIPPED
    try:
        return fill_and_make_space(programs, folder, disk)
    finally:
        ctypes.CDLL(None).umount2(os.fsencode(disk), MNT_DETACH)


def fill_and_make_space(programs, folder, disk):
    data, ballast = disk / "data", disk / "ballast"
    seed(programs, data, 16)
    with Server(programs, data, free_port("disk")) as server:
        with Load(server, data / "tokens.jsonl", folder, "--users", 16, "--outstanding", 4, "--text-bytes", 4000,
                  "--duration", 3600, "--settle", 90) as load:
            load.wait_for("sending:")
            fill(ballast)
            wait_until(lambda: stands_still(load), "the disk being full", 120)
            if not server.alive():
                raise Broken(f"the server ended: {server.errors()}")
            full_at = load.acknowledged()
            ballast.unlink()
            wait_until(lambda: load.acknowledged() > full_at, "sending again")
            load.stop_sending()
            report = load.finish()
    if report["errors"].get("storage_full", 0) == 0:
        raise Broken(f"nobody was told storage_full: {report['errors']}")
    print(f"full after {full_at} messages; {report['errors']['storage_full']} sends answered storage_full; with space again, "
          f"{report['counts']['acknowledged']} acknowledged, all there, once, in order")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="folder of parleyd and parley-load")
    options = parser.parse_args()
    with Folder() as folder:
        try:
            return run(options.programs.resolve(), folder)
        except Broken as broken:
            print(f"FAILED: {broken}")
            return 1


if __name__ == "__main__":
    sys.exit(main())
