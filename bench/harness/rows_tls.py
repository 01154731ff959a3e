"""session_tls_bytes: what an idle session costs the server where it is encrypted."""

import subprocess

from . import machine
from .rows_sessions import FEW, WARMING, hold, settle
from .table import Row

MANY, MANY_QUICK = 19_000, 5_000


def certificate(folder):
    """A pair that signs itself, for 127.0.0.1."""
    pair = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-out", str(pair[0]), "-keyout",
         str(pair[1])], check=True, capture_output=True)
    return pair


def measure(bench, quick, _start):
    row = Row("session_tls_bytes", "B", "less", lambda v, _: v <= 18_000, lambda v, _: v <= 15_500, "<= 18,000",
              "<= 15,500")
    many = MANY_QUICK if quick else MANY
    seed = bench.seeded(MANY, 19, 1)
    for _ in range(1 if quick else 2):
        folder = bench.copy(seed)
        with bench.server(folder, certificate=certificate(bench.data)) as server:
            tokens = folder / "tokens.jsonl"
            bench.load(server.address, tokens, "--mode", "resumes", "--users", many, "--connecting", WARMING,
                       "--duration", 0.1)
            with hold(bench, server, tokens, 0, FEW):
                settle(server)
                pss = machine.pss_bytes(server.pid)
                with hold(bench, server, tokens, FEW, many - FEW):
                    settle(server)
                    row.add((machine.pss_bytes(server.pid) - pss) / (many - FEW))
                    print(f"tls: {row.samples[-1]:.0f} B of the server, each of {many - FEW} sessions (TLS 1.3)",
                          flush=True)
    return [row]
