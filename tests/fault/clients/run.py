#!/usr/bin/env python3
"""Hostile and clumsy clients, each beside ordinary people under load whom it must not disturb.

usage: run.py --programs FOLDER [NAME ...]

Each ends with two proofs: parley-load, which ran all the while, found nothing lost, doubled or out of order; and the
server takes an ordinary client afterwards.
"""

import argparse
import pathlib
import random
import socket
import struct
import sys
import threading
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from processes import Broken, Folder, Load, Server, free_port, seed, wait_until  # noqa: E402
from websocket import (BINARY, TEXT, Closed, WebSocket, client_frame, conversation, history, send_frame,  # noqa: E402
                       upgrade_request)

ORDINARY = 8  # the first people of the folder are parley-load's, the rest the tests'
SLOW_READER = 4008


class Scene:
    """A server, ordinary people under load, and some people to misbehave with."""

    def __init__(self, programs, folder, port, environment=None):
        self.port = port
        data = folder / "data"
        self.people = seed(programs, data, ORDINARY + 4)[ORDINARY:]
        self.server = Server(programs, data, port, environment).start()
        self.load = Load(self.server, data / "tokens.jsonl", folder, "--users", ORDINARY, "--rate", 200, "--duration",
                         3600, "--settle", 60, "--read-every", 1)

    def __enter__(self):
        self.load.wait_for("sending:")
        return self

    def __exit__(self, failed, *rest):
        try:
            if not failed:
                self.prove_others_went_on()
                self.prove_recovery()
        except BaseException:
            failed = True
            raise
        finally:
            self.load.__exit__(failed, *rest)
            self.server.__exit__(failed, *rest)

    def prove_others_went_on(self):
        before = self.load.acknowledged()
        wait_until(lambda: self.load.acknowledged() > before + 200, "others going on")
        self.load.stop_sending()
        report = self.load.finish()
        print(f"  others: {report['counts']['acknowledged']} messages, all there, once, in order; acknowledged within "
              f"{report['acknowledgement_ms']['p99']:.0f} ms (p99)", flush=True)

    def prove_recovery(self):
        ann, bob = self.people[2], self.people[3]
        with WebSocket(self.port) as one, WebSocket(self.port) as two:
            one.hello(ann)
            two.hello(bob)
            where, key = conversation(ann, bob), str(uuid.uuid4())
            sent = one.call(send=send_frame(where, key, "still there?"))["result"]["sent"]
            while (entry := two.until("entry")["entry"])["client_message_id"] != key:
                pass
            if entry["seq"] != sent["seq"]:
                raise Broken(f"acknowledged as {sent}, delivered as {entry}")


def never_reads(scene):
    """Stands for: a phone that fell asleep with its connection open. It is closed, and misses nothing."""
    asleep, friend = scene.people[0], scene.people[1]
    where = conversation(asleep, friend)
    with WebSocket(scene.port, receive_buffer=4096) as silent, WebSocket(scene.port) as talker:
        silent.hello(asleep)
        talker.hello(friend)
        text, sent, number = "x" * 16_000, [], 0
        closed = threading.Event()

        def talk():
            nonlocal number
            while not closed.is_set() and number < 5_000:
                number += 1
                sent.append(talker.call(send=send_frame(where, str(uuid.uuid4()), text))["result"]["sent"]["seq"])

        thread = threading.Thread(target=talk)
        thread.start()
        # Not one byte is read: that the server has given up shows in a write that fails.
        def gone():
            try:
                silent.write(client_frame(TEXT, b'{"ping":{}}'))
                return False
            except OSError:
                return True

        try:
            wait_until(gone, "the closing of a client that never reads")
        finally:
            closed.set()
            thread.join()
        code = silent.wait_for_close()
        if code not in (SLOW_READER, 1006):  # the close frame stands behind what was never read
            raise Broken(f"closed with {code}")
    entries = history(asleep, where, scene.port)
    if [entry["seq"] for entry in entries] != sent:
        raise Broken(f"{len(sent)} acknowledged, {len(entries)} in the history")
    print(f"  closed after {len(sent)} messages, all of which are in its history")


def garbage(scene):
    """Stands for: port scanners, broken proxies, attackers."""
    draw = random.Random(7)
    for _ in range(50):  # before the upgrade
        with socket.create_connection(("127.0.0.1", scene.port), 10) as raw:
            raw.settimeout(10)
            try:
                raw.sendall(draw.randbytes(draw.randrange(1, 5_000)) + b"\r\n\r\n")
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(65536):
                    pass
            except OSError:
                pass
    codes = {}
    for number in range(100):  # after it
        with WebSocket(scene.port, "parley.v1.pb" if number % 2 else "parley.v1.json") as client:
            junk = draw.randbytes(draw.randrange(1, 3_000))
            if number % 4 < 2:
                junk = client_frame(BINARY if number % 2 else TEXT, junk)
            try:
                client.write(junk)
                client.socket.shutdown(socket.SHUT_WR)
                code = client.wait_for_close()
            except OSError:
                code = 1006
            codes[code] = codes.get(code, 0) + 1
    signed_in = scene.people[0]
    for junk, expected in ((client_frame(TEXT, b"\xff\xfe"), 1007), (client_frame(BINARY, b"{}"), 1003),
                           (client_frame(TEXT, b"nonsense"), 4500), (b"\xff" * 20, 1002),
                           (client_frame(TEXT, b" " * 70_000), 1009)):
        with WebSocket(scene.port) as client:
            client.hello(signed_in)
            client.write(junk)
            code = client.wait_for_close()
            if code != expected:
                raise Broken(f"{junk[:20]}... closed with {code}, not {expected}")
    print(f"  150 strangers' nonsense; WebSockets closed with {dict(sorted(codes.items()))}")


