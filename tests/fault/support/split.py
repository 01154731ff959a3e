"""A process of each service and two gateways as child processes, and what stands before the gateways."""

import itertools
import os
import random
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request

from processes import LIMITS, PATIENCE, Broken, wait_until

SERVICES = ["session", "presence", "auth", "notification", "message", "group"]  # user runs with auth
GATEWAYS = ["gateway 1", "gateway 2"]


class Ports:
    """Ports below the ephemeral range on which nobody listens, each given once."""

    def __init__(self, seed):
        self.draw = random.Random(f"{seed} {os.getpid()}")
        self.given = set()

    def next(self):
        for _ in range(1000):
            port = self.draw.randrange(15000, 31000)
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            if port not in self.given:
                self.given.add(port)
                return port
        raise Broken("no free port")


class Balancer:
    """Hands each new connection to the next of the gateways that takes it, as a TCP load balancer does; ends with its
    object. A connection ends with its gateway."""

    def __init__(self, port, targets):
        self.targets = targets
        self.turn = itertools.count()
        self.listener = socket.create_server(("127.0.0.1", port), backlog=512)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        gateway = self._reach()
        if gateway is None:
            return client.close()
        for one in (client, gateway):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=self._pump, args=(gateway, client), daemon=True)
        back.start()
        self._pump(client, gateway)
        back.join()
        client.close()
        gateway.close()

    def _reach(self):
        first = next(self.turn)
        for i in range(len(self.targets)):
            try:
                return socket.create_connection(("127.0.0.1", self.targets[(first + i) % len(self.targets)]), PATIENCE)
            except OSError:
                continue
        return None

    @staticmethod
    def _pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


class SplitServer:
    """Looks like `Server` to what drives it. Each process may be killed and started again by its name."""

    def __init__(self, programs, data, seed):
        self.programs, self.data, self.folder = programs, data, data.parent
        self.environment = {**os.environ, **LIMITS}
        self.processes, self.starts = {}, 0
        ports = Ports(seed)
        self.admin = {name: ports.next() for name in SERVICES + GATEWAYS}
        self.clients = {name: ports.next() for name in GATEWAYS}
        self.port = ports.next()
        self.config = self.folder / "parley.toml"
        self.config.write_text(
            "[services]\n" + "".join(f'{name} = "127.0.0.1:{ports.next()}"\n' for name in SERVICES)
            + "[gateways]\n" + "".join(f'{name.split()[1]} = "127.0.0.1:{ports.next()}"\n' for name in GATEWAYS))

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def launch(self, name):
        self.starts += 1
        command = [self.programs / "parleyd", "--config", self.config, "--data", self.data, "--test-data", "--target",
                   name.split()[0], "--server-admin", f"127.0.0.1:{self.admin[name]}"]
        if name in GATEWAYS:
            command += ["--gateway-id", name.split()[1], "--listen", f"127.0.0.1:{self.clients[name]}"]
        with open(self.log(name), "ab") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                                    env=self.environment)

    def log(self, name):
        return self.folder / f"{name.replace(' ', '-')}.log"

    def errors(self, name):
        return self.log(name).read_text(errors="replace")[-2000:]

    def readiness(self, name):
        """What the process says of itself; `ready`, or what it misses."""
        if self.processes[name].poll() is not None:
            raise Broken(f"{name} ended by itself with {self.processes[name].returncode}: {self.errors(name)}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin[name]}/readyz", timeout=PATIENCE) as answer:
                return answer.read().decode().strip()
        except urllib.error.HTTPError as error:
            return error.read().decode().strip()
        except OSError as error:
            return str(error)

    def wait_ready(self):
        for name in self.processes:
            wait_until(lambda n=name: self.readiness(n) == "ready", f"{name} being ready", 2 * PATIENCE)

    def kill(self, name):
        """At once, as `kill -9` or a crash would."""
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def stop(self):
        """As an operator would, gateways first; each exit code must be 0."""
        for part in (GATEWAYS, SERVICES[::-1]):
            for name in part:
                self.processes[name].send_signal(signal.SIGTERM)
            for name in part:
                try:
                    code = self.processes[name].wait(2 * PATIENCE)
                except subprocess.TimeoutExpired:
                    raise Broken(f"{name} did not stop: {self.errors(name)}") from None
                if code != 0:
                    raise Broken(f"{name} ended with {code}: {self.errors(name)}")

    def __enter__(self):
        for name in SERVICES + GATEWAYS:
            self.launch(name)
        try:
            self.wait_ready()
        except BaseException:
            self._end()
            raise
        self.balancer = Balancer(self.port, list(self.clients.values()))
        return self

    def __exit__(self, failed, *_):
        try:
            if not failed:
                self.stop()
        finally:
            self.balancer.close()
            self._end()

    def _end(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()
