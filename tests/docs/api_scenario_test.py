#!/usr/bin/env python3
"""Calls every operation of the OpenAPI document, and exchanges every frame of the AsyncAPI document, with a running server: each request
and each answer is as described there, with nothing beside what is described, and none is left out.

usage: api_scenario_test.py --parleyd PATH --work FOLDER
"""
import argparse
import asyncio
import itertools
import json
import os
import pathlib
import re
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from support import Server, prepare  # noqa: E402

try:
    import jsonschema
    import websockets
except ImportError:  # not yet in the environment that has them: see main()
    jsonschema = None

ROOT = HERE.parent.parent
PATIENCE = 30
PASSWORD = "a long enough one"


IDS = itertools.count(1)


def fresh_id():
    return str(uuid.UUID(int=next(IDS)))


def closed(node):
    """The same schemas, with no properties but those named: what is sent must be described."""
    if isinstance(node, dict):
        node = {key: closed(value) for key, value in node.items()}
        if node.get("type") == "object" and isinstance(node.get("properties"), dict):
            node["additionalProperties"] = False
        return node
    return [closed(value) for value in node] if isinstance(node, list) else node


class Document:
    def __init__(self, served, name):
        self.root = json.loads(served)
        assert self.root == json.loads((ROOT / "docs/api" / name).read_text()), f"what is served is not docs/api/{name}"
        self.components = closed(self.root["components"])

    def check(self, value, schema, what):
        validator = jsonschema.Draft202012Validator(closed(schema) | {"components": self.components})
        if errors := [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]:
            raise AssertionError(f"{what} is not as described: {errors}\n{json.dumps(value)[:2000]}")

    def check_examples(self):
        """Those of its schemas and messages. Returns how many there are."""
        examples = [(name, schema, example) for name, schema in self.root["components"]["schemas"].items()
                    for example in schema.get("examples", [])]
        examples += [(name, message["payload"], example["payload"]) for name, message in self.root["components"].get("messages", {}).items()
                     for example in message.get("examples", [])]
        for name, schema, example in examples:
            self.check(example, schema, f"an example of {name}")
        return len(examples)

    def resolve(self, node):
        while "$ref" in node:
            target = self.root
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node


def fetch(url, method="GET", body=None, token=""):
    """status, content type, text; of a stream of events, the open answer instead of the text"""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {token}"} if token else {}, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=PATIENCE)
    except urllib.error.HTTPError as refused:
        answer = refused
    content_type = answer.headers.get_content_type()
    if content_type == "text/event-stream":
        return answer.status, content_type, answer
    with answer:
        return answer.status, content_type, answer.read().decode()


class Api(Document):
    def __init__(self, base):
        super().__init__(fetch(f"{base}/v1/openapi.json")[2], "openapi.json")
        self.base, self.called = base, set()
        self.operations = {operation["operationId"]: (method.upper(), path, operation)
                           for path, methods in self.root["paths"].items() for method, operation in methods.items()}

    def call(self, operation_id, token="", body=None, status=None, **parameters):
        """The answer. A status in the 200s unless another is given."""
        method, path, operation = self.operations[operation_id]
        query = {}
        for parameter in operation.get("parameters", []):
            if (value := parameters.pop(parameter["name"], None)) is None:
                assert not parameter["required"] or status, f"{operation_id} without {parameter['name']}"
            elif parameter["in"] == "path":
                path = path.replace("{%s}" % parameter["name"], urllib.parse.quote(str(value)))
            else:
                query[parameter["name"]] = value
        assert not parameters, f"{operation_id} has no parameters {list(parameters)}"
        assert token or status or not operation["security"] or {} in operation["security"], f"who may call {operation_id}?"
        assert operation["security"] or not token, f"{operation_id} needs no token"
        if body is not None:
            self.check(body, operation["requestBody"]["content"]["application/json"]["schema"], f"the request of {operation_id}")
        url = self.base + path + ("?" + urllib.parse.urlencode(query) if query else "")
        given, content_type, text = fetch(url, method, body, token)
        assert (given == status) if status else (200 <= given < 300), f"{operation_id} answered {given}: {text}"
        response = operation["responses"].get(str(given))
        assert response, f"{operation_id} answered {given}, which is not described"
        content = self.resolve(response)["content"]
        assert content_type in content, f"{operation_id} answered {content_type}"
        if not status:
            self.called.add(operation_id)
        if content_type != "application/json":
            return text
        answer = json.loads(text)
        self.check(answer, content[content_type]["schema"], f"the answer of {operation_id}")
        return answer


