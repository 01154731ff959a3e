"""durable_64_apart: gateway and message service as two processes, against one process that runs all."""

import contextlib
import socket

from . import machine
from .processes import RAISED, Program
from .rows_durable import SENDERS, TEXT_BYTES, kinds, undisturbed
from .table import Row

# The other services run with the message service, as they do in one process.
OTHERS = "session,presence,auth,notification,message,group"


def free_port(taken):
    """Below the ports that the system gives to clients."""
    for port in range(21_000, 31_000):
        if port in taken:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        taken.add(port)
        return port
    raise RuntimeError("no free port")


@contextlib.contextmanager
def apart(bench, folder):
    """Both on the server's core; gives the clients' address and the two processes' ids."""
    taken = set()
    services, gateway = free_port(taken), free_port(taken)
    config = bench.data / "apart.toml"
    config.write_text("[services]\n" + "".join(f'{name} = "127.0.0.1:{services}"\n' for name in OTHERS.split(","))
                      + f'[gateways]\n1 = "127.0.0.1:{gateway}"\n')

    def start(name, target, *more):
        command = [bench.bin / "parleyd", "--config", config, "--data", folder, "--test-data", "--target", target,
                   "--server-admin", "127.0.0.1:0", *more]
        return Program(name, command, machine.SERVER_CORE, bench.data, RAISED)

    with start("services", OTHERS) as below, start("gateway", "gateway", "--listen", "127.0.0.1:0") as above:
        below.wait_for_line("listening on ")
        yield above.wait_for_line("listening on "), (below.pid, above.pid)


@contextlib.contextmanager
def together(bench, folder):
    with bench.server(folder) as server:
        yield server.address, (server.pid,)


def run(bench, shape, kind):
    folder = bench.copy(bench.seeded(kind.users, 0, 0))
    with shape(bench, folder) as (address, pids):
        watch = machine.Disturbance(*pids)
        report = bench.load(
            address, folder / "tokens.jsonl", "--users", kind.users, "--senders", SENDERS, "--conversations",
            kind.conversations, "--text-bytes", TEXT_BYTES, "--read-every", 0, "--warm-up", 1, "--duration",
            kind.seconds, "--settle", 30, "--one-history", "--no-views", "--outstanding", kind.outstanding)
        others, own = watch.end()
    print(f"{kind.name} {shape.__name__}: {report['acknowledged_per_second']:,.0f}/s acknowledged, p99 "
          f"{report['acknowledgement_ms']['p99']:.2f} ms, load's CPU {report['cpu_percent']:.0f} %, server's {own:.0f} %",
          flush=True)
    return report["acknowledged_per_second"], others


def measure(bench, quick, _start):
    row = Row("durable_64_apart", "/s", "more", lambda v, f: v >= 0.5 * f, lambda v, f: v >= 0.8 * f, ">= 0.5x",
              ">= 0.8x")
    kind = kinds(quick)[0]
    for _ in range(1 if quick else 5):
        floor = undisturbed(row, "durable_64 together", lambda: run(bench, together, kind))
        row.add(undisturbed(row, "durable_64 apart", lambda: run(bench, apart, kind)), floor)
    row.note(f"{SENDERS} outstanding; gateway and message service (with all others) as two processes on one core, "
             "against one process")
    return [row]
