"""What the end-to-end tests stand on: the server's process, a gate before it, a terminal."""
import codecs
import fcntl
import hashlib
import os
import pathlib
import pty
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
import unicodedata
import venv

DEADLINE = 30.0
REQUIREMENTS = pathlib.Path(__file__).resolve().parent.parent / "requirements.txt"


def prepare(environment, *packages, pins=()):
    """The interpreter of a virtual environment with the packages; made anew when the pins change."""
    pins = [REQUIREMENTS, *pins]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in pins)).hexdigest()
    stamp = environment / "requirements.sha256"
    python = environment / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != digest:
        venv.create(environment, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        *packages, *(f"--constraint={file}" for file in pins)], check=True)
        stamp.write_text(digest)
    return python


def wait_for(condition, what):
    """Polls until the condition holds; its result."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.01)
    raise AssertionError(f"not within {DEADLINE:.0f} s: {what() if callable(what) else what}")


class Server:
    """parleyd on a free port; the folder outlives it."""

    def __init__(self, program, folder):
        self.command = [program, "--data", str(folder), "--listen", "127.0.0.1:0"]
        self.log = open(pathlib.Path(folder).parent / "parleyd.log", "ab")
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            if line.startswith("listening on "):
                self.port = int(line.rsplit(":", 1)[1])
                return
        raise AssertionError(f"parleyd ended with {self.process.wait()} before it listened: see {self.log.name}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """SIGTERM; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=DEADLINE)
        finally:
            self.kill()
            self.log.close()


class Gate:
    """A TCP port that stays while the server behind it comes and goes. With no server, connections are refused by
    closing them at once."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port))
            except OSError:
                client.close()
                continue
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass  # one side is gone: so is the other, below
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


class Terminal:
    """A program on a pseudo-terminal, and what its screen shows (VT100, as far as parley uses it)."""

    def __init__(self, command, env, rows=100, columns=100):
        self.rows, self.columns = rows, columns
        self.cells = [[] for _ in range(rows)]
        self.row = self.column = 0
        self.pending = ""  # the start of a control sequence
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.status = None
        self.lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def type(self, text):
        os.write(self.fd, text.encode())

    def lines(self):
        """The rows of the screen."""
        with self.lock:
            return [row for row in ("".join(cells).rstrip() for cells in self.cells) if row]

    def _read(self):
        """All the time, as a terminal does: a program whose output nobody takes stands still."""
        while True:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return  # the program has ended
            if not data:
                return
            with self.lock:
                self._write(data)

    def shows(self, text):
        return any(text in line for line in self.lines())

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def kill(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()

    def wait(self):
        """The exit code."""
        def ended():
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            return pid
        if self.status is None:
            wait_for(ended, lambda: "the program's end; its screen:\n" + "\n".join(self.lines()))
        return self.status

    def _write(self, data):
        text, self.pending = self.pending + self.decoder.decode(data), ""
        at = 0
        while at < len(text):
            if text[at] == "\033":
                end = at + 2
                while end < len(text) and not "@" <= text[end] <= "~":
                    end += 1
                if end >= len(text):
                    self.pending = text[at:]
                    return
                self._control(text[at + 2:end], text[end])
                at = end + 1
                continue
            self._put(text[at])
            at += 1

    def _put(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self._feed()
        else:
            width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            if self.column + width > self.columns:
                self.column = 0
                self._feed()
            row = self.cells[self.row]
            row.extend(" " * (self.column + 1 - len(row)))
            row[self.column] = character
            self.column += width

    def _feed(self):
        if self.row + 1 < self.rows:
            self.row += 1
        else:
            self.cells = self.cells[1:] + [[]]

    def _control(self, argument, command):
        n = int(argument) if argument.isdigit() else 1
        if command == "A":
            self.row = max(0, self.row - n)
        elif command == "C":
            self.column = min(self.columns - 1, self.column + n)
        elif command == "H":
            self.row = self.column = 0
        elif command == "K" or (command == "J" and not argument):
            del self.cells[self.row][self.column:]
            if command == "J":
                for row in self.cells[self.row + 1:]:
                    row.clear()
        elif command == "J":
            self.cells = [[] for _ in range(self.rows)]
