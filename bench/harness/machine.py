"""Reads what the kernel says of the machine and of processes."""

import os
import pathlib
import shutil
import time

SERVER_CORE = 0
LOAD_CORE = 1
TICKS = os.sysconf("SC_CLK_TCK")


def file_system(path):
    """The type of the file system that holds `path`."""
    best = ("", "unknown")
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, mount, kind = line.split()[:3]
        if os.path.commonpath([mount, os.path.realpath(path)]) == mount and len(mount) >= len(best[0]):
            best = (mount, kind)
    return best[1]


def core_busy_seconds(core):
    """User, nice, system and stolen time of a core; interrupts are left out, for they are the server's own traffic."""
    for line in pathlib.Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            user, nice, system, _, _, _, _, steal = map(int, line.split()[1:9])
            return (user + nice + system + steal) / TICKS
    raise RuntimeError(f"/proc/stat has no cpu{core}")


def stolen_seconds():
    """How long the machine below let this one's cores wait, all of them together."""
    words = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()
    return int(words[8]) / TICKS


def cpu_seconds(pid):
    """What the threads of a process have run, to the nanosecond where the kernel keeps it. Threads that ended are not
    in it, so it is for differences over times in which none does."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def _field(path, name):
    for line in pathlib.Path(path).read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"{path} has no {name}")


def pss_bytes(pid):
    return _field(f"/proc/{pid}/smaps_rollup", "Pss")


def rss_bytes(pid):
    return _field(f"/proc/{pid}/status", "VmRSS")


# Caches of files and of processes: a compiler that runs beside the bench fills them, a connection does not.
NOT_OF_CONNECTIONS = ("ext4", "xfs", "btrfs", "jbd2", "buffer_head", "radix_tree", "extent", "inode_cache", "proc_",
                      "kernfs", "shmem", "vm_area", "anon_vma", "maple", "mm_struct", "task_", "signal_", "sighand",
                      "files_cache", "pid", "fs_cache", "fs_struct", "bio", "blkdev", "overlay", "ovl_", "fuse")


def slab_bytes():
    """What the kernel's slabs take, without those that have nothing to do with connections where it says which."""
    try:
        lines = pathlib.Path("/proc/slabinfo").read_text().splitlines()[2:]
    except PermissionError:
        return _field("/proc/meminfo", "Slab")
    total = 0
    for line in lines:
        words = line.split()
        if not words[0].startswith(NOT_OF_CONNECTIONS):
            total += int(words[-2]) * int(words[5]) * os.sysconf("SC_PAGESIZE")  # slabs, pages of each
    return total


class Disturbance:
    """How much of the server's core others took, in points of 100; and what was stolen of all cores."""

    LIMIT = 8.0

    def __init__(self, *pids):
        self._pids = pids
        self._start = (time.monotonic(), core_busy_seconds(SERVER_CORE), self._own_seconds())
        self._stolen = stolen_seconds()

    def end(self):
        """Returns (points of others, points of the processes)."""
        wall = time.monotonic() - self._start[0]
        own = self._own_seconds() - self._start[2]
        busy = core_busy_seconds(SERVER_CORE) - self._start[1]
        return max(0.0, 100 * (busy - own) / wall), 100 * own / wall

    def _own_seconds(self):
        return sum(cpu_seconds(pid) for pid in self._pids)

    def stolen(self):
        """Points of all cores together since the start."""
        return 100 * (stolen_seconds() - self._stolen) / (time.monotonic() - self._start[0]) / os.cpu_count()


def describe():
    model = next((line.split(":", 1)[1].strip()
                  for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown processor")
    memory = _field("/proc/meminfo", "MemTotal") / 2**30
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GiB, Linux {os.uname().release}"


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
