"""durable_64, durable_1024, durable_64k, ack_p99_half; the durable ones also with a slower sync."""

import json
import time

from . import machine
from .processes import Failed, Program, Syncs
from .table import Row, TailRow

SENDERS = 64
TEXT_BYTES = 128
ENOUGH = 17 * 60  # seconds since the start after which no further round is begun
DISCARDS = 3
FLOOR_RATE = 500  # synced writes a second: well below what a disk takes


class Kind:
    """One way to load both servers."""

    def __init__(self, name, outstanding, seconds, users=2 * SENDERS, conversations=SENDERS):
        self.name, self.outstanding, self.seconds = name, outstanding, seconds
        self.users, self.conversations = users, conversations


def kinds(quick):
    return [Kind("durable_64", 1, 3 if quick else 6), Kind("durable_1024", 16, 3 if quick else 6),
            Kind("durable_64k", 16, 6 if quick else 20, SENDERS + 1_000, 64_000)]


def make_rows(suffix):
    at_least = {"durable_64": 0.6, "durable_1024": 0.2, "durable_64k": 0.15}
    aim = {"durable_64": 1.2, "durable_1024": 0.7, "durable_64k": 0.5}

    def times(factor):
        return (lambda value, floor: value >= factor * floor) if not suffix else None

    def text(factor):
        return f">= {factor}x" if not suffix else ""

    rows = {name: Row(name + suffix, "/s", "more", times(at_least[name]), times(aim[name]), text(at_least[name]),
                      text(aim[name])) for name in at_least}
    rows["durable_64_p99"] = TailRow("durable_64_p99" + suffix, "ms", "less",
                                     (lambda value, _: value <= 6) if not suffix else None, None,
                                     "<= 6" if not suffix else "")
    return rows


def undisturbed(row, what, once):
    """Measures until others leave the server's core alone, and says so if they never do."""
    runs = []
    for _ in range(1 + DISCARDS):
        runs.append(once())
        if runs[-1][1] <= machine.Disturbance.LIMIT:
            return runs[-1][0]
        print(f"{what}: discarded, others took {runs[-1][1]:.0f} % of the server's core", flush=True)
    result, others = min(runs, key=lambda run: run[1])
    row.note(f"disturbed: the quietest run is kept, in which others took {others:.0f} % of the server's core")
    return result


def redis(bench, kind, delay_us):
    folder = bench.data
    syncs = Syncs(bench.bin / "libsync_shim.so", folder, delay_us)
    with bench.redis(syncs) as server:
        before, watch = syncs.count(), machine.Disturbance(server.pid)
        report = bench.floor("redis_floor", server.port, SENDERS, kind.outstanding, TEXT_BYTES,
                             min(kind.seconds, 6))
        report["syncs"] = (syncs.count() - before) / min(kind.seconds, 6)
        others, own = watch.end()
    print(f"floor of {kind.name}: {report['per_second']:,.0f}/s, p99 {report['p99_ms']:.2f} ms, "
          f"{report['syncs']:,.0f} syncs/s, Redis' CPU {own:.0f} %", flush=True)
    return report, others


def parley(bench, kind, delay_us, *options):
    folder = bench.copy(bench.seeded(kind.users, 0, 0))
    syncs = Syncs(bench.bin / "libsync_shim.so", bench.data, delay_us)
    with bench.server(folder, syncs) as server:
        before, begun, watch = syncs.count(), time.monotonic(), machine.Disturbance(server.pid)
        report = bench.load(
            server.address, folder / "tokens.jsonl", "--users", kind.users, "--senders", SENDERS, "--conversations",
            kind.conversations, "--text-bytes", TEXT_BYTES, "--read-every", 0, "--warm-up", 1, "--duration",
            kind.seconds, "--settle", 30, "--one-history", "--no-views",
            *(options or ("--outstanding", kind.outstanding)))
        others, own = watch.end()
        report["stolen"] = watch.stolen()
        sending = time.monotonic() - begun - report["prove_seconds"]
        report["syncs"], report["server_cpu"] = (syncs.count() - before) / sending, own
    print(f"{kind.name}: {report['acknowledged_per_second']:,.0f}/s acknowledged, "
          f"{report['delivered_per_second']:,.0f}/s delivered, {report['confirmed_per_second']:,.0f}/s confirmed, "
          f"p99 {report['acknowledgement_ms']['p99']:.2f} ms, {report['syncs']:,.0f} syncs/s, load's CPU "
          f"{report['cpu_percent']:.0f} %, server's {own:.0f} %, proved in {report['prove_seconds']:.1f} s", flush=True)
    return report, others


