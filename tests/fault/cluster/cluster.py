"""Parley's processes on the real servers, and those servers, each of which can be taken away and brought back by its name."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = HERE.parent.parent.parent / "scripts"
sys.path[:0] = [str(HERE.parent / "support"), str(SCRIPTS.parent / "cluster")]
import balancer  # noqa: E402
from gate import Gate  # noqa: E402
from processes import LIMITS, Broken, wait_until  # noqa: E402
from split import Balancer, Ports  # noqa: E402

PATIENCE = 180  # seconds: a server that starts anew may take long on a machine that others use too


def script(name, *arguments, environment=None):
    done = subprocess.run([sys.executable, SCRIPTS / name, *map(str, arguments)], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(f"scripts/{name} {arguments[0]}: {done.stdout[-3000:]}{done.stderr[-2000:]}")


class Servers:
    """What scripts/backends started there. They are to run when this is made, and do so again after `revive`."""

    def __init__(self, folder):
        self.folder = folder
        self.addresses = dict(line.split() for line in (folder / "addresses").read_text().splitlines())

    def kill(self, name):
        script("backends", "kill", name, "--folder", self.folder)

    def start(self, name):
        """Returns when it is ready."""
        script("backends", "start", name, "--folder", self.folder)

    def revive(self):
        script("backends", "start", "--folder", self.folder)

    def all_of(self, kind):
        return [name for name in self.addresses if name.rstrip("0123456789") == kind]

    def ask(self, name, command):
        """What a server that speaks lines answers first to one."""
        host, port = self.addresses[name].rsplit(":", 1)
        with socket.create_connection((host, int(port)), PATIENCE) as link:
            link.sendall(command)
            return link.recv(65536)


class Cluster:
    """What scripts/split started, with a balancer before the gateways. Looks like `Server` to what drives load at it."""

    def __init__(self, programs, servers, folder):
        self.programs, self.servers, self.folder = programs, servers, folder / "cluster"
        self.environment = os.environ | LIMITS | {"LSAN_OPTIONS": f"suppressions={HERE / 'lsan.supp'}:print_suppressions=0"}
        self.children = {}  # that were started again here
        try:
            self.split("start", "--parleyd", programs / "parleyd", "--backends", servers.folder)
        except Broken as broken:
            self.split("stop")  # those that did come up
            raise Broken(f"{broken}{self.logs()}") from None
        self.rows = {row["name"]: row for row in json.loads((self.folder / "processes.json").read_text())}
        self.ports = Ports("cluster")
        port = self.ports.next()
        self.balancer = Balancer(port, [int(row["clients"].rsplit(":", 1)[1]) for row in self.rows.values() if "clients" in row])
        self.address = f"127.0.0.1:{port}"

    def split(self, what, *options):
        script("split", what, "--folder", self.folder, *options, environment=self.environment)

    def services(self):
        return [name for name in self.rows if name != "haproxy"]

    def pid(self, name):
        return self.children[name].pid if name in self.children else self.rows[name]["pid"]

    def signal(self, name, number):
        os.kill(self.pid(name), number)

    def has_ended(self, name):
        if name in self.children:
            return self.children[name].poll() is not None
        try:
            state = pathlib.Path(f"/proc/{self.pid(name)}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        return state in "ZX"

    def end(self, name, number):
        """By a signal; waits for its end."""
        self.signal(name, number)
        wait_until(lambda: self.has_ended(name), f"the end of {name}", PATIENCE)

    def launch(self, name, **settings):
        """Again, after it has ended. `settings` replace those of the file: mysql_address="..."."""
        changed = {f"PARLEY_{key.upper()}": value for key, value in settings.items()}
        with open(self.rows[name]["log"], "ab") as log:
            self.children[name] = subprocess.Popen(self.rows[name]["command"], stdout=log, stderr=log, env=self.environment | changed)

    @contextlib.contextmanager
    def gated(self, kind, setting, names):
        """Gives gates, through which these processes, started anew, reach all servers of that kind."""
        targets = [self.servers.addresses[name].rsplit(":", 1) for name in self.servers.all_of(kind)]
        gates = [Gate(self.ports.next(), (host, int(port))) for host, port in targets]
        try:
            self.start_anew(names, **{setting: ",".join(gate.address for gate in gates)})
            wait_until(lambda: any(gate.open for gate in gates), f"a connection of {names} to {kind} through a gate", PATIENCE)
            yield gates
        finally:
            self.start_anew(names)
            for gate in gates:
                gate.close()

    @contextlib.contextmanager
    def balanced(self, names):
        """These processes, started anew, reach auth and user through HAProxy, at its one address."""
        listen, admin = (f"127.0.0.1:{self.ports.next()}" for _ in range(2))
        file, log = self.folder / "services.cfg", self.folder / "services-haproxy.log"
        file.write_text(balancer.services(listen, admin, [
            (name.replace(" ", "-"), row["rpc"], row["admin"].rsplit(":", 1)[1]) for name, row in self.rows.items() if name.startswith("auth")]))
        haproxy = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin")
        with open(log, "ab") as out, subprocess.Popen([haproxy, "-db", "-f", file], stdout=out, stderr=out) as process:
            try:
                self.start_anew(names, services_auth=listen)
                yield self
            finally:
                self.revive()  # whoever a failed round left away: these are not ready without
                try:
                    self.start_anew(names)
                finally:
                    process.terminate()

    def start_anew(self, names, **settings):
        for name in names:
            if not self.has_ended(name):
                self.end(name, signal.SIGTERM)
            self.launch(name, **settings)
        self.wait_ready()

    def readiness(self, name):
        """What the process says of itself; `ready`, or what it misses."""
        try:
            with urllib.request.urlopen(f"http://{self.rows[name]['admin']}/readyz", timeout=5) as answer:
                return answer.read().decode().strip()
        except urllib.error.HTTPError as error:
            return error.read().decode().strip()
        except OSError:
            return "does not answer"

    def wait_ready(self):
        for name in self.rows:
            def is_ready(name=name):
                if self.has_ended(name):
                    raise Broken(f"{name} ended by itself")
                return self.readiness(name) == "ready"

            wait_until(is_ready, f"{name} being ready", PATIENCE)

    def revive(self):
        """Brings back what a failed round left away."""
        self.servers.revive()
        for name in self.rows:
            if self.has_ended(name):
                self.launch(name)

    def logs(self):
        return "".join(f"\n== {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in sorted(self.folder.glob("*.log")))

    def stop(self):
        self.balancer.close()
        for child in self.children.values():
            child.terminate()
        self.split("stop")
        for name, child in self.children.items():
            if child.wait(PATIENCE) != 0:
                raise Broken(f"{name} ended with {child.returncode}")
