"""What the small form does: how fast it is there, how much it takes, and what its users see when a message process goes."""

import collections
import os
import signal
import subprocess
import time

from . import machine, small_form
from .processes import Failed
from .table import Row

PAIRS = 64  # people, each with one other
RATES = (800, 1_200, 1_600, 2_000)  # messages a second
LOWER = (600, 400, 200)  # where even the first is too much
MOST_P99 = 150  # ms
WARM_UP = 300  # seconds: for so long their compilers take a third of a core and more, at each first compaction, too
MESSAGES = ["message 1", "message 2"]


class WorstRow(Row):
    """A figure of which the worst sample counts."""

    def summary(self, samples):
        return max(samples)


def people(count):
    return ["--sign-up", count, "--conversations", count]


def cold_start(form):
    """Seconds of each part from stopped servers and an empty folder to the first delivered message. What the system has
    of programs in memory stays there."""
    parts = form.start()
    begun = time.monotonic()
    with form.load("--sign-up", 2, "--senders", 1, "--messages", 1) as load:
        sends = load.wait_for("measuring")
        report = load.finish()
    if report["delivery_ms"]["count"] != 1:
        raise Failed(f"{report['delivery_ms']['count']} messages were delivered instead of one")
    parts["first_message"] = sends - begun + report["delivery_ms"]["max"] / 1e3
    return parts


def starts(form, samples):
    row = Row("cold_start", "s", "less", lambda v, _: v <= 60, lambda v, _: v <= 25, "<= 60", "<= 25")
    rows = {}
    for n in range(samples):
        if n:
            form.stop()
        parts = cold_start(form)
        row.add(sum(parts.values()))
        for name, seconds in parts.items():
            rows.setdefault(name, Row(f"cold_start_{name}", "s", "less")).add(seconds)
        print(f"cold start: {row.samples[-1]:.1f} s: " + ", ".join(f"{name} {s:.1f}" for name, s in parts.items()), flush=True)
    row.note("first_message has two people sign up, sign in and talk")
    return [row, *rows.values()]


