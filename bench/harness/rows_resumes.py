"""resumes, resumes_token."""

from . import machine
from .table import Row

OUTSTANDING = 64


def measure(bench, quick, _start):
    ticket = Row("resumes", "/s", "more", lambda v, _: v >= 8_000, lambda v, _: v >= 20_000, ">= 8,000", ">= 20,000")
    token = Row("resumes_token", "/s", "more", lambda v, _: v >= 4_000, lambda v, _: v >= 10_000, ">= 4,000",
                ">= 10,000")
    few = bench.seeded(2_000, 1, 1)
    # Each token is used once, by a device that comes for the first time.
    many = bench.seeded(20_000 if quick else 60_000, 1, 1)
    for _ in range(1 if quick else 5):
        for row, seed, options in ((ticket, few, ()), (token, many, ("--fresh-tokens",))):
            folder = bench.copy(seed)
            with bench.server(folder) as server:
                watch = machine.Disturbance(server.pid)
                report = bench.load(server.address, folder / "tokens.jsonl", "--mode", "resumes", "--outstanding",
                                    OUTSTANDING, "--duration", 2 if quick else 5, *options)
                others, own = watch.end()
            row.add(report["resumes_per_second"])
            row.note(f"{OUTSTANDING} under way at once")
            print(f"{row.name}: {row.samples[-1]:,.0f}/s, p99 {report['resume_ms']['p99']:.1f} ms, load's CPU "
                  f"{report['cpu_percent']:.0f} %, server's {own:.0f} %, others on its core {others:.0f} %", flush=True)
            if others > machine.Disturbance.LIMIT:
                row.note(f"disturbed: others took {others:.0f} % of the server's core in one run")
    return [ticket, token]
