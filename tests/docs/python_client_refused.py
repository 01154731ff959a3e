"""docs/examples/python_client.py against a script: it comes back after a refusal for now, and does not repeat what is refused for good."""
import asyncio
import json
import pathlib
import sys
import time

import websockets

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "examples"))
from python_client import Client  # noqa: E402

WAIT = 1.5  # longer than its own back-off
hellos, reads = [], []


class Ana(Client):
    def http(self, path, body=None):
        return {"users": [{"user_id": "2"}]} if path.startswith("/v1/users") else {"user_id": "1", "access_token": "a"}


async def serve(socket):
    async for message in socket:
        frame = json.loads(message)

        async def tell(**event):
            await socket.send(json.dumps({"re": frame["id"]} | event))

        if "hello" in frame:
            hellos.append(time.monotonic())
            if len(hellos) == 1:
                await tell(error={"code": "busy", "message": "later", "retryable": True, "retry_after_ms": int(WAIT * 1000)})
                continue
            await tell(welcome={"session_id": "1"})
            await tell(entry={"conversation_id": "d:1:2", "seq": "1", "sender": "2", "body": {"text": "hello"}})
            await tell(backlog_end={"cursor": "c"})
        elif "read" in frame:
            reads.append(frame)
            await tell(error={"code": "forbidden", "message": "not here"})


async def main():
    async with websockets.serve(serve, "127.0.0.1", 0, subprotocols=["parley.v1.json"]) as server:
        ana = Ana(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", "ana", "a long enough one", "bob")
        await asyncio.wait_for(ana.run(), 30)
    first, second = hellos
    assert second - first >= WAIT, f"came back after {second - first} s"
    assert len(reads) == 1, reads
    assert ana.shown == 1


asyncio.run(main())
