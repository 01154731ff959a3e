"""start_empty, start_1m, idle_rss."""

import time

from . import machine
from .table import Row


def measure(bench, quick, _start):
    empty = Row("start_empty", "ms", "less", lambda v, _: v <= 500, None, "<= 500")
    million = Row("start_1m", "ms", "less", lambda v, _: v <= 1000, None, "<= 1,000")
    rss = Row("idle_rss", "MB", "less", lambda v, _: v <= 60, lambda v, _: v <= 40, "<= 60", "<= 40")
    full = bench.copy(bench.seeded(2_000, 10, 100))
    for _ in range(1 if quick else 5):
        with bench.server(machine.fresh(bench.data / "empty"), test_data=False) as server:
            empty.add(server.start_ms)
            time.sleep(1)  # what a start leaves to be done later belongs to the idle server
            rss.add(machine.rss_bytes(server.pid) / 1e6)
        with bench.server(full) as server:
            million.add(server.start_ms)
        print(f"start: empty {empty.samples[-1]:.0f} ms, 1M messages {million.samples[-1]:.0f} ms, "
              f"idle {rss.samples[-1]:.1f} MB", flush=True)
    return [empty, million, rss]
