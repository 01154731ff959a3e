"""A TCP gate before a server: what a client reaches through it can be cut off, or answered late."""

import queue
import socket
import threading
import time

from processes import PATIENCE


class Gate:
    """Listens on `port` and passes everything on to `target`, (host, port). `close` ends it and its connections."""

    def __init__(self, port, target):
        self.target, self.delay, self.is_cut = target, 0.0, False
        self.mutex, self.open = threading.Lock(), set()
        self.address = f"127.0.0.1:{port}"
        self.listener = socket.create_server(("127.0.0.1", port), backlog=512)
        threading.Thread(target=self._accept, daemon=True).start()

    def late(self, seconds):
        """What the server sends from now on arrives so much later; as much of it as ever."""
        self.delay = seconds

    def cut(self):
        """Ends every connection, and each new one at once, until `mend`."""
        self.is_cut = True
        self._end_all()

    def mend(self):
        self.is_cut = False

    def close(self):
        self.listener.close()
        self._end_all()

    def _end_all(self):
        with self.mutex:
            for one in self.open:
                self._end(one)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            server = socket.create_connection(self.target, PATIENCE)
        except OSError:
            return client.close()
        both = {client, server}
        with self.mutex:
            self.open |= both
        if self.is_cut:
            self._end_all()
        for one in both:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answers = queue.SimpleQueue()  # (when it is due, bytes)
        threads = [threading.Thread(target=work, daemon=True) for work in
                   (lambda: self._pump(client, server.sendall, server), lambda: self._deliver(answers, client))]
        for thread in threads:
            thread.start()
        self._pump(server, lambda data: answers.put((time.monotonic() + self.delay, data)), client)
        answers.put((0, b""))
        for thread in threads:
            thread.join()
        with self.mutex:
            self.open -= both
        for one in both:
            one.close()

    def _pump(self, source, take, other):
        try:
            while data := source.recv(65536):
                take(data)
        except OSError:
            pass  # one side is gone, and so is the other, below
        self._end(source)
        self._end(other)

    def _deliver(self, answers, client):
        try:
            while (due_data := answers.get())[1]:
                time.sleep(max(0.0, due_data[0] - time.monotonic()))
                client.sendall(due_data[1])
        except OSError:
            self._end(client)

    @staticmethod
    def _end(one):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended already