class Frames:
    """A session; every frame is checked on its way."""

    channels = ["socket"]

    def __init__(self, document):
        self.document, self.number, self.early, self.seen = document, 0, [], set()
        self.described = set()
        for channel in self.channels:
            self.described |= set(document.root["channels"][channel]["messages"])

    async def hello(self, hello):
        answer = await self.ask("hello", hello)
        self.backlog = [frame async for frame in self.until("backlog_end")]
        return answer["welcome"]

    def note(self, value, name):
        assert name in self.described, f"{name} is not described"
        self.document.check(value, self.document.root["components"]["messages"][name]["payload"], name)
        self.seen.add(name)

    def note_frames(self, frames, side):
        for frame in frames:
            [kind] = set(frame) - {"id", "re"}
            self.note(frame, f"{side}_{kind}")

    async def receive(self):
        frames = json.loads(await self.read())
        frames = frames if isinstance(frames, list) else [frames]
        self.note_frames(frames, "server")
        self.early += frames

    async def until(self, kind):
        """The frames up to and with the next one of that kind."""
        while True:
            while not self.early:
                await self.receive()
            frame = self.early.pop(0)
            yield frame
            if kind in frame:
                return

    async def next(self, kind):
        return [frame async for frame in self.until(kind)][-1][kind]

    async def entry(self, text):
        while (found := await self.next("entry")).get("body", {}).get("text") != text:
            pass
        return found

    async def say(self, *frames):
        self.note_frames(frames, "client")
        await self.write(list(frames) if len(frames) > 1 else frames[0])

    async def ask(self, operation, body):
        self.number += 1
        number = str(self.number)
        await self.say({"id": number, operation: body})
        return await self.answer_to(number)

    async def answer_to(self, number):
        while True:
            for at, frame in enumerate(self.early):
                if frame.get("re") == number:
                    return self.early.pop(at)
            await self.receive()


class Socket(Frames):
    def __init__(self, document, port):
        super().__init__(document)
        self.url = f"ws://127.0.0.1:{port}/v1/ws"

    async def connect(self, hello):
        self.socket = await websockets.connect(self.url, subprotocols=["parley.v1.json"])
        return await self.hello(hello)

    async def write(self, value):
        await self.socket.send(json.dumps(value))

    async def read(self):
        return await asyncio.wait_for(self.socket.recv(), PATIENCE)


class Events(Frames):
    """The same by event stream and POST."""

    channels = ["events", "frames"]

    def __init__(self, document, api):
        super().__init__(document)
        self.api = api

    async def connect(self, token="", ticket=""):
        """By an access token in the header, or by a ticket."""
        self.number, frame = 1, {"id": "1", "hello": {"resume_ticket": ticket} if ticket else {"client": "scenario 1.0"}}
        self.bearer = token or ticket
        self.stream = await asyncio.to_thread(self.api.call, "openStream", token, frame)
        welcome = (await self.answer_to("1"))["welcome"]
        self.session = welcome["session_id"]
        self.backlog = [frame async for frame in self.until("backlog_end")]

    async def write(self, value):
        await asyncio.to_thread(self.api.call, "sendFrames", self.bearer, value, session_id=self.session)

    async def event(self):
        """Its fields; comments are passed over."""
        while True:
            fields = {}
            while line := (await asyncio.to_thread(self.stream.readline)).decode():
                if line == "\n":
                    break
                if not line.startswith(":"):
                    name, _, value = line.removesuffix("\n").partition(": ")
                    assert name in ("event", "data") and name not in fields, f"the line {line!r} of an event"
                    fields[name] = value
            assert line, "the stream ended without the event `close`"
            if fields:
                return fields

    async def read(self):
        event = await self.event()
        assert set(event) == {"data"}, event
        return event["data"]

    async def closed(self):
        event = await self.event()
        assert event["event"] == "close", event
        self.note(json.loads(event["data"]), "server_close")
        assert await asyncio.to_thread(self.stream.read) == b"", "something comes after `close`"
        self.stream.close()
        return json.loads(event["data"])["code"]


