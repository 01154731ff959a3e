#!/usr/bin/env python3
"""The files of deploy/haproxy and deploy/nginx before two gateways, in real HAProxy and nginx, with TLS: what docs/operations.md
says of them. Other than in the files are addresses and the connections of an address (20); idle connections are looked at
behind a second pair, whose time-outs of silence are shorter.

usage: balancers_test.py --programs FOLDER
"""

import argparse
import contextlib
import json
import pathlib
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

from balancers import DEPLOY, PER_ADDRESS, HAProxy, Nginx, certificate, program
from processes import Broken, Folder, wait_until
from split import GATEWAYS, Ports, SplitServer
from websocket import Closed, WebSocket, conversation, send_frame

GATEWAY_PER_ADDRESS = 30  # of one gateway
SETTINGS = {
    "PARLEY_SERVER_PROXIES": HAProxy.source, "PARLEY_SERVER_FORWARDERS": Nginx.source, "PARLEY_LIMITS_PING_AFTER_MS": "6000", "PARLEY_LIMITS_IDLE_CLOSE_MS": "12000",
    "PARLEY_LIMITS_CONNECTIONS_PER_ADDRESS": str(GATEWAY_PER_ADDRESS), "PARLEY_LIMITS_HELLO_TIMEOUT_MS": "60000", "PARLEY_LIMITS_CONNECTIONS_PER_DEVICE": "50"}
SILENCE, IDLE = 12, 17  # seconds: the balancers' time-out, and for how long nothing is said but pings, every 6 to 7 s
PASSWORD = "a long enough one"


open_sockets = set()


