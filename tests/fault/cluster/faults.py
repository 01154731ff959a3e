"""The faults: how each begins and ends, what it stands for, and whether sends must go on meanwhile."""

import dataclasses
import random
import signal
import time
import typing

from accounts import Accounts
from cluster import Broken


@dataclasses.dataclass
class Fault:
    """`begin` and `heal` get the cluster and the victim that the seed drew of `victims`. With `gated`, (kind of server, setting,
    processes), they get gates in place of the cluster: these processes, or the victim if it is one of them, reach the servers
    through those. With `balanced`, these processes reach auth and user through HAProxy. `beside`: what else goes on meanwhile, a
    context manager of a cluster whose end judges; it `goes_on()` after each step."""
    stands_for: str
    victims: list
    begin: typing.Callable
    heal: typing.Callable = lambda cluster, victim: None
    goes_on: bool = False  # somebody's messages must be acknowledged between the two
    lasts: float = 0  # seconds between the two, where the passing of time is what is tested
    gated: tuple = None
    balanced: list = None
    beside: typing.Callable = None


PAST_THE_LEASE = 14  # seconds: a session of 6 s, a lease of 2 s, and the other's own look
MESSAGES = ["message 1", "message 2"]
GATEWAYS = ["gateway 1", "gateway 2"]
AUTHS = ["auth 1", "auth 2"]  # user, too


def kill(cluster, name):
    cluster.end(name, signal.SIGKILL)


def end(cluster, name):
    cluster.end(name, signal.SIGTERM)


def launch(cluster, name):
    cluster.launch(name)


def kill_in_mid_batch(cluster, name):
    """Lets work pile up before it, and kills it as it goes to that."""
    cluster.signal(name, signal.SIGSTOP)
    time.sleep(1)  # what is awaited is that this passes: some dozens of records
    cluster.signal(name, signal.SIGCONT)
    time.sleep(random.uniform(0, 0.1))
    cluster.end(name, signal.SIGKILL)


def stop(cluster, name):
    cluster.signal(name, signal.SIGSTOP)


def wake(cluster, name):
    cluster.signal(name, signal.SIGCONT)


def kill_server(cluster, name):
    cluster.servers.kill(name)


def replace_each(cluster, _):
    """Every process, one after the other, each when the one before is ready."""
    for name in cluster.services():
        cluster.start_anew([name])


def start_server(cluster, name):
    cluster.servers.start(name)


def wipe(cluster, name):
    said = cluster.servers.ask(name, b"FLUSHALL\r\n")
    if said != b"+OK\r\n":
        raise Broken(f"FLUSHALL: {said}")


def restarted(name, stands_for, **more):
    return Fault(stands_for, [name], kill_server, start_server, **more)


def kill_leader(cluster, _):
    """Of the ZooKeeper nodes; which it was is for `heal`."""
    cluster.leader = next(name for name in cluster.servers.all_of("zookeeper") if b"Mode: leader" in cluster.servers.ask(name, b"srvr"))
    cluster.servers.kill(cluster.leader)


def start_leader(cluster, _):
    cluster.servers.start(cluster.leader)


def cut(gates, _):
    for gate in gates:
        gate.cut()


def mend(gates, _):
    for gate in gates:
        gate.mend()


def late(gates, _):
    for gate in gates:
        gate.late(0.5)


def in_time(gates, _):
    for gate in gates:
        gate.late(0)


def nodes(kind):
    return [kind, f"{kind}2", f"{kind}3"]


def slow(name, setting, processes):
    return Fault(f"{name} answers 500 ms late", [name], late, in_time, goes_on=True, lasts=10, gated=(name, setting, processes))


def kill_in_turn(cluster, name):
    """One of two, which is started again, and then the other."""
    for victim in (name, next(other for other in AUTHS if other != name)):
        kill(cluster, victim)
        cluster.beside.goes_on()
        launch(cluster, victim)
        cluster.wait_ready()
        cluster.beside.goes_on()


def one_of_two(**more):
    return Fault("a crash of one auth and user process of two, then of the other", AUTHS, kill_in_turn, goes_on=True, beside=Accounts, **more)


SMALL = {
    "message-killed": Fault("a crash of an owner; it is started again at once", MESSAGES, kill, launch),
    "message-stopped": Fault("a frozen machine, a long pause: past its lease, and woken while the other writes its logs", MESSAGES, stop, wake,
                             lasts=PAST_THE_LEASE),
    "message-ended": Fault("a planned end of an owner", MESSAGES, end, launch),
    "each-replaced": Fault("a rolling restart of everything, an upgrade", ["every process"], replace_each, goes_on=True),
    "gateway-killed": Fault("a crash of a gateway; its people come back through the other", GATEWAYS, kill, launch, goes_on=True),
    "group-killed": Fault("a crash of the feed's consumer in the middle of a batch", ["group"], kill_in_mid_batch, launch, goes_on=True),
    "tier-killed": one_of_two(),
    "tier-killed-balanced": one_of_two(balanced=GATEWAYS),
    "redis-wiped": Fault("FLUSHALL; a failover to an empty replica", ["redis"], wipe),
    "redis-restarted": restarted("redis", "a crash of Redis, which keeps nothing", goes_on=True),
    "mysql-restarted": restarted("mysql", "a crash of MySQL", goes_on=True),
    "kafka-restarted": restarted("kafka", "a crash of the only broker; who talks in pairs goes on", goes_on=True),
    "zookeeper-restarted": restarted("zookeeper", "a crash of the only ZooKeeper"),
    "cassandra-restarted": restarted("cassandra", "a crash of the only Cassandra node"),
}
LATE = {
    "mysql-slow": slow("mysql", "mysql_address", [*AUTHS, "group", "notification"]),
    "redis-slow": slow("redis", "redis_address", ["session", *AUTHS]),
    "cassandra-slow": slow("cassandra", "cassandra_addresses", ["message 1", "message 2", "presence"]),
    "gateway-cut-off": Fault("a network that parts one gateway from ZooKeeper alone, for longer than its session", GATEWAYS, cut, mend, goes_on=True,
                             lasts=PAST_THE_LEASE, gated=("zookeeper", "zookeeper_addresses", GATEWAYS)),
    "owner-cut-off": Fault("the same of an owner: it must have stopped before the other begins", MESSAGES, cut, mend, goes_on=True,
                           lasts=PAST_THE_LEASE, gated=("zookeeper", "zookeeper_addresses", MESSAGES)),
}
FULL = {
    "cassandra-node": Fault("a crash of one node of three", nodes("cassandra"), kill_server, start_server, goes_on=True),
    "kafka-broker": Fault("a crash of one broker of three", nodes("kafka"), kill_server, start_server, goes_on=True),
    "zookeeper-leader": Fault("a crash of the leader of three", ["the leader"], kill_leader, start_leader, goes_on=True),
}
SETS = {"small": SMALL, "late": LATE, "full": FULL}