def half_frames(scene):
    """Stands for: connections that break in the middle of anything."""
    person, friend = scene.people[0], scene.people[1]
    where = conversation(person, friend)
    whole = client_frame(TEXT, b'{"id":"1","send":' + str(send_frame(where, "half", "never complete"))
                         .replace("'", '"').encode() + b"}")
    for cut in range(1, len(whole), 7):
        client = WebSocket(scene.port)
        client.hello(person)
        client.write(whole[:cut])
        if cut % 2:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        client.close()
    request = upgrade_request(scene.port, "parley.v1.json")
    for cut in range(1, len(request), 11):
        with socket.create_connection(("127.0.0.1", scene.port), 10) as raw:
            raw.sendall(request[:cut])
    with WebSocket(scene.port) as client:
        client.hello(person)
        answer = client.call(send=send_frame(where, "whole", "complete"))
    entries = history(friend, where, scene.port)
    if [entry["client_message_id"] for entry in entries] != ["whole"]:
        raise Broken(f"half a frame was taken for one: {entries} after {answer}")
    print(f"  {len(range(1, len(whole), 7))} frames and {len(range(1, len(request), 11))} handshakes broken off; "
          "nothing came of them")


def one_byte_at_a_time(scene):
    """Stands for: the worst of networks. It is slow, and it works."""
    person, friend = scene.people[0], scene.people[1]
    where = conversation(person, friend)
    with WebSocket(scene.port, piecemeal=True) as client:
        client.hello(person)
        sent = [client.call(send=send_frame(where, f"byte-{n}", "é" * n))["result"]["sent"]["seq"] for n in range(1, 6)]
    entries = history(friend, where, scene.port)
    if [(entry["seq"], entry["body"]["text"]) for entry in entries] != [(s, "é" * (i + 1)) for i, s in enumerate(sent)]:
        raise Broken(f"sent {sent}, kept {entries}")
    print(f"  {len(sent)} messages, each byte a packet")


def concurrent_retries(scene):
    """Stands for: a client that does not trust its network. Ten retries are one message and ten equal answers."""
    person, friend = scene.people[0], scene.people[1]
    where, rounds = conversation(person, friend), 20
    clients = [WebSocket(scene.port) for _ in range(5)]
    for client in clients:
        client.hello(person)
    for number in range(rounds):
        barrier, answers, problems = threading.Barrier(len(clients)), [], []

        def retry(client):
            try:
                barrier.wait()
                frame = send_frame(where, f"retry-{number}", f"message {number}")
                wanted = {client.put(send=frame), client.put(send=frame)}
                while wanted:
                    answer = client.frame()
                    if answer.get("re") in wanted:
                        wanted.remove(answer["re"])
                        answers.append(answer.get("result", answer).get("sent", answer))
            except (Broken, Closed, OSError) as problem:
                problems.append(problem)

        threads = [threading.Thread(target=retry, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if problems or len(answers) != 10 or any(answer != answers[0] for answer in answers):
            raise Broken(f"round {number}: {problems} {answers}")
    with WebSocket(scene.port) as client:
        client.hello(person)
        other = client.call(send=send_frame(where, "retry-0", "another text"))
        if other.get("error", {}).get("code") != "conflict":
            raise Broken(f"the same key with another body was answered {other}")
    for client in clients:
        client.close()
    entries = history(friend, where, scene.port)
    if [entry["client_message_id"] for entry in entries] != [f"retry-{n}" for n in range(rounds)]:
        raise Broken(f"kept: {[entry['client_message_id'] for entry in entries]}")
    print(f"  {rounds} messages, ten retries of each on {len(clients)} connections: stored once, ten equal answers")


TESTS = {
    "never_reads": (never_reads, {"PARLEY_LIMITS_STALLED_CLOSE_MS": "1000"}),
    "garbage": (garbage, {}),
    "half_frames": (half_frames, {}),
    "one_byte_at_a_time": (one_byte_at_a_time, {}),
    "concurrent_retries": (concurrent_retries, {}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="folder of parleyd and parley-load")
    parser.add_argument("names", nargs="*", default=list(TESTS), help=f"of: {', '.join(TESTS)}")
    options = parser.parse_args()
    failed = 0
    for name in options.names:
        test, environment = TESTS[name]
        print(f"{name}: {test.__doc__}", flush=True)
        try:
            with Folder() as folder, Scene(options.programs, folder, free_port(name), environment) as scene:
                test(scene)
        except (Broken, Closed, OSError) as broken:
            failed += 1
            print(f"  FAILED: {type(broken).__name__}: {broken}", flush=True)
    print(f"{len(options.names) - failed} of {len(options.names)} passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