class Tracked(WebSocket):
    """One of `open_sockets` until it is closed here."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        open_sockets.add(self)

    def close(self):
        open_sockets.discard(self)
        super().close()


class Watched:
    """A connection on which nothing is said but pings are answered; `code` when it was closed."""

    def __init__(self, balancer, person):
        self.socket, self.code = balancer.websocket(Tracked), None
        self.socket.hello(person)
        self.since = time.monotonic()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        self.code = self.socket.wait_for_close()
        self.socket.close()

    def end(self):
        """By its own thread: were it closed here, the next connection could get its descriptor, from which that still reads."""
        socket.socket.shutdown(self.socket.socket, socket.SHUT_RDWR)
        self.thread.join()


class Set:
    """Both balancers before the processes of `server`; two people."""

    def __init__(self, server, balancers):
        self.server, self.balancers = server, balancers
        self.texts = 0
        self.people = [self.sign_up(balancer, name) for balancer, name in zip(balancers, ("ann", "bob"))]
        self.where = conversation(*self.people)

    @staticmethod
    def sign_up(balancer, name):
        status, _, body = balancer.request("POST", "/v1/signup", json.dumps({"name": name, "password": PASSWORD}))
        assert status in (200, 201), (status, body)
        return json.loads(body)

    def sockets(self, gateway):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.server.admin[gateway]}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("parley_edge_websockets ")))

    def settle(self):
        """Waits until the gateways, too, have seen the end of what was closed."""
        wait_until(lambda: sum(map(self.sockets, GATEWAYS)) == len(open_sockets), "the end of what was closed", 60)

    def connect(self, balancer, person=0):
        socket = balancer.websocket(Tracked)
        socket.hello(self.people[person])
        return socket

    def say(self, socket):
        """Sends a message; its text."""
        self.texts += 1
        text = f"text {self.texts}"
        answer = socket.call(send=send_frame(self.where, f"key-{self.texts}", text))
        assert "sent" in answer.get("result", {}), answer
        return text

    def on_gateway(self, balancer, gateway, stack):
        """A new connection that is on that gateway."""
        self.settle()
        for _ in range(10):
            before = self.sockets(gateway)
            socket = stack.enter_context(self.connect(balancer))
            if self.sockets(gateway) > before:
                return socket
            time.sleep(0.5)  # a balancer may not have seen yet that it is ready
        raise Broken(f"10 new connections through {balancer.name}, and none of them on {gateway}")


def hears(socket, text):
    while socket.until("entry")["entry"].get("body", {}).get("text") != text:
        pass


def talk(the, balancer, parley, folder):
    """Over TLS, both ways; and by the command line, which checks the certificate."""
    with the.connect(balancer, 0) as ann, the.connect(balancer, 1) as bob:
        for one, other in ((ann, bob), (bob, ann)):
            hears(other, the.say(one))
    environment = {"XDG_STATE_HOME": str(folder / balancer.name), "PATH": ""}
    command = [parley, "--server", f"https://127.0.0.1:{balancer.port}", "--ca", balancer.pem]
    subprocess.run([*command, "sign-in", "ann", "--password-stdin"], input=PASSWORD, env=environment, text=True, check=True, stdout=subprocess.DEVNULL, timeout=120)
    shown = subprocess.run([parley, "history", "bob"], env=environment, text=True, check=True, stdout=subprocess.PIPE, timeout=120).stdout
    assert f"text {the.texts}" in shown, shown


def fallback(the, balancer):
    """A stream of events comes at once, and each POST, by a connection of its own, reaches the gateway that has it."""
    token = {"Authorization": f"Bearer {the.people[0]['access_token']}"}
    link = balancer.connection()
    link.request("POST", "/v1/stream", json.dumps({"id": "1", "hello": {"cursor": ""}}), token)
    answer = link.getresponse()
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/event-stream"), answer.headers
    cookie = {"Cookie": answer.headers["Set-Cookie"].split(";")[0]} if answer.headers["Set-Cookie"] else {}

    def frames():
        while line := answer.readline():
            if line.startswith(b"data:"):
                data = json.loads(line[5:])
                yield from data if isinstance(data, list) else [data]

    events = frames()
    session = next(frame for frame in events if "welcome" in frame.get("result", frame))
    number = session.get("result", session)["welcome"]["session_id"]
    for i in range(8):
        key, request = f"{balancer.name}-{i}", str(i + 2)
        status, _, body = balancer.request("POST", f"/v1/stream/{number}/frames", json.dumps({"id": request, "send": send_frame(the.where, key, key)}), token | cookie)
        assert status == 202, (status, body)
        assert "sent" in next(frame for frame in events if frame.get("re") == request)["result"]
    link.close()


class Liar(Tracked):
    """Says that it is somebody else, each time another."""

    told = 0

    def write(self, data):
        if data.startswith(b"GET "):
            Liar.told += 1
            data = data.replace(b"\r\n\r\n", f"\r\nX-Forwarded-For: 192.0.2.{Liar.told}\r\n\r\n".encode())
        super().write(data)


def addresses(the, balancers):
    """Connections of one address count together at a gateway, by whichever balancer they come and whatever the client says of
    itself; another address is another client."""
    with contextlib.ExitStack() as stack:
        for balancer in balancers:
            balancer.set_drained(1, True)  # all to the other
            stack.callback(balancer.set_drained, 1, False)
        got = [opens(stack, balancers[i % 2], "127.0.0.31", Liar) for i in range(GATEWAY_PER_ADDRESS + 4)]
        assert got == [True] * GATEWAY_PER_ADDRESS + [False] * 4, got
        for balancer in balancers:
            assert opens(stack, balancer, "127.0.0.32"), balancer.name


def opens(stack, balancer, address, kind=Tracked):
    """Whether a new connection from there becomes a WebSocket, which then stays."""
    try:
        stack.enter_context(balancer.websocket(kind, address))
    except (Broken, OSError, Closed):
        return False
    return True


def limits(balancer):
    link = balancer.connection()
    link.putrequest("POST", "/v1/signin")
    link.putheader("Content-Length", "300000")
    link.endheaders()
    answer = link.getresponse()
    assert answer.status == 413 and b"too_large" not in answer.read(), "the gateway was asked"
    link.close()
    with contextlib.ExitStack() as stack:
        got = [opens(stack, balancer, "127.0.0.20") for _ in range(PER_ADDRESS + 3)]
        assert got == [True] * PER_ADDRESS + [False] * 3, got
    with balancer.websocket(Tracked):
        pass  # others are served


def spread(the, balancer):
    """New connections go to where the fewest are."""
    the.settle()
    before = [the.sockets(name) for name in GATEWAYS]
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(the.connect(balancer))
        more = [the.sockets(name) - was for name, was in zip(GATEWAYS, before)]
        assert min(more) >= 3, f"{balancer.name}: {more}"


def drain(the, balancer):
    """By hand: nobody new, and who is connected stays."""
    with contextlib.ExitStack() as stack:
        old = the.on_gateway(balancer, "gateway 1", stack)
        balancer.set_drained(1, True)
        before = the.sockets("gateway 1")
        new = [stack.enter_context(the.connect(balancer, 1)) for _ in range(6)]
        assert the.sockets("gateway 1") <= before, f"{balancer.name} gives people to a drained gateway"
        hears(new[0], the.say(old))
        hears(old, the.say(new[0]))
    balancer.set_drained(1, False)
    with contextlib.ExitStack() as stack:
        the.on_gateway(balancer, "gateway 1", stack)


def not_ready(the, haproxy):
    """Gateways without the presence service are not ready: nobody is given to them, who is there stays."""
    def readyz():
        try:
            with urllib.request.urlopen(f"http://{haproxy.admin}/readyz", timeout=30) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode()

    assert readyz() == "ready"
    with the.connect(haproxy) as ann, the.connect(haproxy, 1) as bob:
        the.server.kill("presence")
        wait_until(lambda: readyz() == "0 gateways are ready", "HAProxy seeing that gateways are not ready", 60)
        assert haproxy.request("GET", "/v1/codes")[0] == 503
        hears(bob, the.say(ann))
        the.server.launch("presence")
        wait_until(lambda: readyz() == "ready", "HAProxy seeing that gateways are ready", 60)
        the.server.wait_ready()
        hears(ann, the.say(bob))


def idle(watched):
    """Pings keep a connection open through balancers that would end it."""
    for name, one in watched.items():
        time.sleep(max(0, one.since + IDLE - time.monotonic()))  # the passing of time is what is tested
        assert one.code is None, f"{name}: an idle connection was closed with {one.code}"
        one.end()


def time_outs(parleyd):
    """Who is silent is told so by the gateway, before a balancer ends the connection without a word."""
    settings = subprocess.run([parleyd, "--print-config"], env={}, check=True, stdout=subprocess.PIPE, text=True).stdout
    close = int(re.search(r"^idle_close_ms = (\d+)", settings, re.M)[1]) / 1000
    for name, wanted in (("haproxy/haproxy.cfg", 3), ("nginx/nginx.conf", 3)):
        found = re.findall(r"(?m)^ *(?:timeout (?:client|server|tunnel)|proxy_read_timeout|proxy_send_timeout|send_timeout) +(\d+)(s|h)", (DEPLOY / name).read_text())
        assert len(found) == wanted and all(int(value) * {"s": 1, "h": 3600}[unit] > close for value, unit in found), (name, found, close)


def killed(the, balancers):
    """Clients of a gateway that is killed come back at the other; and at that one, once it is there again."""
    def back(balancer, stack):
        try:
            return stack.enter_context(the.connect(balancer))
        except (Broken, OSError, Closed):
            return None  # a client tries again

    with contextlib.ExitStack() as stack:
        lost = [the.on_gateway(balancer, "gateway 1", stack) for balancer in balancers]
        the.server.kill("gateway 1")
        for balancer, socket in zip(balancers, lost):
            assert socket.wait_for_close() in (1005, 1006)
            socket.close()
            before = the.sockets("gateway 2")
            again = wait_until(lambda b=balancer: back(b, stack), f"{balancer.name}: a way to the other gateway", 60)
            assert the.sockets("gateway 2") > before
            the.say(again)
        the.server.launch("gateway 1")
        the.server.wait_ready()
        for balancer in balancers:
            the.settle()
            before = the.sockets("gateway 1")

            def is_used(balancer=balancer, before=before):
                with contextlib.ExitStack() as one:
                    return back(balancer, one) and the.sockets("gateway 1") > before

            wait_until(is_used, f"{balancer.name}: somebody on the gateway that is there again", 60)


def files_as_they_are(folder, pem, key):
    """What operators are given is taken by `haproxy -c` and `nginx -t`, but for the certificate."""
    both = folder / "both.pem"
    both.write_text(pem.read_text() + key.read_text())
    haproxy, nginx = folder / "haproxy.cfg", folder / "nginx.conf"
    haproxy.write_text((DEPLOY / "haproxy/haproxy.cfg").read_text().replace("/etc/haproxy/parley.pem", str(both)))
    nginx.write_text((DEPLOY / "nginx/nginx.conf").read_text().replace("/etc/nginx/parley.pem", str(pem)).replace("/etc/nginx/parley-key.pem", str(key))
                     .replace("/run/", f"{folder}/").replace("/var/log/nginx/", f"{folder}/"))
    for command in ([program("haproxy"), "-c", "-f", haproxy], [program("haproxy"), "-c", "-f", DEPLOY / "haproxy/services.cfg"],
                    [program("nginx"), "-t", "-q", "-e", folder / "log", "-c", nginx]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        assert done.returncode == 0 and "WARNING" not in done.stdout and "[warn]" not in done.stdout, done.stdout


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--programs", required=True, type=pathlib.Path)
    options = arguments.parse_args()

    def step(name, what, *with_these):
        began = time.monotonic()
        what(*with_these)
        print(f"{time.monotonic() - began:6.1f} s  {name}", flush=True)

    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(Folder())
        pem, key = certificate(folder)
        step("the files", files_as_they_are, folder, pem, key)
        step("time-outs", time_outs, options.programs / "parleyd")
        server = SplitServer(options.programs, folder / "data", "balancers")
        server.environment |= SETTINGS
        stack.enter_context(server)
        ports = Ports("balancers of deploy")
        gateways = [(f"127.0.0.1:{server.clients[name]}", server.admin[name]) for name in GATEWAYS]
        balancers = [stack.enter_context(kind(folder, ports, gateways, pem, key)) for kind in (HAProxy, Nginx)]
        the = Set(server, balancers)
        # Beside all else: it takes its time. To this person nobody speaks.
        alone = the.sign_up(balancers[0], "cat")
        short = [stack.enter_context(kind(folder, ports, gateways, pem, key, f"{SILENCE}s")) for kind in (HAProxy, Nginx)]
        watched = {balancer.name: Watched(balancer, alone) for balancer in short}
        for balancer in balancers:
            step(f"{balancer.name}: talk", talk, the, balancer, options.programs / "parley", folder)
            step(f"{balancer.name}: fallback", fallback, the, balancer)
            step(f"{balancer.name}: limits", limits, balancer)
            step(f"{balancer.name}: spread", spread, the, balancer)
            step(f"{balancer.name}: drain", drain, the, balancer)
        step("addresses", addresses, the, balancers)
        step("not ready", not_ready, the, balancers[0])
        step("idle", idle, watched)
        step("killed", killed, the, balancers)
    print("balancers_test: passed")


if __name__ == "__main__":
    main()