class Cpu:
    """What each process, and the busiest threads, took of the two cores; in percent of one core."""

    def __init__(self, pids):
        self._pids, self._before, self._start = pids, self._read(pids), time.monotonic()
        self._idle = self._idle_seconds()

    @staticmethod
    def _read(pids):
        return {name: small_form.cpu_of(pid) for name, pid in pids.items()}

    @staticmethod
    def _idle_seconds():
        with open("/proc/stat", encoding="ascii") as file:
            words = file.readline().split()
        return (int(words[4]) + int(words[5])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        wall, after = time.monotonic() - self._start, self._read(self._pids)
        self.idle = 100 * (self._idle_seconds() - self._idle) / wall
        self.processes = {name: 100 * (cpu - self._before[name][0]) / wall for name, (cpu, _) in after.items()}
        threads = collections.Counter()
        for name, (_, of_process) in after.items():
            for thread, seconds in of_process.items():
                threads[f"{name}/{thread[1]}"] = max(threads[f"{name}/{thread[1]}"],
                                                     100 * (seconds - self._before[name][1].get(thread, 0)) / wall)
        self.threads = threads.most_common(3)

    def said(self):
        most = sorted(self.processes.items(), key=lambda item: -item[1])
        return (f"{self.idle:.0f} % of {100 * os.cpu_count()} idle; " + ", ".join(f"{n} {c:.0f} %" for n, c in most if c >= 1)
                + "; busiest threads " + ", ".join(f"{n} {c:.0f} %" for n, c in self.threads))


def at_rate(form, rate, seconds):
    with form.load(*people(PAIRS), "--rate", rate, "--warm-up", 5, "--duration", seconds, "--settle", 60) as load:
        load.wait_for("measuring")
        cpu = Cpu(form.pids() | {"parley-load": load.pid})
        load.wait_for("measured")
        cpu.end()
        report = load.finish()
    p99, done = report["acknowledgement_ms"]["p99"], report["acknowledged_per_second"]
    kept = p99 <= MOST_P99 and done >= 0.98 * rate
    print(f"durable at {rate}/s: {done:,.0f}/s acknowledged, p50 {report['acknowledgement_ms']['p50']:.1f} ms, p99 {p99:.1f} ms, "
          f"{report['counts']['sends_refused']} refused, proved: {'kept' if kept else 'too much'}; {cpu.said()}", flush=True)
    return kept, done, p99, cpu


def durable(form, seconds):
    """The highest rate that is kept, whose rows are returned, and what stands in the way of the next."""
    row = Row("durable_small_form", "/s", "more", lambda v, _: v >= RATES[0], lambda v, _: v >= RATES[-1], f">= {RATES[0]}",
              f">= {RATES[-1]:,}")
    row.note(f"highest rate of {', '.join(map(str, sorted(RATES + LOWER)))} at which the acknowledgement's p99 is {MOST_P99} ms "
             f"at most, {PAIRS} people, load and all servers on the same cores")

    def tried(rate):
        try:
            found = at_rate(form, rate, seconds)
            why = f"p99 is {found[2]:.0f} ms: {found[3].said()}"
        except Failed as failure:  # a run that proves nothing has no rate
            print(f"durable at {rate}/s: FAILED {failure}", flush=True)
            found, why = (False,), "it was not proved: " + str(failure).splitlines()[0]
        if not found[0]:
            row.note(f"at {rate}/s {why}")
        return found if found[0] else None

    try:  # does not count: what is used often is compiled by the Java servers first
        at_rate(form, RATES[0], WARM_UP)
    except Failed as failure:
        print(f"before: FAILED {failure}", flush=True)
    best = None
    for rate in RATES:
        found = tried(rate)
        if not found:
            break
        best = found
    best = best or next(filter(None, map(tried, LOWER)), None)
    if best is None:
        raise Failed(f"not even {LOWER[-1]}/s is kept")
    row.add(best[1])
    p99 = Row("durable_small_form_p99", "ms", "less", lambda v, _: v <= MOST_P99, None, f"<= {MOST_P99}")
    p99.add(best[2])
    row.note(f"at the rate that is kept: {best[3].said()}")
    rows = [row, p99]
    for name, percent in [*best[3].processes.items(), ("idle", best[3].idle)]:
        rows.append(Row(f"durable_small_form_cpu_{name.replace(' ', '_')}", "%", "less"))
        rows[-1].add(percent)
    return rows


def killed(form, samples):
    """An owner is gone at once, and started again as a supervisor does."""
    row = WorstRow("owner_killed_pause", "s", "less", lambda v, _: v <= 12, lambda v, _: v <= 8, "<= 12", "<= 8")
    refused = WorstRow("owner_killed_refused", "", "less")
    reconnects = WorstRow("owner_killed_reconnects", "", "less")
    for n in range(samples):
        victim = MESSAGES[n % 2]
        with form.load(*people(12), "--rate", 60, "--warm-up", 5, "--duration", 30, "--settle", 60, "--kill-aware") as load:
            load.wait_for("measuring")
            form.end(victim, signal.SIGKILL)
            form.launch(victim)
            report = load.finish()
        form.wait_for_shards(victim)
        row.add(report["acknowledgement_ms"]["max"] / 1e3)
        refused.add(report["counts"]["sends_refused"])
        reconnects.add(report["counts"]["reconnects"])
        print(f"{victim} killed: longest pause {row.samples[-1]:.2f} s, {refused.samples[-1]} sends refused for a while, "
              f"{reconnects.samples[-1]} sessions begun anew, {report['counts']['acknowledged']} acknowledged, all there; errors of "
              f"all requests: {report['errors']}", flush=True)
    row.note("the longest that any of 60 sends a second waited for its acknowledgement, from its intended time; nothing was lost, doubled "
             "or reordered. The worst of all runs")
    refused.note("answered with a retryable error and sent again by the client")
    return [row, refused, reconnects]


def handed_over(form, samples):
    """Each message process is ended in peace and started again, so that every shard changes hands."""
    refused = WorstRow("hand_over_refused", "", "less", lambda v, _: v == 0, None, "0")
    tail = Row("hand_over_p99", "ms", "less", lambda v, f: v - f <= 200, None, "<= +200")
    longest = WorstRow("hand_over_longest", "ms", "less")
    reconnects = WorstRow("hand_over_reconnects", "", "less")
    took = Row("hand_over_took", "s", "less")
    for _ in range(samples):
        reports, seconds = [], 0
        for action in (False, True):
            with form.load(*people(24), "--rate", 100, "--warm-up", 3, "--duration", 25, "--settle", 60, "--kill-aware") as load:
                begun = load.wait_for("measuring")
                for name in MESSAGES if action else ():
                    form.hand_over(name)
                    seconds = time.monotonic() - begun
                reports.append(load.finish())
        without, given = reports
        if seconds >= 25:
            raise Failed(f"the hand-over took {seconds:.0f} s, longer than the load")
        refused.add(given["counts"]["sends_refused"])
        tail.add(given["acknowledgement_ms"]["p99"], without["acknowledgement_ms"]["p99"])
        longest.add(given["acknowledgement_ms"]["max"], without["acknowledgement_ms"]["max"])
        reconnects.add(given["counts"]["reconnects"])
        took.add(seconds)
        print(f"hand-over of every shard in {seconds:.1f} s: {refused.samples[-1]} sends refused, {reconnects.samples[-1]} sessions "
              f"begun anew, p99 {tail.samples[-1]:.1f} ms (without: {tail.floors[-1]:.1f}), longest {longest.samples[-1]:.0f} ms; "
              f"errors of all requests: {given['errors']}", flush=True)
    refused.note("of 2,500 sends in 25 s, during which one message process after the other was ended and started again")
    tail.note("of all sends of those 25 s; floor: the same load without a hand-over")
    return [refused, tail, longest, reconnects, took]


def moved(form, conversations):
    """`parleyd migrate --from embedded --to cluster`: 100,000 messages for each of these that a person has, into empty servers."""
    speed = Row("moved", "/s", "more", lambda v, _: v >= 5_000, None, ">= 5,000")
    memory = Row("moved_rss", "MB", "less")
    messages = 100_000 * conversations
    form.stop()
    at = form.start_servers()
    config, data, log = form.folder / "moved.toml", form.folder / "embedded", form.folder / "moved.log"
    config.write_text(f'[redis]\naddress = "{at["redis"]}"\n[mysql]\naddress = "{at["mysql"]}"\nuser = "root"\n'
                      f'[cassandra]\naddresses = "{at["cassandra"]}"\nreplication = 1\n[zookeeper]\naddresses = "{at["zookeeper"]}"\n'
                      f'[kafka]\naddresses = "{at["kafka"]}"\nreplication = 1\n[messages]\n1 = "127.0.0.1:1"\n')
    parleyd = form.bin / "parleyd"
    with open(log, "wb") as out:
        subprocess.run([parleyd, "seed", "--data", data, "--users", "2000", "--conversations", str(conversations), "--messages", "100"],
                       stdout=out, stderr=out, check=True)
        begun, taken = time.monotonic(), []
        with subprocess.Popen([parleyd, "migrate", "--from", "embedded", "--to", "cluster", "--config", config, "--data", data],
                              stdout=out, stderr=out) as move:
            while move.poll() is None:
                try:
                    taken.append(machine.rss_bytes(move.pid) / 1e6)
                except (OSError, RuntimeError):
                    pass  # it has just ended
                time.sleep(0.5)
        seconds = time.monotonic() - begun
    if move.returncode:
        raise Failed(f"the move failed: {log.read_text()[-2000:]}")
    speed.add(messages / seconds)
    memory.add(max(taken))
    print(f"moved: {messages:,} messages in {seconds:.1f} s, {memory.samples[0]:.0f} MB at most, {taken[len(taken) // 4]:.0f} MB after a quarter of the "
          f"time", flush=True)
    speed.note(f"{messages:,} messages between 2,000 people, with their keys, marks and inboxes; all of it read back and compared")
    return [speed, memory]
