"""rpc_cpu, rpc_p99, rpc_lone: a gateway and a message process over their stream, against one gRPC call a message."""

import json

from . import machine
from .processes import Failed, Program
from .rows_durable import undisturbed
from .table import Row, TailRow

RATE = 20_000
TURN_US = 200  # a gateway with so much to read takes a turn of its loop about as often
PROGRAMS = {"stream": "rpc_bench", "call": "grpc_floor"}


def run(bench, kind, rate, seconds):
    program = bench.bin / PROGRAMS[kind]
    with Program(f"{kind}-owner", [program, "owner"], machine.SERVER_CORE, bench.data) as owner:
        address = owner.wait_for_line("listening on ")
        watch = machine.Disturbance(owner.pid)
        gateway = Program(f"{kind}-gateway", [program, "gateway", address, owner.pid, rate, seconds, TURN_US],
                          machine.LOAD_CORE, bench.data)
        output = gateway.process.stdout.read()
        others, own = watch.end()
        gateway.stop()
    if gateway.process.returncode != 0:
        raise Failed(f"{PROGRAMS[kind]} ended with {gateway.process.returncode}: {gateway.tail()}")
    figures = json.loads(output)
    if figures["failed"]:
        raise Failed(f"{PROGRAMS[kind]}: {figures['failed']} of {figures['messages']} failed")
    print(f"{kind} at {rate or 'one by one'}: {figures['per_second']:,.0f}/s, {figures['cpu_us']:.1f} us of CPU a message, p50 "
          f"{figures['p50_us']:.0f} us, p99 {figures['p99_us']:.0f} us, the owner's core {own:.0f} %", flush=True)
    return figures, others


def load_alone(bench, seconds):
    """CPU of the load itself, in microseconds a message: its turns and its clock."""
    program = Program("rpc-load", [bench.bin / "rpc_bench", "alone", RATE, seconds, TURN_US], machine.LOAD_CORE, bench.data)
    output = program.process.stdout.read()
    program.stop()
    if program.process.returncode != 0:
        raise Failed(f"rpc_bench alone ended with {program.process.returncode}: {program.tail()}")
    return json.loads(output)["cpu_us"]


def measure(bench, quick, _start):
    cpu = Row("rpc_cpu", "us", "less", lambda v, f: 5 * v <= f, lambda v, f: 15 * v <= f, ">= 5x", ">= 15x")
    tail = TailRow("rpc_p99", "ms", "less", lambda v, _: v <= 1, None, "<= 1")
    lone = Row("rpc_lone", "us", "less", lambda v, f: v <= f, None, ">= 1x")
    for _ in range(1 if quick else 5):
        at_rate, alone = ([undisturbed(row, f"{row.name} {kind}", lambda k=kind, r=rate: run(bench, k, r, 2 if quick else 5))
                           for kind in ("call", "stream")] for row, rate in ((cpu, RATE), (lone, 0)))
        floor, value = at_rate
        load = load_alone(bench, 2)
        print(f"the load alone: {load:.1f} us of CPU a message, left out of rpc_cpu", flush=True)
        cpu.add(value["cpu_us"] - load, floor["cpu_us"] - load)
        tail.add(value["p99_us"] / 1e3, floor["p99_us"] / 1e3)
        floor, value = alone
        lone.add(value["p50_us"], floor["p50_us"])
    cpu.note(f"{RATE:,} texts of 128 bytes a second, open loop, in turns of {TURN_US} us; user and system time of both processes "
             "without what the load takes alone")
    lone.note("one outstanding, median")
    return [cpu, tail, lone]
