#!/usr/bin/env python3
"""The script that starts the real servers: what each holds through SIGKILL, and that the script ends what it started and nothing else.

usage: run.py --work FOLDER     (packages of tests/requirements.txt are installed there)
"""

import argparse
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import socket
import subprocess
import sys
import urllib.request

TESTS = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path += [str(TESTS / "fault" / "support"), str(TESTS / "e2e"), str(TESTS.parent / "cluster")]
from probes import Cql, connect, exactly  # noqa: E402
from processes import Broken, Folder, wait_until  # noqa: E402

SCRIPT = TESTS.parent / "scripts" / "backends"


def claim(holds, what):
    if not holds:
        raise Broken(what)


def backends(folder, *arguments, fails=False):
    """Runs the script; what it said on either stream."""
    done = subprocess.run([SCRIPT, *arguments, "--folder", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    claim((done.returncode != 0) == fails, f"scripts/backends {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def noted(folder):
    return json.loads((folder / "servers.json").read_text())


# What a client stores in each, and asks for again.


class Redis:
    def __init__(self, address):
        self.address = address

    def ask(self, command, length):
        with connect(self.address) as link:
            link.sendall(command)
            return exactly(link, length)

    def write(self):
        claim(self.ask(b"SET parley kept\r\n", 5) == b"+OK\r\n", "Redis took no key")

    def holds(self):
        return self.ask(b"GET parley\r\n", 4) == b"$4\r\n"


class Mysql:
    def __init__(self, address):
        self.port = address.rsplit(":", 1)[1]

    def ask(self, statement):
        command = ["mariadb", "--no-defaults", "--default-character-set=utf8mb4", "-h127.0.0.1", f"-P{self.port}", "-uroot", "-Nse", statement]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def write(self):
        self.ask("create database kept; create table kept.t (a varchar(20)) engine=innodb; insert into kept.t values ('🚢 kept')")
        claim(self.ask("select @@character_set_server, @@innodb_flush_log_at_trx_commit") == "utf8mb4\t1", "MariaDB's settings")

    def holds(self):
        return self.ask("select a from kept.t") == "🚢 kept"


class Cassandra:
    """At LOCAL_QUORUM in the data centre dc1, with the small timestamps that a generation or a seq is."""

    def __init__(self, address):
        self.address = address

    def write(self):
        with Cql(self.address) as node:
            node.query("create keyspace kept with replication = {'class': 'NetworkTopologyStrategy', 'dc1': 1}", Cql.LOCAL_QUORUM)
            node.query("create table kept.t (k text primary key, v text)", Cql.LOCAL_QUORUM)
            node.query("insert into kept.t (k, v) values ('a', 'kept') using timestamp 2", Cql.LOCAL_QUORUM)
            node.query("insert into kept.t (k, v) values ('a', 'older') using timestamp 1", Cql.LOCAL_QUORUM)

    def holds(self):
        with Cql(self.address) as node:
            return node.query("select v from kept.t where k = 'a'", Cql.LOCAL_QUORUM) == [[b"kept"]]


class Kafka:
    def __init__(self, address):
        self.address = address

    def write(self):
        from confluent_kafka.admin import AdminClient, NewTopic
        admin = AdminClient({"bootstrap.servers": self.address})
        admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(30)
        claim(not self.send("kept"), "Kafka took no record")
        claim(self.send("nobody_made_this"), "Kafka made a topic that nobody had asked for")

    def send(self, topic):
        """What went wrong."""
        from confluent_kafka import Producer
        failed = []
        producer = Producer({"bootstrap.servers": self.address, "acks": "all", "enable.idempotence": True,
                             "message.timeout.ms": 30000, "topic.metadata.propagation.max.ms": 2000})
        producer.produce(topic, value=b"kept", on_delivery=lambda error, _: failed.append(error) if error else None)
        return producer.flush(40) or failed

    def holds(self):
        from confluent_kafka import Consumer, TopicPartition
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": "kept"})
        consumer.assign([TopicPartition("kept", 0, 0)])
        try:
            record = wait_until(lambda: (found := consumer.poll(1)) and not found.error() and found, "a record of Kafka")
            return record.value() == b"kept"
        finally:
            consumer.close()


class Zookeeper:
    def __init__(self, address):
        self.address = address

    def ask(self, question):
        from kazoo.client import KazooClient
        client = KazooClient(hosts=self.address, timeout=6)
        client.start(timeout=30)
        try:
            claim(client._session_timeout == 6000, f"ZooKeeper gave a session of {client._session_timeout} ms")
            return question(client)
        finally:
            client.stop()
            client.close()

    def write(self):
        self.ask(lambda client: client.create("/kept", b"kept"))

    def holds(self):
        return self.ask(lambda client: client.get("/kept")[0]) == b"kept"


class S3:
    def __init__(self, address):
        self.address = address

    def ask(self, method, path, body=b""):
        """A request signed as AWS Signature Version 4 wants it."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        scope, digest = f"{now[:8]}/us-east-1/s3/aws4_request", hashlib.sha256(body).hexdigest()
        signed = {"host": self.address, "x-amz-content-sha256": digest, "x-amz-date": now}
        request = "\n".join([method, path, "", *(f"{k}:{v}" for k, v in signed.items()), "", ";".join(signed), digest])
        key = b"AWS4parley-secret"
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(request.encode()).hexdigest()])
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        signed["authorization"] = f"AWS4-HMAC-SHA256 Credential=parley/{scope}, SignedHeaders={';'.join(signed)}, Signature={signature}"
        with urllib.request.urlopen(urllib.request.Request(f"http://{self.address}{path}", body or None, signed, method=method), timeout=30) as answer:
            return answer.read()

    def write(self):
        self.ask("PUT", "/kept")
        self.ask("PUT", "/kept/object", b"kept")

    def holds(self):
        return self.ask("GET", "/kept/object") == b"kept"


CLIENTS = {"redis": Redis, "mysql": Mysql, "cassandra": Cassandra, "kafka": Kafka, "zookeeper": Zookeeper, "s3": S3}


def killed_and_started(folder):
    """each holds what it acknowledged, on the same address; Redis alone forgets"""
    backends(folder, "start", "--quick", "--form", "small")
    listed = (folder / "addresses").read_text()
    addresses = dict(line.split() for line in listed.splitlines())
    claim(list(addresses) == list(CLIENTS), f"the addresses are of {list(addresses)}")
    clients = {name: CLIENTS[name](address) for name, address in addresses.items()}
    for name, client in clients.items():
        client.write()
        claim(client.holds(), f"{name} does not give back what it was given")
    for name in clients:
        backends(folder, "kill", name)
    claim(backends(folder, "status", fails=True).count("does not run") == len(clients), "killed servers are said to run")
    claim("does not run" in backends(folder, "kill", "redis", fails=True), "a dead server was killed")
    claim("mysql is ready" in backends(folder, "start", "mysql"), "one server alone")
    claim(backends(folder, "status", fails=True).count("does not run") == len(clients) - 1, "one start started others")
    claim("mysql already runs" in backends(folder, "start", "--fresh"), "a server that ran was started again")  # so nothing is removed
    claim((folder / "addresses").read_text() == listed, "the addresses changed")
    for name, client in clients.items():
        claim(client.holds() == (name != "redis"), f"{name} {'kept' if name == 'redis' else 'lost'} what it had")


def ends_its_own_only(folder):
    """stop ends what was started, and no process that got one of its numbers"""
    before = noted(folder)
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        backends(folder, "kill", "redis")
        before["pids"]["redis"][0] = stranger.pid
        (folder / "servers.json").write_text(json.dumps(before))
        claim("5 servers stopped" in backends(folder, "stop"), "stop")
        claim(stranger.poll() is None, "stop ended a process that it had not started")
    finally:
        stranger.kill()
        stranger.wait()
    claim(not (folder / "addresses").exists(), "addresses of servers that do not run")
    claim("0 servers stopped" in backends(folder, "stop"), "stopped twice")


def taken_port(folder):
    """a port that another holds: one sentence before anything starts"""
    port = noted(folder)["ports"]["s3"]["1"][0]
    with socket.create_server(("127.0.0.1", port)):
        said = backends(folder, "start", fails=True)
    claim(f"port {port} of s3 is taken" in said and len(said.splitlines()) == 1, said)
    claim("0 servers stopped" in backends(folder, "stop"), "something was started")


def half_failed(folder):
    """one that does not come up is named with its log, and stop ends the others"""
    spoilt = folder / "zookeeper" / "data" / "version-2"
    spoilt.rename(folder / "aside")
    spoilt.write_text("not a folder")
    said = backends(folder, "start", fails=True)
    claim("backends: zookeeper has ended; the last lines of" in said, said)
    claim(not (folder / "addresses").exists(), "addresses, though not all are ready")
    claim("5 servers stopped" in backends(folder, "stop"), "stop after a start that failed in part")
    spoilt.unlink()
    (folder / "aside").rename(spoilt)


def other_form(folder):
    """a folder of one form is not started as the other"""
    claim("holds the small form" in backends(folder, "start", "--form", "full", fails=True), "another form was started")
    claim("no server nosuch" in backends(folder, "start", "nosuch", fails=True), "an unknown server was started")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--ready", action="store_true", help="this interpreter has the packages")
    options = parser.parse_args()
    if not options.ready:
        from support import prepare
        python = prepare(options.work.resolve() / "venv", "kazoo", "confluent-kafka")
        os.execv(python, [python, __file__, "--work", options.work, "--ready"])
    with Folder() as folder:
        try:
            for test in killed_and_started, ends_its_own_only, taken_port, half_failed, other_form:
                print(f"{test.__name__}: {test.__doc__}", flush=True)
                test(folder)
        except Broken as broken:
            print(f"  FAILED: {broken}", flush=True)
            return 1
        finally:
            backends(folder, "stop")
    print("5 of 5 passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