def rest(api):
    """Every operation, as a talk of ana, bob and eve; what the frames need of it."""
    ana, bob, eve = (api.call("signUp", body={"name": name, "password": PASSWORD, "display_name": name.title(), "device_name": "laptop"})
                     for name in ("ana", "bob", "eve"))
    a, b, e = (tokens["access_token"] for tokens in (ana, bob, eve))
    api.call("signUp", body={"name": "ana", "password": PASSWORD}, status=409)
    api.call("signIn", body={"name": "ana", "password": "not this one"}, status=401)
    second = api.call("signIn", body={"name": "ana", "password": PASSWORD, "device_name": "phone"})
    second = api.call("refresh", body={"refresh_token": second["refresh_token"]})
    assert len(api.call("listDevices", a)["devices"]) == 2
    api.call("removeDevice", a, device_id=second["device_id"])
    api.call("removeDevice", a, device_id="1", status=404)
    api.call("updateMe", a, {"about": "at the harbour", "display_name": "Ana Ruiz"})
    assert api.call("getMe", a)["about"] == "at the harbour"
    api.call("getMe", "nonsense", status=401)
    assert api.call("findUsers", a, name="bob")["users"][0]["user_id"] == bob["user_id"]
    api.call("findUsers", a, status=400)
    assert api.call("getUser", a, user_id=bob["user_id"])["name"] == "bob"

    direct = "d:" + ":".join(sorted((ana["user_id"], bob["user_id"]), key=int))
    message = {"conversation_id": direct, "client_message_id": fresh_id(), "body": {"text": "at the harbour, two o'clock"}}
    sent = api.call("sendMsg", a, message)
    assert api.call("sendMsg", a, message) == sent
    api.call("sendMsg", a, message | {"body": {"text": "another"}}, status=409)
    api.call("sendMsg", a, message | {"body": {"text": "x" * 20000}}, status=413)
    assert api.call("getMsg", b)["entries"][0]["seq"] == "1"
    assert api.call("listConversations", b, limit=10)["conversations"][0]["conversation_id"] == direct
    assert api.call("getConversation", b, conversation_id=direct)["unread"] == "1"
    api.call("getConversation", e, conversation_id=direct, status=404)
    assert len(api.call("getHistory", b, conversation_id=direct, before="0", limit=5)["entries"]) == 1
    api.call("markRead", b, {"seq": "1"}, conversation_id=direct)
    assert api.call("getReceipts", a, conversation_id=direct, seq="1")["read"] == 1
    assert len(api.call("getPresence", a, user_ids=f"{bob['user_id']},{eve['user_id']}")["users"]) == 2

    group = api.call("createGroup", a, {"request_id": fresh_id(), "title": "Sailing", "members": [bob["user_id"]]})["group_id"]
    assert api.call("listGroups", b)["groups"][0]["role"] == "ROLE_MEMBER"
    assert api.call("getGroup", a, group_id=group)["members"] == 2
    api.call("getGroup", e, group_id=group, status=404)
    api.call("updateGroup", a, {"title": "Rowing"}, group_id=group)
    api.call("updateGroup", b, {"title": "Diving"}, group_id=group, status=403)
    api.call("addMembers", a, {"user_ids": [eve["user_id"]]}, group_id=group)
    assert len(api.call("listMembers", a, group_id=group, limit=10)["members"]) == 3
    api.call("setRole", a, {"role": "ROLE_ADMIN"}, group_id=group, user_id=bob["user_id"])
    api.call("removeMember", b, group_id=group, user_id=eve["user_id"])
    api.call("transferGroup", a, {"user_id": bob["user_id"]}, group_id=group)
    api.call("leaveGroup", a, group_id=group)
    api.call("dissolveGroup", b, group_id=group)
    api.call("addMembers", b, {"user_ids": [eve["user_id"]]}, group_id=group, status=404)
    api.call("sendMsg", b, message | {"conversation_id": f"g:{group}"}, status=410)

    api.call("signOut", e, {"all_devices": False})
    api.call("getMe", e, status=401)
    gateways = api.call("connectToServer", latitude=50.11, longitude=8.68, limit=10)["gateways"]
    assert gateways == api.call("connectToServer", last=gateways[0]["url"])["gateways"], "one process answers with itself"
    api.call("connectToServer", latitude=91, longitude=0, status=400)
    api.call("connectToServer", zone="nowhere", status=400)
    codes = api.call("getCodes")
    listed = api.root["components"]["schemas"]["ErrorCode"]["enum"]
    assert listed == [row["name"] for row in codes["errors"]]
    api.call("getOpenApi")
    api.call("getAsyncApi")
    page = api.call("getPage")
    assert "://" not in page, "the page names another host"
    assert "/v1/openapi.json" in page and "/v1/asyncapi.json" in page
    return ana, bob, direct