def throughput(row, report):
    """Where the load is the bottleneck, the figure is per second of the server's core."""
    value = report["acknowledged_per_second"]
    if report["cpu_percent"] > 95 and report["server_cpu"] > 0:
        row.note("per server core-second: the load program was at its limit")
        return value / min(1.0, report["server_cpu"] / 100)
    return value


def acknowledgement_tail(bench, rate, quick):
    """The server's p99 at a rate, and the floor's: synced writes at a rate, while the load runs against an echo."""
    seconds = 4 if quick else 8
    kind = Kind("ack_p99_half", 0, seconds)
    report, others = parley(bench, kind, 0, "--rate", f"{rate:.0f}")
    with Program("echo_floor", [bench.bin / "echo_floor"], machine.SERVER_CORE, bench.data) as echo:
        load = bench.load_begun(echo.wait_for_line("listening on "), None, "--mode", "echo", "--rate", f"{rate:.0f}",
                                "--text-bytes", 200, "--duration", seconds, "--senders", SENDERS)
        with load, Program("fsync_floor", [bench.bin / "fsync_floor", bench.data / "fsync", seconds, FLOOR_RATE],
                           machine.SERVER_CORE, bench.data) as sync:
            watch = machine.Disturbance(sync.pid)
            floor = json.loads(sync.process.stdout.read())
            floor["stolen"] = watch.stolen()
            echoed = bench.load_report(load, load.process.stdout.read().decode()) if load.process.wait() == 0 else {}
    print(f"ack_p99_half: {report['acknowledgement_ms']['p99']:.2f} ms at {rate:,.0f}/s; floor: "
          f"{floor['per_second']:,.0f} synced writes/s p50 {floor['p50_ms']:.2f} p99 {floor['p99_ms']:.2f} ms (the calls alone p50 "
          f"{floor['write_p50_ms']:.2f} p99 {floor['write_p99_ms']:.2f} ms), echo p99 "
          f"{echoed.get('acknowledgement_ms', {}).get('p99', float('nan')):.2f} ms; stolen {report['stolen']:.1f} % of "
          f"the cores, from the floor {floor['stolen']:.1f} %", flush=True)
    return (report, floor), others


def measure(bench, quick, start):
    rows, slow = make_rows(""), make_rows("_sync1ms")
    tail = TailRow("ack_p99_half", "ms", "less", lambda v, f: v <= 3 * f + 2, lambda v, f: v <= 2 * f + 1,
                   "<= 3x + 2 ms", "<= 2x + 1 ms")
    stolen = []
    for round_number in range(1 if quick else 5):
        if time.monotonic() - start > ENOUGH:
            print("durable: no time for another round", flush=True)
            break
        floors = {}
        for kind in kinds(quick):
            row = rows[kind.name]
            if kind.conversations == SENDERS:
                floors[kind.outstanding] = undisturbed(row, "redis", lambda k=kind: redis(bench, k, 0))
            floor = floors[kind.outstanding]
            report = undisturbed(row, kind.name, lambda k=kind: parley(bench, k, 0))
            row.add(throughput(row, report), floor["per_second"])
            row.note(f"{kind.outstanding * SENDERS} outstanding, {kind.users} connections, {kind.conversations} "
                     f"conversations; {report['syncs']:,.0f} syncs/s, the floor {floor['syncs']:,.0f}; load's CPU "
                     f"{report['cpu_percent']:.0f} %") if round_number == 0 else None
            if kind.name == "durable_64":
                rows["durable_64_p99"].add(report["acknowledgement_ms"]["p99"], floor["p99_ms"])
        rate = rows["durable_64"].value / 2
        report, floor = undisturbed(tail, "ack_p99_half", lambda: acknowledgement_tail(bench, rate, quick))
        tail.add(report["acknowledgement_ms"]["p99"], floor["p99_ms"])
        stolen.append((report["stolen"], floor["stolen"]))
        if round_number >= 2:
            continue  # two rounds are enough of what has no limit of its own
        for kind in kinds(quick)[:2]:
            floor = redis(bench, kind, 1000)[0]
            report = parley(bench, kind, 1000)[0]
            slow[kind.name].add(throughput(slow[kind.name], report), floor["per_second"])
            slow[kind.name].note(f"1 ms added to each sync; {report['syncs']:,.0f} syncs/s, the floor "
                                 f"{floor['syncs']:,.0f}") if round_number == 0 else None
            if kind.name == "durable_64":
                slow["durable_64_p99"].add(report["acknowledgement_ms"]["p99"], floor["p99_ms"])
    tail.note("both counted from the intended time; stolen of the cores, in each run and its floor: " +
              ", ".join(f"{ours:.1f} and {its:.1f} %" for ours, its in stolen))
    del slow["durable_64k"]
    return [*rows.values(), tail, *slow.values()]
