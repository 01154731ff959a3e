#!/usr/bin/env python3
"""A Parley client from docs/protocol.md alone: the JSON subprotocol and HTTP, with PyPI's `websockets`.

usage: client.py HOST:PORT

Two people sign up, talk, lose their connections and come back. Fails loudly where the server does not do as
the document says.
"""
import asyncio
import itertools
import json
import sys
import urllib.error
import urllib.request
import uuid

import websockets

PATIENCE = 30  # seconds


def http(method, url, body=None, token=""):
    """The answer's JSON; an error answer as (status, error)."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {token}"} if token else {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)["error"]


class Device:
    def __init__(self, host, name):
        self.host, self.ids = host, itertools.count(1)
        tokens = http("POST", f"http://{host}/v1/signup", {"name": name, "password": "a long enough one"})
        self.user, self.token = int(tokens["user_id"]), tokens["access_token"]
        self.ticket = self.cursor = ""

    async def connect(self):
        """hello; returns the frames of the backlog."""
        self.socket = await websockets.connect(f"ws://{self.host}/v1/ws", subprotocols=["parley.v1.json"])
        assert self.socket.subprotocol == "parley.v1.json"
        self.early = []
        hello = {"resume_ticket": self.ticket} if self.ticket else {"token": self.token}
        welcome = await self.ask({"hello": hello | {"cursor": self.cursor, "client": "client.py"}})
        assert int(welcome["welcome"]["user_id"]) == self.user
        self.ticket = welcome["welcome"]["resume_ticket"]
        backlog = []
        while "backlog_end" not in (frame := await self.next()):
            backlog.append(frame)
        self.cursor = frame["backlog_end"]["cursor"]
        return backlog

    async def receive(self):
        return json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))

    async def next(self):
        return self.early.pop(0) if self.early else await self.receive()

    async def until(self, kind):
        """The next frame of that kind, over others."""
        while kind not in (frame := await self.next()):
            pass
        return frame[kind]

    async def ask(self, operation):
        """Sends a frame; returns the frame that answers it."""
        number = str(next(self.ids))
        await self.socket.send(json.dumps({"id": number} | operation))
        while (frame := await self.receive()).get("re", "0") != number:
            self.early.append(frame)
        return frame

    def message(self, other, text):
        first, second = sorted((self.user, other.user))
        return {"send": {"conversation_id": f"d:{first}:{second}", "client_message_id": str(uuid.uuid4()),
                         "body": {"text": text}}}


async def main(host):
    ana, bob = Device(host, "ana.py"), Device(host, "bob.py")
    assert await ana.connect() == [] and await bob.connect() == []

    # Sent; received; delivered; read.
    hello = ana.message(bob, "grüße, Bob")
    sent = (await ana.ask(hello))["result"]["sent"]
    entry = await bob.until("entry")
    assert entry["body"] == hello["send"]["body"] and int(entry["sender"]) == ana.user
    assert (entry["seq"], entry["message_id"]) == (sent["seq"], sent["message_id"]) and sent["seq"] == "1"
    where = {"conversation_id": sent["conversation_id"], "seq": sent["seq"]}
    await bob.socket.send(json.dumps([{"ack": {"marks": [where]}}]))  # a batch of one
    receipt = await ana.until("receipt")
    assert int(receipt["user_id"]) == bob.user and receipt["delivered"] == "1"
    assert "result" in await bob.ask({"read": where})
    while (await ana.until("receipt")).get("read") != "1":
        pass

    # The same key: the first answer again, or a conflict if the body is another.
    assert (await ana.ask(hello))["result"]["sent"] == sent
    other = {"send": hello["send"] | {"body": {"text": "something else"}}}
    assert (await ana.ask(other))["error"]["code"] == "conflict"

    # Bob is away; comes back with ticket and cursor; gets what he missed, in order, and the end of it.
    await bob.socket.close()
    for text in ("one", "two", "three"):
        await ana.ask(ana.message(bob, text))
    backlog = await bob.connect()
    entries = {int(frame["entry"]["seq"]): frame["entry"]["body"]["text"] for frame in backlog if "entry" in frame}
    assert [entries[seq] for seq in (2, 3, 4)] == ["one", "two", "three"], entries
    [state] = [frame["conversation"] for frame in backlog if "conversation" in frame]
    assert (state["head"], state["unread"]) == ("4", "3"), state

    # History, and the same over HTTP.
    page = (await bob.ask({"history": {"conversation_id": sent["conversation_id"], "limit": 2}}))["result"]["history"]
    assert [entry["seq"] for entry in page["entries"]] == ["3", "4"] and page["more_before"]
    url = f"http://{host}/v1/conversations/{sent['conversation_id']}/messages?limit=2"
    assert http("GET", url, token=bob.token) == page

    # Nobody else's business looks like nothing at all; errors are named.
    eve = Device(host, "eve.py")
    status, error = http("GET", url, token=eve.token)
    assert (status, error["code"]) == (404, "not_found"), error
    status, error = http("GET", f"http://{host}/v1/me", token="nonsense")
    assert (status, error["code"]) == (401, "unauthenticated"), error
    for device in (ana, bob):
        await device.socket.close()
    print("third-party client: passed")


asyncio.run(main(sys.argv[1]))
