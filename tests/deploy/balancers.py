"""HAProxy and nginx as processes, with the files of deploy/ and the addresses of a test."""

import http.client
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "fault" / "support"), str(HERE.parent.parent / "cluster")]
import balancer  # noqa: E402
from balancer import DEPLOY  # noqa: E402, F401
from processes import PATIENCE, wait_until  # noqa: E402
from websocket import WebSocket  # noqa: E402

PER_ADDRESS = 20  # connections, instead of 500


def program(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    assert found, f"{name} is not installed: scripts/bootstrap test does it"
    return found


def certificate(folder):
    """For this machine; it is its own authority. The files of the certificate and its key."""
    pem, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=parley",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", pem], check=True, stderr=subprocess.DEVNULL)
    return pem, key


class Balancer:
    """What both are. Clients reach it by TLS on `port`. Ends with `with`. `silence`: instead of the time-outs of the file, of what
    is open and silent."""

    def __init__(self, folder, ports, gateways, pem, key, silence=None):
        self.folder, self.gateways, self.pem, self.key = folder / f"{self.name}-{silence or 'as-it-is'}", gateways, pem, key
        self.silence = silence
        self.folder.mkdir()
        self.port, self.admin = ports.next(), f"127.0.0.1:{ports.next()}"
        self.context = ssl.create_default_context(cafile=pem)
        self.process = None

    def __enter__(self):
        self.configure()
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(self.command(), stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        wait_until(self.is_up, f"{self.name} being up", 60)
        return self

    def is_up(self):
        assert self.process.poll() is None, f"{self.name} ended: {(self.folder / 'log').read_text()}"
        try:
            return self.request("GET", "/v1/codes")[0] == 200
        except OSError:
            return False

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()

    def connection(self, address="127.0.0.1"):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=self.context, source_address=(address, 0))

    def request(self, method, path, body=None, headers=None, address="127.0.0.1"):
        """By a connection of its own. Status, headers and body of the answer."""
        link = self.connection(address)
        try:
            link.request(method, path, body, headers or {})
            answer = link.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            link.close()

    def websocket(self, kind=WebSocket, address="127.0.0.1"):
        link = socket.create_connection(("127.0.0.1", self.port), PATIENCE, source_address=(address, 0))
        return kind(self.port, link=self.context.wrap_socket(link, server_hostname="127.0.0.1"))


class HAProxy(Balancer):
    name, source = "haproxy", "127.0.0.2"

    def configure(self):
        both = self.folder / "both.pem"
        both.write_text(self.pem.read_text() + self.key.read_text())
        self.socket = self.folder / "socket"
        text = balancer.haproxy(f"127.0.0.1:{self.port} ssl crt {both} alpn http/1.1", self.admin,
                                [(f"gateway-{i}", *addresses) for i, addresses in enumerate(self.gateways, 1)], self.source, [
            (r"timeout client 75s", f"timeout client {self.silence or '75s'}"),
            (r"timeout server 75s", f"timeout server {self.silence or '75s'}"),
            (r"timeout tunnel 1h", f"timeout tunnel {self.silence or '1h'}"),
            (r"acl own_machine src 127\.0\.0\.0/8", "acl own_machine src 127.0.0.1"),
            (r"tcp-request connection reject .*", f"tcp-request connection reject if {{ sc0_conn_cur gt {PER_ADDRESS} }} or {{ sc0_conn_rate gt 500 }}")])
        (self.folder / "haproxy.cfg").write_text(text.replace("global\n", f"global\n  stats socket {self.socket} level admin\n", 1))

    def command(self):
        return [program("haproxy"), "-db", "-f", self.folder / "haproxy.cfg"]

    def set_drained(self, number, drained):
        """As docs/operations.md says."""
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(self.socket))
            link.sendall(f"set server gateways/gateway-{number} state {'drain' if drained else 'ready'}\n".encode())
            assert link.recv(1000).strip() == b""


class Nginx(Balancer):
    name, source = "nginx", "127.0.0.3"
    drained = None

    def configure(self):
        temporary = " ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        servers = "\n        ".join(f"server {address} max_conns=17500 max_fails=2 fail_timeout=5s{' down' if i == self.drained else ''};"
                                    for i, (address, _) in enumerate(self.gateways, 1))
        (self.folder / "nginx.conf").write_text(balancer.changed("nginx/nginx.conf", [
            (r"user www-data;", "user root;" if os.geteuid() == 0 else ""),
            (r"pid .*", f"pid {self.folder}/pid;\ndaemon off;"),
            (r"error_log .*", f"error_log {self.folder}/log;"),
            (r"worker_processes .*", "worker_processes 2;"),
            (r"worker_rlimit_nofile .*", ""),
            (r"worker_connections .*", "worker_connections 500;"),
            (r"access_log .*", f"access_log off; {temporary}"),
            (r"server 10\.0\.0\.11:7070 .*\n *server 10\.0\.0\.12:7070 .*", servers, 2),
            (r"limit_conn addresses 500;", f"limit_conn addresses {PER_ADDRESS};"),
            (r"listen 443 ssl;", f"listen 127.0.0.1:{self.port} ssl;"),
            (r"ssl_certificate .*", f"ssl_certificate {self.pem};"),
            (r"ssl_certificate_key .*", f"ssl_certificate_key {self.key};"),
            (r"proxy_connect_timeout 3s;", f"proxy_connect_timeout 3s; proxy_bind {self.source};"),
            *((rf"{name} 75s;", f"{name} {self.silence or '75s'};") for name in ("proxy_read_timeout", "proxy_send_timeout", "send_timeout"))]))

    def command(self):
        return [program("nginx"), "-c", self.folder / "nginx.conf", "-e", self.folder / "log"]

    def workers(self):
        """Those that take connections."""
        pids = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return {pid for pid in pids if "worker process" in (title := self.title(pid)) and "shutting down" not in title}

    @staticmethod
    def title(pid):
        try:
            return pathlib.Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:  # it has just ended
            return ""

    def set_drained(self, number, drained):
        """As docs/operations.md says."""
        self.drained = number if drained else None
        self.configure()
        before = self.workers()
        subprocess.run([*self.command(), "-s", "reload"], check=True)
        wait_until(lambda: (now := self.workers()) and not now & before, "nginx with its new configuration", 60)
