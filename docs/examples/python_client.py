#!/usr/bin/env python3
"""An example client, from docs/protocol.md alone, with PyPI's `websockets`: a talk with one person over the JSON subprotocol.

usage: PARLEY_PASSWORD=... python_client.py HOST:PORT NAME PEER

Each line of the input is sent; each message is printed once and in order as `SEQ SENDER TEXT`. A lost connection is made
again. Ends when the input has ended, all of it is on the server's disk, and what came is marked as read.
"""
import asyncio
import contextlib
import itertools
import json
import os
import random
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

import websockets

HELLO, SEND, HISTORY, READ = "1234"  # ids of requests: one of a kind is under way at a time


class Later(Exception):
    """The server asks to come back."""


class Client:
    def __init__(self, host, name, password, peer):
        self.host = host
        self.tokens = self.http("/v1/signin", {"name": name, "password": password, "device_name": "python"})
        [other] = self.http(f"/v1/users?name={urllib.parse.quote(peer)}")["users"]
        self.conversation = "d:{}:{}".format(*sorted(int(user["user_id"]) for user in (self.tokens, other)))
        self.cursor = ""
        self.shown = self.head = self.marked = 0  # by seq: the last one shown; the highest heard of; marked as read
        self.later = {}  # entries by seq that cannot be shown yet
        self.outbox = []  # what is not yet answered, the oldest first: it survives the connection
        self.input_ended = False
        self.not_before = 0  # by time.monotonic(): the server asked to wait

    def http(self, path, body=None):
        headers = {} if body else {"Authorization": f"Bearer {self.tokens['access_token']}"}
        request = urllib.request.Request(f"http://{self.host}{path}", json.dumps(body).encode() if body else None, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    async def run(self):
        reading, failures, code = asyncio.create_task(self.read_input()), 0, None
        while not self.finished():
            self.live = False  # until welcome
            try:
                if code in (4002, 4501):  # the access token is used up
                    self.tokens, code = self.http("/v1/refresh", {"refresh_token": self.tokens["refresh_token"]}), None
                async with websockets.connect(f"ws://{self.host}/v1/ws", subprotocols=["parley.v1.json"]) as self.socket:
                    try:
                        await self.talk()
                    finally:
                        code = self.socket.close_code
            except (OSError, websockets.WebSocketException) as lost:
                if isinstance(lost, urllib.error.HTTPError) and lost.code == 401:
                    raise SystemExit("signed out: sign in again") from None
            if code and code >= 4500 and code != 4501:
                raise SystemExit(f"closed with {code}: {self.socket.close_reason}")
            failures = 0 if self.live else failures + 1
            await asyncio.sleep(max(min(0.25 * 2**failures, 20) * random.uniform(0.5, 1), self.not_before - time.monotonic()))
        await reading

    def finished(self):
        """All is sent, and shown and marked; what there is, a backlog that was whole has told."""
        return self.input_ended and self.cursor and not self.outbox and self.head == self.shown == self.marked

    async def read_input(self):
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        async for line in lines:
            self.outbox.append({"conversation_id": self.conversation, "client_message_id": str(uuid.uuid4()),
                                "body": {"text": line.decode().rstrip("\n")}})
        self.input_ended = True

    async def talk(self):
        """One connection, from hello to its end."""
        self.under_way = set()  # ids without an answer
        await self.ask(HELLO, hello={"token": self.tokens["access_token"], "cursor": self.cursor})
        due = asyncio.create_task(self.do_what_is_due())
        try:
            async for message in self.socket:
                frames = json.loads(message)
                for frame in frames if isinstance(frames, list) else [frames]:
                    self.handle(frame)
        except Later:
            pass
        finally:
            due.cancel()

    async def ask(self, number, **operation):
        self.under_way.add(number)
        await self.socket.send(json.dumps({"id": number} | operation))

    async def do_what_is_due(self):
        """Sends, a gap that stays open for 300 ms, marks once a second, the end."""
        missing = 0
        with contextlib.suppress(websockets.ConnectionClosed):
            for turn in itertools.count():
                await asyncio.sleep(0.1)
                missing = missing + 1 if self.head > self.shown else 0
                if not self.live or time.monotonic() < self.not_before:
                    continue
                if self.outbox and SEND not in self.under_way:  # one at a time keeps the order; the same again until it is answered
                    await self.ask(SEND, send=self.outbox[0])
                if missing >= 3 and HISTORY not in self.under_way:
                    await self.ask(HISTORY, history={"conversation_id": self.conversation, "after": str(self.shown)})
                if turn % 10 == 0 and self.shown > self.marked and READ not in self.under_way:
                    self.marking, mark = self.shown, {"conversation_id": self.conversation, "seq": str(self.shown)}
                    await self.socket.send(json.dumps({"ack": {"marks": [mark]}}))  # delivered: this device has it
                    await self.ask(READ, read=mark)  # and the person has seen it
                if self.finished():
                    await self.socket.close()

    def handle(self, frame):
        re, result, error = frame.get("re"), frame.get("result", {}), frame.get("error")
        self.under_way.discard(re)
        if error and error.get("retryable"):
            self.not_before = time.monotonic() + error.get("retry_after_ms", 1000) / 1000
            if re == HELLO:
                raise Later  # no backlog will come
            return  # asked again when it is due
        if "welcome" in frame:
            self.live = True
        elif "backlog_end" in frame:
            self.cursor = frame["backlog_end"]["cursor"]
        elif frame.get("entry", {}).get("conversation_id") == self.conversation:
            self.take(frame["entry"])
        elif frame.get("conversation", {}).get("conversation_id") == self.conversation:
            self.head = max(self.head, int(frame["conversation"].get("head", 0)))
        elif "sent" in result:
            self.take(result["sent"] | {"sender": self.tokens["user_id"], "body": self.outbox.pop(0)["body"]})
        elif "history" in result:
            for entry in result["history"].get("entries", []):
                self.shown = max(self.shown, int(entry["seq"]) - 1)  # what a page leaves out does not exist for us
                self.take(entry)
        elif re == READ:
            self.marked = self.marking  # or refused for good: asking again would not help
        elif re == SEND and error:
            print(f"refused: {error['message']}: {self.outbox.pop(0)['body']['text']}", file=sys.stderr)
        elif re in (HELLO, HISTORY) and error and error["code"] not in ("unauthenticated", "token_expired"):
            raise SystemExit(f"refused: {error['message']}")  # after those two the connection is closed, and says the rest

    def take(self, entry):
        """Shows it, or keeps it until those before it are there."""
        seq = int(entry["seq"])
        self.head = max(self.head, seq)
        if seq > self.shown:
            self.later[seq] = entry
        while kept := self.later.pop(self.shown + 1, None):
            self.shown += 1
            print(self.shown, kept["sender"], kept.get("body", {}).get("text", ""), flush=True)


if __name__ == "__main__":
    asyncio.run(Client(*sys.argv[1:3], os.environ["PARLEY_PASSWORD"], sys.argv[3]).run())
