"""room_10k_w1, room_1k_w8, group_100k_cost, group_100k_cost_100, group_100k_last_ms."""

import json
import time

from . import machine
from .processes import Failed, Program
from .rows_durable import undisturbed
from .table import Row

TEXT_BYTES = 128
FRAME_BYTES = 240  # what an entry of such a text takes on the wire
MANY = 100_000
RATE = 20  # posts a second, so that what runs by the clock (confirmations) weighs the same on both sides
IDLE = 0.02  # of a core


class Measured:
    """A load, and what the server took while it measured."""

    def __init__(self, bench, server, tokens, *options):
        program = bench.load_begun(
            server.address, tokens, "--text-bytes", TEXT_BYTES, "--read-every", 0, "--group-ratio", 1, "--group-posters",
            1, "--one-history", "--no-views", "--connecting", 256, "--settle", 60, "--say-when", *options)
        try:
            program.wait_for_line("measuring", patience=180)
            before, watch = machine.cpu_seconds(server.pid), machine.Disturbance(server.pid)
            program.wait_for_line("measured", patience=180)
            self.cpu = machine.cpu_seconds(server.pid) - before
            self.others, self.own = watch.end()
            output = program.process.stdout.read().decode(errors="replace")
        finally:
            program.stop()
        self.report = bench.load_report(program, output)
        self.delivered = self.report["counts"]["delivered_in_time"]
        self.posts = self.report["counts"]["acknowledged_in_time"]
        if not self.posts:
            raise Failed("no post was acknowledged while it was measured")


def room_floor(bench, members, merged, seconds):
    server = Program("room_floor", [bench.bin / "room_floor", "serve", members, FRAME_BYTES, merged, seconds],
                     machine.SERVER_CORE, bench.data)
    with server:
        port = server.wait_for_line("listening on ")
        with Program("room_floor_members", [bench.bin / "room_floor", "receive", port, members, FRAME_BYTES, merged],
                     machine.LOAD_CORE, bench.data):
            watch = machine.Disturbance(server.pid)
            line = server.wait_for_line("{", patience=120)
            others = watch.end()[0]
    return json.loads("{" + line)["per_core_second"], others


def room(bench, row, members, outstanding, seconds):
    folder = bench.copy(bench.seeded(members, 0, 0))
    with bench.server(folder) as server:
        run = Measured(bench, server, folder / "tokens.jsonl", "--groups", 1, "--group-members", members,
                       "--outstanding", outstanding, "--until-everywhere", "--warm-up", 3, "--duration", seconds)
    value = run.delivered / run.cpu
    print(f"{row.name}: {value:,.0f} deliveries a server core-second, {run.posts} posts, everywhere p50 "
          f"{run.report['everywhere_ms']['p50']:.1f} ms, load's CPU {run.report['cpu_percent']:.0f} %, server's "
          f"{run.own:.0f} %, others on its core {run.others:.0f} %", flush=True)
    return value, run.others


def wait_until_idle(server):
    """Members who are away are pushed with the first post after a start; that is not what is measured."""
    for _ in range(180):
        before = machine.cpu_seconds(server.pid)
        time.sleep(1)
        if machine.cpu_seconds(server.pid) - before < IDLE:
            return
    raise Failed("the server does not come to rest")


def rooms(bench, quick):
    kinds = {
        "room_10k_w1": (10_000, 1, Row("room_10k_w1", "/core-s", "more", lambda v, f: v >= 0.5 * f,
                                       lambda v, f: v >= 0.85 * f, ">= 0.5x", ">= 0.85x")),
        "room_1k_w8": (1_000, 8, Row("room_1k_w8", "/core-s", "more", lambda v, f: v >= 0.3 * f,
                                     lambda v, f: v >= 0.8 * f, ">= 0.3x", ">= 0.8x")),
    }
    for _ in range(1 if quick else 3):
        for members, outstanding, row in kinds.values():
            seconds = 3 if quick else 6
            floor = undisturbed(row, f"floor of {row.name}", lambda m=members, o=outstanding: room_floor(bench, m, o, 3))
            print(f"floor of {row.name}: {floor:,.0f} deliveries a core-second", flush=True)
            row.add(undisturbed(row, row.name, lambda m=members, o=outstanding, r=row: room(bench, r, m, o, seconds)),
                    floor)
            row.note(f"{members} members, each of whom confirms once a second; {outstanding} in flight until every "
                     "member has it; the floor is not confirmed")
    return [row for _, _, row in kinds.values()]


def cost(bench, server, folder, row, online):
    """CPU per post into the group of 100,000, and into the smallest group with the same people online."""
    common = ("--users", online, "--rate", RATE, "--warm-up", 2, "--duration", 5)
    tokens = folder / "tokens.jsonl"
    runs = {}
    for name, options in (("large", ("--groups-of-file",)), ("small", ("--groups", 1, "--group-members", online))):
        def once(options=options):
            run = Measured(bench, server, tokens, *common, *options)
            return run, run.others
        runs[name] = undisturbed(row, f"{row.name} {name}", once)
    values = [1e6 * runs[name].cpu / runs[name].posts for name in ("large", "small")]
    last = runs["large"].report["everywhere_ms"]
    print(f"{row.name}: {values[0]:,.0f} us of CPU a post with {MANY} members, {values[1]:,.0f} us with {online}; to the "
          f"last one p50 {last['p50']:.1f}, p99 {last['p99']:.1f} ms", flush=True)
    row.add(*values)
    row.note(f"{online} members online in both, {RATE} posts a second; against a group of those {online} alone")
    return last["p99"]


def large_group(bench, quick):
    def cost_row(name):
        return Row(name, "us/post", "less", lambda v, f: v <= 1.1 * f, lambda v, f: v <= 1.02 * f, "<= 1.1x", "<= 1.02x")

    thousand, hundred = cost_row("group_100k_cost"), cost_row("group_100k_cost_100")
    last = Row("group_100k_last_ms", "ms", "less", lambda v, _: v <= 1_000, lambda v, _: v <= 100, "<= 1,000", "<= 100")
    last.note("p99 of the posts of a run, 1,000 members online")
    folder = bench.copy(bench.seeded(MANY, 0, 0, groups=1, group_members=MANY))
    with bench.server(folder) as server:
        bench.load(server.address, folder / "tokens.jsonl", "--users", 100, "--groups-of-file", "--group-ratio", 1,
                   "--group-posters", 1, "--messages", 1, "--duration", 60, "--settle", 60, "--no-views")
        wait_until_idle(server)
        for _ in range(1 if quick else 3):
            last.add(cost(bench, server, folder, thousand, 1_000))
            cost(bench, server, folder, hundred, 100)
    return [thousand, hundred, last]


def measure(bench, quick, _start):
    return rooms(bench, quick) + large_group(bench, quick)
