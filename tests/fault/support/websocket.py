"""A small WebSocket client with the JSON subprotocol, that can also misbehave. Blocking, with deadlines."""

import base64
import json
import os
import socket
import struct

from processes import PATIENCE, Broken

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The server closed; `code` is of RFC 6455 or of proto/codes.json, 1006 without a close frame."""

    def __init__(self, code):
        super().__init__(f"closed with {code}")
        self.code = code


def upgrade_request(port, subprotocol):
    key = base64.b64encode(os.urandom(16)).decode()
    return (f"GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Protocol: {subprotocol}\r\n\r\n").encode()


def client_frame(opcode, payload):
    mask = os.urandom(4)
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class WebSocket:
    """`piecemeal`: every byte is a write of its own. `link`: a connected socket to that port, where it is of a special kind."""

    def __init__(self, port, subprotocol="parley.v1.json", piecemeal=False, receive_buffer=None, link=None):
        self.piecemeal = piecemeal
        self.socket = link or socket.socket()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        if not link:
            self.socket.connect(("127.0.0.1", port))
        self.buffer = b""
        self.frames = []
        self.next_id = 1
        self.write(upgrade_request(port, subprotocol))
        head = self._until(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise Broken(f"no upgrade: {head[:200]}")

    def write(self, data):
        if self.piecemeal:
            for i in range(len(data)):
                self.socket.sendall(data[i:i + 1])
        else:
            self.socket.sendall(data)

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            raise Closed(1006) from None
        except TimeoutError:
            raise Broken(f"the server was silent for {PATIENCE} s") from None
        if not data:
            raise Closed(1006)
        self.buffer += data

    def _until(self, mark):
        while mark not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def _take(self, count):
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def message(self):
        """The next text message; answers pings. Raises Closed."""
        while True:
            first, second = self._take(2)
            size = second & 0x7F
            if size == 126:
                size = struct.unpack("!H", self._take(2))[0]
            elif size == 127:
                size = struct.unpack("!Q", self._take(8))[0]
            payload = self._take(size)
            opcode = first & 0x0F
            if opcode == PING:
                self.write(client_frame(PONG, payload))
            elif opcode == CLOSE:
                raise Closed(struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005)
            elif opcode == TEXT:
                return payload

    def frame(self):
        """The next server frame, as JSON."""
        while not self.frames:
            parsed = json.loads(self.message())
            self.frames = parsed if isinstance(parsed, list) else [parsed]
        return self.frames.pop(0)

    def until(self, key):
        """The next frame with this event; what comes before is dropped."""
        while True:
            frame = self.frame()
            if key in frame:
                return frame

    def put(self, **operation):
        """Sends one client frame with an id of its own; returns the id."""
        self.next_id += 1
        self.write(client_frame(TEXT, json.dumps({"id": str(self.next_id), **operation}).encode()))
        return str(self.next_id)

    def call(self, **operation):
        """Sends one client frame and returns what answers it."""
        number = self.put(**operation)
        while True:
            frame = self.frame()
            if frame.get("re") == number:
                return frame

    def hello(self, person, cursor=""):
        """Signs in; returns the backlog's frames."""
        self.put(hello={"token": person["access_token"], "cursor": cursor})
        backlog = []
        while True:
            frame = self.frame()
            if "error" in frame:
                raise Broken(f"hello was refused: {frame}")
            backlog.append(frame)
            if "backlog_end" in frame:
                return backlog

    def wait_for_close(self):
        """Reads to the end; returns the close code."""
        try:
            while True:
                self.message()
        except Closed as closed:
            return closed.code

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def conversation(one, other):
    low, high = sorted((int(one["user_id"]), int(other["user_id"])))
    return f"d:{low}:{high}"


def send_frame(where, key, text):
    return {"conversation_id": where, "client_message_id": key, "body": {"text": text}}


def history(person, where, port):
    """All entries of a conversation, by rising seq, as the person reads them."""
    entries, more = [], True
    with WebSocket(port) as socket_:
        socket_.hello(person)
        while more:
            after = entries[-1]["seq"] if entries else "0"
            answer = socket_.call(history={"conversation_id": where, "after": after, "limit": 200})
            if "error" in answer:
                raise Broken(f"history was refused: {answer}")
            page = answer["result"]["history"]
            entries += page.get("entries", [])
            more = page.get("more_after", False)
    return entries
