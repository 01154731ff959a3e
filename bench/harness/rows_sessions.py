"""session_user_bytes, session_all_bytes, session_idle_cpu."""

import time

from . import machine
from .table import Row

FEW = 1_000
MANY = 19_000
HEARTBEAT = 25
WARMING = 32
STILL = 24  # looks, half a second apart


def settle(server):
    """Waits until the server is idle: its memory has stood still for longer than the store waits before what came
    last goes to its tables (5 s), and than the freed memory waits to be given back (5 s)."""
    seen = []
    for _ in range(90):
        time.sleep(0.5)
        seen.append(machine.pss_bytes(server.pid))
        last = seen[-STILL:]
        if len(last) == STILL and max(last) - min(last) < 64 * 1024:
            return


def hold(bench, server, tokens, first, users):
    """Sessions of so many people, each of whom has sent and received one entry, held until stopped."""
    program = bench.load_begun(server.address, tokens, "--first-user", first, "--users", users, "--messages", 1,
                               "--duration", 60, "--read-every", 0, "--hold", 3600, "--settle", 60, "--connecting", 256,
                               "--no-views", "--one-history")
    try:
        program.wait_for_line("holding ", patience=120)
    except BaseException:
        program.stop()
        raise
    return program


def measure(bench, quick, _start):
    user = Row("session_user_bytes", "B", "less", lambda v, _: v <= 700, lambda v, _: v <= 300, "<= 700", "<= 300")
    everything = Row("session_all_bytes", "B", "less", lambda v, _: v <= 5_000, lambda v, _: v <= 4_500, "<= 5,000",
                     "<= 4,500")
    cpu = Row("session_idle_cpu", "us/s", "less", lambda v, _: v <= 0.5, lambda v, _: v <= 0.25, "<= 0.5", "<= 0.25")
    # 19 conversations from the seed, and the one that the load opens.
    seed = bench.seeded(MANY, 19, 1)
    for repeat in range(1 if quick else 2):
        folder = bench.copy(seed)
        with bench.server(folder) as server:
            tokens = folder / "tokens.jsonl"
            # Caches of a fixed size are not memory of sessions: everyone comes once before, a few at a time.
            bench.load(server.address, tokens, "--mode", "resumes", "--users", MANY, "--connecting", WARMING,
                       "--duration", 0.1)
            user.note(f"the server's caches were warmed before: everyone came once, {WARMING} at a time")
            with hold(bench, server, tokens, 0, FEW):
                settle(server)
                pss, slab = machine.pss_bytes(server.pid), machine.slab_bytes()
                with hold(bench, server, tokens, FEW, MANY - FEW):
                    settle(server)
                    added = MANY - FEW
                    user.add((machine.pss_bytes(server.pid) - pss) / added)
                    everything.add(user.samples[-1] + (machine.slab_bytes() - slab) / 2 / added)
                    print(f"sessions: {user.samples[-1]:.0f} B of the server and {everything.samples[-1]:.0f} B with "
                          f"the kernel's, each of {added} sessions", flush=True)
                    if repeat == 0:
                        cpu.add(idle_cpu(server, 1 if quick else 2))
    return [user, everything, cpu]


def idle_cpu(server, heartbeats):
    """Microseconds of CPU per second and session, over whole heartbeats."""
    time.sleep(HEARTBEAT)  # until every session has come to its first one
    before, start = machine.cpu_seconds(server.pid), time.monotonic()
    time.sleep(heartbeats * HEARTBEAT)
    used = machine.cpu_seconds(server.pid) - before
    value = 1e6 * used / (time.monotonic() - start) / MANY
    print(f"sessions: {value:.3f} us of CPU a second, each", flush=True)
    return value
