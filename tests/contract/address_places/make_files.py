"""Writes files in MaxMind's format, by PyPI's mmdb-writer in an environment of its own. Usage: make_files.py FOLDER
places.mmdb has networks with a place, networks.mmdb has none."""
import os
import pathlib
import sys

folder = pathlib.Path(sys.argv[1]).resolve()
try:
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet
except ModuleNotFoundError:
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))
    from support import prepare
    python = prepare(folder / "venv", "mmdb-writer")
    os.execv(python, [python, *sys.argv])


def write(name, kind, rows):
    writer = MMDBWriter(6, kind, ipv4_compatible=True, languages=["en"], description="made for a test")
    for networks, record in rows:
        writer.insert_network(IPSet(networks), record)
    writer.to_db_file(folder / name)


def at(latitude, longitude):
    return {"city": {"names": {"en": "somewhere"}}, "location": {"latitude": latitude, "longitude": longitude}}


# These networks are for documentation (RFC 5737, RFC 3849); 127.0.0.0/8 is for tests with clients on this machine.
write("places.mmdb", "Test-City", [
    (["192.0.2.0/24"], at(50.11, 8.68)),
    (["192.0.2.128/25", "2001:db8:2::/48"], at(-33.87, 151.21)),
    (["198.51.100.0/24"], {"country": {"iso_code": "DE"}}),  # no location
    (["203.0.113.0/24"], at(97.0, 8.0)),  # none that there is
    (["127.0.0.0/8"], at(-33.87, 151.21)),
])
write("networks.mmdb", "Test-ASN", [(["192.0.2.0/24"], {"autonomous_system_number": 64496})])
