"""What the parent and its workers share: the server's state, and what was counted."""

import collections
import json
import multiprocessing
import os
import time

from reactor import DOWN


class Shared:
    """Words of the parent to all workers. `index` is each worker's own."""

    def __init__(self, workers):
        self.state = multiprocessing.Value("i", DOWN)
        self.generation = multiprocessing.Value("i", 0)         # how often the server was started
        self.crashed = multiprocessing.Value("i", 0)            # the last end was its own doing
        self.traces = multiprocessing.Value("i", 0)             # how often the walks were asked to write theirs
        self.judged = multiprocessing.Value("i", 0)             # refreshes found or missed after a restart, so far
        self.acks = multiprocessing.Array("i", [DOWN] * workers)
        self.index = 0


class Stats(collections.Counter):
    """Counts of one worker; its events go to a file at once."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.statuses = collections.Counter()
        self.samples = collections.defaultdict(list)
        self.extra = {}
        self.events = 0

    def status(self, code):
        self.statuses[code] += 1

    def event(self, kind, text):
        self.events += 1
        if self.events <= 200:
            with open(self.path, "a", encoding="utf-8") as f:
                f.write(json.dumps({"at": round(time.time(), 3), "kind": kind, "text": text}) + "\n")

    def result(self):
        return {"counts": dict(self), "statuses": dict(self.statuses), "samples": dict(self.samples), "extra": self.extra}


def quantile(values, q):
    """The value below which the share Q of VALUES lies, or None."""
    if not values:
        return None
    return sorted(values)[min(len(values) - 1, int(len(values) * q))]


def read_events(directory):
    """All events of all workers, by time."""
    events = []
    for name in sorted(os.listdir(directory)):
        if name.startswith("events-"):
            with open(f"{directory}/{name}", encoding="utf-8") as f:
                events += [json.loads(line) for line in f]
    return sorted(events, key=lambda e: e["at"])
