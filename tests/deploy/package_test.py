#!/usr/bin/env python3
"""The Debian package, made of the programs of a build folder and put into a root of its own: installed, upgraded, removed and
purged by dpkg. The server that it installs runs as its user, and people's data outlive all of it.

usage: package_test.py --build FOLDER
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import urllib.request


PASSWORD = "a long enough one"
CONFIG = "etc/parley/parley.toml"


def run(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, **more)
    assert done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stdout[-3000:]}"
    return done.stdout


def make(build, folder):
    run("cpack", "-G", "DEB", "-B", folder / "made", "-D", "CPACK_PARLEY_PACKAGE_VERSION=0.1.0", "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=zstd", cwd=build)
    [package] = (folder / "made").glob("*.deb")
    return package


def newer(package, folder):
    """The same with a higher version, and another file of settings."""
    run("dpkg-deb", "--raw-extract", package, folder / "newer")
    control, config = folder / "newer/DEBIAN/control", folder / "newer" / CONFIG
    control.write_text(control.read_text().replace("Version: 0.1.0\n", "Version: 0.2.0\n"))
    config.write_text(config.read_text() + "# of the new version\n")
    (folder / "newer/DEBIAN/md5sums").unlink()
    run("dpkg-deb", "-Znone", "--build", "--root-owner-group", folder / "newer", folder / "newer.deb")
    return folder / "newer.deb"


class Root:
    """A root without anything but a dpkg's records; the package's scripts are told that it is one (DPKG_ROOT)."""

    def __init__(self, path):
        self.path = path
        (path / "var/lib/dpkg/info").mkdir(parents=True)
        (path / "var/lib/dpkg/updates").mkdir()
        (path / "var/lib/dpkg/status").touch()
        path.chmod(0o755)

    def dpkg(self, *arguments):
        return run("dpkg", f"--root={self.path}", "--force-script-chrootless", "--force-depends", "--force-confold", "--force-unsafe-io", *arguments,
                   env=os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})

    def user(self):
        """Number and group of the user parley there."""
        line = next(line for line in (self.path / "etc/passwd").read_text().splitlines() if line.startswith("parley:"))
        return tuple(map(int, line.split(":")[2:4]))

    def mode(self, name):
        """Permissions, owner and group."""
        found = (self.path / name).stat()
        return oct(found.st_mode & 0o7777), found.st_uid, found.st_gid

    @contextlib.contextmanager
    def server(self):
        """The one that was installed, with its settings but for addresses and the folder's place. Its port."""
        user, group = self.user()
        process = subprocess.Popen([self.path / "usr/bin/parleyd", "--config", self.path / CONFIG, "--data", self.path / "var/lib/parley", "--listen", "127.0.0.1:0",
                                    "--server-admin", "127.0.0.1:0"], user=user, group=group, extra_groups=[], stdout=subprocess.PIPE, text=True)
        try:
            line = next((line for line in process.stdout if line.startswith("listening on ")), None)
            assert line, f"parleyd ended with {process.wait()}"
            yield int(line.rsplit(":", 1)[1])
            process.terminate()
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def ask(port, path, **body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body | {"name": "ann", "password": PASSWORD}).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["user_id"]


def check(package, folder):
    root = Root(folder / "root")
    contents = run("dpkg-deb", "--contents", package)
    for name in ("usr/bin/parleyd", "usr/bin/parley", "usr/bin/parley-load", "usr/lib/systemd/system/parleyd@.service", "usr/share/doc/parley/operations.md",
                 "usr/share/doc/parley/copyright", "usr/share/doc/parley/examples/config/gateway.toml", "usr/share/doc/parley/examples/haproxy/haproxy.cfg"):
        assert f"./{name}\n" in contents, f"{name} is not in the package:\n{contents}"
    depends = run("dpkg-deb", "--field", package, "Depends")
    assert all(name in depends for name in ("libc6 (>=", "librocksdb", "libzookeeper-mt", "systemd")), depends

    assert "systemctl enable --now parleyd" in root.dpkg("--install", package)
    user, group = root.user()
    assert user != 0
    assert root.mode("var/lib/parley") == ("0o700", user, group)
    assert root.mode("etc/parley") == ("0o750", 0, group)
    assert root.mode(CONFIG) == ("0o640", 0, group)
    with root.server() as port:
        ann = ask(port, "/v1/signup")

    config = root.path / CONFIG
    config.write_text(mine := config.read_text() + "# of the operator\n")
    assert "still version 0.1.0" in root.dpkg("--install", newer(package, folder))
    assert config.read_text() == mine, "an upgrade replaced the operator's settings"
    assert root.user() == (user, group)
    with root.server() as port:
        assert ask(port, "/v1/signin", device_name="x") == ann, "an upgrade lost somebody"

    data = sorted((root.path / "var/lib/parley").rglob("*"))
    assert data
    root.dpkg("--remove", "parley")
    assert not (root.path / "usr/bin/parleyd").exists() and config.read_text() == mine
    assert "the data stay in /var/lib/parley" in root.dpkg("--purge", "parley")
    assert not config.exists()
    assert sorted((root.path / "var/lib/parley").rglob("*")) == data, "purging took data"
    assert root.mode("var/lib/parley") == ("0o700", user, group)

    root.dpkg("--install", package)
    with root.server() as port:
        assert ask(port, "/v1/signin", device_name="x") == ann


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--build", required=True, type=pathlib.Path)
    build = arguments.parse_args().build
    with tempfile.TemporaryDirectory(prefix="parley-package-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o711)
        package = make(build, folder)
        if os.geteuid() == 0:
            check(package, folder)
            print("package_test: passed")
        else:
            print("package_test: made the package; only root can install it, into whatever folder")


if __name__ == "__main__":
    main()
