"""What the processes themselves say is missing while a fault lasts, and until they have recovered."""

import collections
import re
import threading
import time

EVERY = 0.5  # seconds between two looks


class Watch:
    """Asks every process for its readiness until the end of the `with`. `said()`: seconds by what was said by whom."""

    def __init__(self, cluster):
        self.cluster, self.seconds = cluster, collections.Counter()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def _look(self):
        before = time.monotonic()
        while not self.over.wait(EVERY):
            said = {name: self.cluster.readiness(name) for name in self.cluster.rows}
            now = time.monotonic()
            for name, text in said.items():
                for line in text.splitlines():
                    if line != "ready":
                        self.seconds[name, re.sub(r" since \d+ s|( at| to)? [\d.]+:\d+", "", line)] += now - before
            before = now

    def said(self):
        """[{"process", "said", "seconds"}], the longest first."""
        return [{"process": name, "said": line, "seconds": round(seconds, 1)} for (name, line), seconds in self.seconds.most_common()]
