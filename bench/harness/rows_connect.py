"""connect, connect_p99: clients that ask a gateway where to connect, which knows 500 of its kind."""

import json

from . import machine
from .processes import Failed, Program
from .rows_durable import undisturbed
from .table import Row, TailRow

RATE = 5_000


def run(bench, rate, seconds):
    program = bench.bin / "connect_bench"
    with Program("connect-gateway", [program, "serve"], machine.SERVER_CORE, bench.data) as gateway:
        port = gateway.wait_for_line("listening on ").rsplit(":", 1)[1]
        watch = machine.Disturbance(gateway.pid)
        load = Program("connect-load", [program, "load", port, rate, seconds], machine.LOAD_CORE, bench.data)
        output = load.process.stdout.read()
        others, own = watch.end()
        load.stop()
    if load.process.returncode != 0:
        raise Failed(f"connect_bench load ended with {load.process.returncode}: {load.tail()}")
    figures = json.loads(output)
    if figures["failed"]:
        raise Failed(f"connect_bench: {figures['failed']} of {figures['asked']} were not told where to connect")
    print(f"connect at {rate or 'most'}: {figures['per_second']:,.0f}/s, p50 {figures['p50_ms']:.2f} ms, p99 {figures['p99_ms']:.2f} ms, "
          f"the gateway's core {own:.0f} %", flush=True)
    return figures, others


def measure(bench, quick, _start):
    most = Row("connect", "/s", "more", lambda v, _: v >= 5_000, None, ">= 5,000")
    tail = TailRow("connect_p99", "ms", "less", lambda v, _: v <= 5, None, "<= 5")
    for _ in range(1 if quick else 5):
        for row, rate, figure in ((most, 0, "per_second"), (tail, RATE, "p99_ms")):
            row.add(undisturbed(row, row.name, lambda r=rate: run(bench, r, 2 if quick else 5))[figure])
    most.note("64 connections, each asks when it was answered; 500 gateways in 25 zones, each of which says its load anew every 3 s")
    tail.note(f"at {RATE:,}/s, open loop, from the intended time")
    return [most, tail]
