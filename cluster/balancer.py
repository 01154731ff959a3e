"""The configurations of deploy/ with the addresses of one machine: `make cluster` and the tests run the files that operators
are given."""
import pathlib
import re

DEPLOY = pathlib.Path(__file__).resolve().parent.parent / "deploy"


def changed(name, changes):
    """The text of a file of deploy/ with lines replaced. `changes`: a pattern of what stands in a line, indented as it may be,
    and what is to stand there instead; each is found once, or as often as its third part says."""
    text = (DEPLOY / name).read_text()
    for pattern, instead, *times in changes:
        text, found = re.subn(rf"(?m)^( *){pattern}$", lambda match, new=instead: match[1] + new, text)
        if found != (times[0] if times else 1):
            raise ValueError(f"deploy/{name} has {pattern!r} {found} times")
    return text


def haproxy(listen, admin, gateways, source, more=()):
    """HAProxy's configuration. `listen`: what follows `bind`; `gateways`: name, address for clients and port of /readyz of
    each; `source`: from which address HAProxy speaks to them. It is ready when it would give people to all of them."""
    servers = [f"server {name} {address} cookie {number} port {port} source {source}" for number, (name, address, port) in enumerate(gateways, 1)]
    text = changed("haproxy/haproxy.cfg", [
        (r"bind :443 .*", f"bind {listen}"),
        (r"bind 127\.0\.0\.1:8404", f"bind {admin}"),
        (r"server gateway-1 .*\n  server gateway-2 .*", "\n  ".join(servers)),
        (r"http-request return status 200 .*", "http-request return status 200 content-type text/plain string ready "
         "if { path /readyz } { nbsrv(gateways) ge %d }" % len(gateways)),
        *more])
    return on_this_machine(text)


def services(listen, admin, processes):
    """The same before auth and user. `processes`: name, address and port of /readyz of each."""
    servers = [f"server {name} {address} port {port}" for name, address, port in processes]
    return on_this_machine(changed("haproxy/services.cfg", [
        (r"bind 10\.0\.0\.30:7103", f"bind {listen}"),
        (r"bind 127\.0\.0\.1:8405", f"bind {admin}"),
        (r"server auth-1 .*\n  server auth-2 .*", "\n  ".join(servers))]))


def on_this_machine(text):
    """What is before `defaults` is of a whole machine that is HAProxy's."""
    return "global\n  log stdout format raw local0 notice\n\ndefaults\n" + text.split("\ndefaults\n", 1)[1]
