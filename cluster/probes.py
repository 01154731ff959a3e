"""Whether a server does its work, asked over its own protocol with nothing but sockets: an open port is not enough.
Each probe returns "ready" or why not, and raises OSError if nothing answers. A probe takes seconds at most."""
import shutil, socket, struct, subprocess, urllib.request

PATIENCE = 5  # seconds for one answer


def connect(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def exactly(link, size):
    data = b""
    while len(data) < size:
        piece = link.recv(size - len(data))
        if not piece:
            raise ConnectionError("closed in the middle of an answer")
        data += piece
    return data


def redis(address):
    with connect(address) as link:
        link.sendall(b"PING\r\n")
        answer = exactly(link, 5)
    return "ready" if answer == b"+PONG" else f"answers {answer!r}"


def mysql(address):
    host, port = address.rsplit(":", 1)
    command = [shutil.which("mariadb"), "--no-defaults", f"-h{host}", f"-P{port}", "-uroot", "-Nse", "select 1",
               f"--connect-timeout={PATIENCE}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3 * PATIENCE)
    return "ready" if done.stdout.strip() == "1" else done.stderr.strip()


def zookeeper(address):
    with connect(address) as link:  # `ruok` is answered too by a member without a quorum; it then has no mode
        link.sendall(b"srvr")
        answer = b""
        while piece := link.recv(4096):
            answer += piece
    return "ready" if b"\nMode: " in answer else answer.decode().strip()


def s3(address):
    with urllib.request.urlopen(f"http://{address}/health", timeout=PATIENCE) as answer:
        return "ready" if answer.status == 200 else f"answers {answer.status}"


def kafka(address, alive):
    """The brokers that this one lists: itself only once the controller let it in. Metadata request, version 1, of no topic."""
    client = b"parley"
    request = struct.pack(">hhih", 3, 1, 1, len(client)) + client + struct.pack(">i", 0)
    with connect(address) as link:
        link.sendall(struct.pack(">i", len(request)) + request)
        body = exactly(link, *struct.unpack(">i", exactly(link, 4)))
    (count,), at, brokers = struct.unpack_from(">i", body, 4), 8, []
    for _ in range(count):
        _, length = struct.unpack_from(">ih", body, at)
        host, at = body[at + 6:at + 6 + length].decode(), at + 6 + length
        port, rack = struct.unpack_from(">ih", body, at)
        brokers.append(f"{host}:{port}")
        at += 6 + max(rack, 0)
    return "ready" if address in brokers and count >= alive else f"knows {count} brokers of {alive}"


class Cql:
    """A connection to one Cassandra node, protocol version 4. Values come back as bytes; enough for short questions."""
    ONE, QUORUM, ALL, LOCAL_QUORUM = 1, 4, 5, 6

    def __init__(self, address):
        self.link = connect(address)
        try:
            self.ask(1, struct.pack(">h", 1) + self.text("CQL_VERSION") + self.text("3.0.0"))
        except BaseException:
            self.link.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.link.close()

    @staticmethod
    def text(words):
        return struct.pack(">h", len(words)) + words.encode()

    def ask(self, opcode, body):
        self.link.sendall(struct.pack(">BBhBi", 4, 0, 0, opcode, len(body)) + body)
        _, _, _, opcode, length = struct.unpack(">BBhBi", exactly(self.link, 9))
        answer = exactly(self.link, length)
        if opcode == 0:
            raise ConnectionError(f"Cassandra: {answer[6:].decode(errors='replace')}")
        return answer

    def query(self, statement, consistency):
        """The rows, each a list of bytes or None; [] if the statement has none. Columns of plain types only."""
        answer = self.ask(7, struct.pack(">i", len(statement)) + statement.encode() + struct.pack(">hB", consistency, 0))
        at = 4

        def number(form):
            nonlocal at
            (value,) = struct.unpack_from(form, answer, at)
            at += struct.calcsize(form)
            return value

        def string():
            nonlocal at
            length = number(">h")
            at += length

        if struct.unpack_from(">i", answer)[0] != 2:
            return []
        flags, columns = number(">i"), number(">i")
        for _ in range(2 if flags & 1 else 0):
            string()  # keyspace and table of all columns
        for _ in range(columns):
            for _ in range(1 if flags & 1 else 3):
                string()
            number(">h")  # type
        rows = []
        for _ in range(number(">i")):
            rows.append([])
            for _ in range(columns):
                length = number(">i")
                rows[-1].append(answer[at:at + length] if length >= 0 else None)
                at += max(length, 0)
        return rows


def cassandra(address, alive, nodes):
    """Every node knows the others, those that live agree on the schema, and a replicated table is read."""
    with Cql(address) as node:
        versions = {row[0] for row in node.query("select schema_version from system.local", Cql.ONE)}
        peers = node.query("select schema_version from system.peers_v2", Cql.ONE)
        if len(peers) != nodes - 1:
            return f"knows {len(peers)} of {nodes - 1} other nodes"
        if alive == nodes:
            versions |= {row[0] for row in peers}
        if len(versions) > 1 or None in versions:
            return "the nodes do not agree on the schema yet"
        # This table has three replicas, so that ALL is answered only if each node sees the others alive.
        everyone = Cql.ALL if alive == nodes == 3 else Cql.ONE
        node.query("select keyspace_name from system_distributed.view_build_status limit 1", everyone)
    return "ready"
