"""People who sign up and in, renew their tokens, read and change their profile and sign out, while auth and user processes come and go."""

import http.client
import itertools
import json
import threading
import time
import traceback

from cluster import Broken, wait_until
from processes import PATIENCE
from websocket import WebSocket

# Seconds in which a retry is taken, and a device that signed out is refused by all. It should be 1, and what it took is printed: a
# machine that stalls is no error.
WITHIN = 10
PEOPLE, LEAVERS = 3, 2
PASSWORD = "a long enough one"
ROUNDS = 2  # of each of them, until the next step


class Accounts:
    """Each request goes to the next gateway. One that is answered by a retryable error is sent again, when it says, and has to be
    taken soon. Raises what was not so at the end of the `with`."""

    run = itertools.count(1)

    def __init__(self, cluster):
        self.gateways = [row["clients"] for name, row in cluster.rows.items() if name.startswith("gateway")]
        self.name = f"run{next(self.run)}x{time.monotonic_ns()}"
        self.turn, self.over, self.wrong = itertools.count(), threading.Event(), []
        self.rounds = [0] * (PEOPLE + LEAVERS)
        self.retried, self.again, self.requests, self.slowest, self.slowest_out = 0, 0, 0, 0.0, 0.0
        self.threads = [threading.Thread(target=self._repeat, args=(i, self._live if i < PEOPLE else self._leave), daemon=True)
                        for i in range(len(self.rounds))]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.goes_on()
        return self

    def __exit__(self, failed, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(3 * PATIENCE)  # more than a request waits for
            if thread.is_alive():
                self.wrong.append(f"somebody waits since {3 * PATIENCE} s")
        print(f"    accounts: {self.requests} requests, {self.retried} of them retried, {self.again} more than once, the slowest was taken "
              f"{self.slowest:.2f} s after its first error; out everywhere within {self.slowest_out:.2f} s", flush=True)
        if self.wrong and not failed:
            raise Broken("; ".join(self.wrong[:3]))

    def goes_on(self):
        """Waits until everybody has done everything again."""
        before = list(self.rounds)
        wait_until(lambda: self.wrong or all(now >= then + ROUNDS for now, then in zip(self.rounds, before)), "accounts going on", 3 * PATIENCE)
        if self.wrong:
            raise Broken("; ".join(self.wrong[:3]))

    def _repeat(self, number, what):
        try:
            for count in itertools.count():
                if self.over.is_set():
                    return
                what(f"{self.name}p{number}n{count}")
                self.rounds[number] += 1
        except Broken as broken:
            self.wrong.append(str(broken))
        except Exception:  # a thread that dies silently would look like one that waits
            self.wrong.append(traceback.format_exc(limit=3))

    def ask(self, gateway, method, path, token=None, **body):
        """Status and answer."""
        link = http.client.HTTPConnection(gateway, timeout=PATIENCE)
        try:
            link.request(method, path, json.dumps(body) if body else None, {"Authorization": f"Bearer {token}"} if token else {})
            answer = link.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            link.close()

    def do(self, method, path, token=None, taken=(), gateway=None, **body):
        """With retries. `taken`: errors that say, of a retry, that an attempt before it took effect."""
        gateway = gateway or self.gateways[next(self.turn) % len(self.gateways)]
        self.requests += 1
        for attempt in itertools.count():
            status, answer = self.ask(gateway, method, path, token, **body)
            if attempt == 0:
                begun = time.monotonic()
            if status < 300 or attempt > 0 and answer["error"]["code"] in taken:
                break
            error = answer["error"]
            if not error.get("retryable") or not error.get("retry_after_ms"):
                raise Broken(f"{method} {path} was refused: {error}")
            if time.monotonic() > begun + WITHIN:
                raise Broken(f"{method} {path} was refused for {WITHIN} s: {error}")
            time.sleep(error["retry_after_ms"] / 1000)
        if attempt > 0:
            self.retried, self.again = self.retried + 1, self.again + (attempt > 1)
            self.slowest = max(self.slowest, time.monotonic() - begun)
        return answer

    def sign_up(self, name):
        """Also where only the answer was lost."""
        made = self.do("POST", "/v1/signup", taken=["already_exists"], name=name, password=PASSWORD)
        return made if "access_token" in made else self.do("POST", "/v1/signin", name=name, password=PASSWORD)

    def _live(self, name):
        person = self.sign_up(name)
        for _ in range(3):
            me = self.do("GET", "/v1/me", person["access_token"])
            if me["user_id"] != person["user_id"]:
                raise Broken(f"{name} is {person['user_id']}, and reads the profile of {me}")
            person = self.do("POST", "/v1/refresh", refresh_token=person["refresh_token"])
        self.do("PATCH", "/v1/me", person["access_token"], about=name)
        if (about := self.do("GET", "/v1/me", person["access_token"]).get("about")) != name:
            raise Broken(f"{name} changed the profile, and then reads {about!r}")
        other = self.do("POST", "/v1/signin", name=name, password=PASSWORD)
        if len(self.do("GET", "/v1/devices", other["access_token"])["devices"]) < 2:
            raise Broken(f"{name} has signed in twice and has one device")

    def _leave(self, name):
        """Signs out at one gateway while a socket is open at the other."""
        person = self.sign_up(name)
        here, there = itertools.islice(itertools.cycle(self.gateways), self.rounds[-1] % 2, self.rounds[-1] % 2 + 2)
        host, port = there.rsplit(":", 1)
        with WebSocket(int(port)) as socket:
            socket.hello(person)
            self.do("POST", "/v1/signout", person["access_token"], taken=["unauthenticated"], gateway=here)
            out = time.monotonic()
            for gateway in self.gateways:
                while self.ask(gateway, "GET", "/v1/me", person["access_token"])[0] != 401:
                    if time.monotonic() > out + WITHIN:
                        raise Broken(f"{name} signed out, and {gateway} takes the token {WITHIN} s later")
            socket.wait_for_close()
            took = time.monotonic() - out
            self.slowest_out = max(self.slowest_out, took)
            if took > WITHIN:
                raise Broken(f"{name} signed out, and the socket at {host}:{port} was closed {took:.2f} s later")