async def frames(document, api, ana, bob, direct, server):
    a, b = Socket(document, server.port), Socket(document, server.port)
    welcome = await a.connect({"token": ana["access_token"], "client": "scenario 1.0"})
    await b.connect({"token": bob["access_token"]})
    await a.ask("token", {"token": ana["access_token"]})
    await b.ask("presence", {"user_ids": [ana["user_id"]]})
    await a.ask("presence", {"user_ids": []})

    def message(text, key=None):
        return {"conversation_id": direct, "client_message_id": key or fresh_id(), "body": {"text": text}}

    sent = (await a.ask("send", message("hello")))["result"]["sent"]
    assert (await b.entry("hello"))["seq"] == sent["seq"]
    mark = {"conversation_id": direct, "seq": sent["seq"]}
    await b.say({"ack": {"marks": [mark]}}, {"id": "900", "read": mark})
    await b.answer_to("900")
    assert (await a.next("receipt"))["user_id"] == bob["user_id"]
    await a.say({"typing": {"conversation_id": direct}})
    assert (await b.next("typing"))["user_id"] == ana["user_id"]
    assert "history" in (await a.ask("history", {"conversation_id": direct, "before": "0", "limit": 50}))["result"]
    await a.ask("ping", {})
    for later in ("edit", "delete", "react"):
        assert (await a.ask(later, {}))["error"]["code"] == "unsupported"
    # More than is replayed: a gap. 250 messages, a batch at a time; then another device's sync.
    for batch in range(5):
        await a.say(*({"id": str(1000 + 50 * batch + i), "send": message(f"{batch} {i}")} for i in range(50)))
        for i in range(50):
            assert "sent" in (await a.answer_to(str(1000 + 50 * batch + i)))["result"]
    again = Socket(document, server.port)
    await again.connect({"resume_ticket": welcome["resume_ticket"]})
    assert any("gap" in frame for frame in again.backlog), "no gap"
    cursor = next(frame for frame in again.backlog if "backlog_end" in frame)["backlog_end"]["cursor"]
    await again.ask("sync", {"cursor": cursor})
    # Bob once more, by events: a batch of asks, and what Ana says to him.
    events, by_ticket = Events(document, api), Events(document, api)
    await events.connect(bob["access_token"])
    await events.say({"id": "2", "ping": {}}, {"id": "3", "history": {"conversation_id": direct, "limit": 2}},
                     {"id": "4", "send": message("by post")})
    assert "pong" in await events.answer_to("2")
    assert len((await events.answer_to("3"))["result"]["history"]["entries"]) == 2
    await events.answer_to("4")
    assert (await again.entry("by post"))["sender"] == bob["user_id"]
    await again.ask("send", message("to the stream"))
    assert (await events.entry("to the stream"))["sender"] == ana["user_id"]
    await by_ticket.connect(ticket=welcome["resume_ticket"])
    assert "pong" in await by_ticket.ask("ping", {})
    by_ticket.stream.close()
    api.call("openStream", body={"hello": {}}, status=401)
    api.call("openStream", bob["access_token"], {"hello": {"cursor": "garbage"}}, status=400)
    api.call("sendFrames", ana["access_token"], {"ping": {}}, status=404, session_id=events.session)

    for socket in (a, b):
        await socket.socket.close()
    stopped = asyncio.create_task(asyncio.to_thread(server.stop))
    await again.next("reconnect")
    await events.next("reconnect")
    assert await events.closed() == 4000
    assert await stopped == 0, f"parleyd exited with {stopped.result()} after SIGTERM"
    left_out = a.described - a.seen - b.seen - again.seen
    assert not left_out, f"never exchanged: {sorted(left_out)}"
    assert {"server_welcome", "server_result", "server_entry", "server_reconnect", "server_close"} <= events.seen


def no_other_hosts():
    """What people read here names no machine of somebody else's."""
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*")]:
        if path.is_file():
            for host in re.findall(r"\b(?:https?|wss?)://([A-Za-z0-9][\w.-]*)", path.read_text()):
                own = host in ("127.0.0.1", "localhost") or host.endswith((".example", "example.org", "example.com"))
                assert own, f"{path} names {host}"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--parleyd", required=True)
    arguments.add_argument("--work", required=True, type=pathlib.Path)
    options = arguments.parse_args()
    if jsonschema is None:
        python = prepare(options.work, "jsonschema", "websockets", pins=[HERE / "requirements.txt"])
        os.execv(python, [python, *sys.argv])
    no_other_hosts()
    for limit in ("REQUESTS", "SENDS"):
        os.environ[f"PARLEY_LIMITS_{limit}_PER_SECOND"] = "10000"
    with tempfile.TemporaryDirectory(prefix="parley-docs-") as folder:
        server = Server(options.parleyd, pathlib.Path(folder) / "data")
        try:
            base = f"http://127.0.0.1:{server.port}"
            api = Api(base)
            people = rest(api)
            document = Document(fetch(f"{base}/v1/asyncapi.json")[2], "asyncapi.json")
            assert api.check_examples() > 10 and document.check_examples() > 20
            asyncio.run(frames(document, api, *people, server))
            left_out = set(api.operations) - api.called
            assert not left_out, f"never called: {sorted(left_out)}"
        finally:
            server.kill()
    print(f"api_scenario_test: passed, {len(api.called)} operations and {len(document.root['channels']['socket']['messages'])} frames")


main()
