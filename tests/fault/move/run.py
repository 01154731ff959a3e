#!/usr/bin/env python3
"""Moves an embedded server into a cluster while people use it, and lets parley-load judge.

Stands for: growing from one machine. The server is killed under load, `parleyd migrate --from embedded --to cluster` is
killed on its way and run again, the cluster's processes start, and the same devices come back to them, behind the same
address, with their tickets and cursors. Whatever was acknowledged on either side is there, once, in order.

usage: run.py --programs FOLDER --backends FOLDER
"""

import argparse
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "cluster")]
from cluster import Cluster, Servers  # noqa: E402
from processes import Broken, Folder, Load, Server, free_port, seed, wait_until  # noqa: E402
from split import Balancer  # noqa: E402

PEOPLE = 16
BESIDES = (100, 10, 40)  # people, conversations, messages: what makes the move take a while
# Where scripts/split would make the tables, everything is moved; killed once, after a second of messages.
WRAPPER = """#!/bin/sh
[ "$1" = migrate ] || exec {parleyd} "$@"
shift
set -- migrate --from embedded --to cluster --data {data} "$@"
{parleyd} "$@" >{log} 2>&1 & moving=$!
for i in $(seq 1200); do
  grep -q '^messages: ' {log} && break
  kill -0 $moving || break
  sleep 0.05
done
kill -9 $moving
wait $moving
exec {parleyd} "$@" >>{log} 2>&1
"""


def moved(programs, folder, data):
    """A folder with a `parleyd` that moves where it is told to make the tables."""
    wrapped = folder / "wrapped"
    wrapped.mkdir()
    script = wrapped / "parleyd"
    script.write_text(WRAPPER.format(parleyd=programs / "parleyd", data=data, log=folder / "move.log"))
    script.chmod(0o755)
    return wrapped


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--backends", type=pathlib.Path, required=True)
    options = parser.parse_args()
    programs = options.programs.resolve()
    name = f"move_{os.getpid()}"  # others use these servers, too
    os.environ |= {"PARLEY_MYSQL_DATABASE": name, "PARLEY_CASSANDRA_KEYSPACE": name, "PARLEY_KAFKA_TOPIC": name,
                   "PARLEY_ZOOKEEPER_PREFIX": f"/{name}"}
    with Folder() as folder:
        data = folder / "data"
        seed(programs, data, *BESIDES)
        embedded = Server(programs, data, free_port("embedded"))
        balancer = Balancer(free_port("balancer"), [embedded.port])
        embedded.start()
        clients = Server(programs, data, balancer.listener.getsockname()[1])  # its address is what counts
        with Load(clients, data / "tokens.jsonl", folder, "--users", PEOPLE, "--conversations", PEOPLE, "--groups", 4,
                  "--group-members", 8, "--rate", 60, "--read-every", 1, "--duration", 3600, "--settle", 120,
                  "--kill-aware") as load:
            load.wait_for("sending:")
            wait_until(lambda: load.acknowledged() > 100, "messages before the move")
            embedded.kill()
            before, begun = load.acknowledged(), time.monotonic()
            try:
                cluster = Cluster(moved(programs, folder, data), Servers(options.backends), folder)
            except Broken as broken:
                raise Broken(f"{broken}\n{(folder / 'move.log').read_text()}") from None
            took = time.monotonic() - begun
            try:
                log = (folder / "move.log").read_text()
                for said in ("going on with the move", "moved: "):
                    if said not in log:
                        raise Broken(f"the move did not say '{said}':\n{log}")
                cluster.wait_ready()
                balancer.targets = [int(row["clients"].rsplit(":", 1)[1]) for row in cluster.rows.values() if "clients" in row]
                wait_until(lambda: load.acknowledged() > before + 200, "messages in the cluster", 180)
                load.stop_sending()
                load.finish(300)
                after = load.acknowledged()
            except Broken as broken:
                raise Broken(f"{broken}{cluster.logs()}") from None
            finally:
                cluster.stop()
        balancer.close()
    print(f"moved with the cluster's start in {took:.1f} s; {before} messages acknowledged before and {after - before} after, all proved")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Broken, OSError, subprocess.SubprocessError) as error:
        print(f"FAILED: {error}")
        sys.exit(1)
