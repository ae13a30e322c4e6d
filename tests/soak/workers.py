"""The worker processes: each makes its phones and runs until the parent says that it
is over. A worker is a function of (context); its Stats are sent back at the end."""

import os
import signal
import sys
import traceback

import calls
import canary
import edge
import managing
import rtc
import settings
from dialog import NUMBERS
from reactor import OVER, Reactor
from shared import Stats
from walk import Walker


TRACED = 30             # ends of the server whose last messages are kept


class Context:
    """What a worker is given. `server`: (address, port); `number`: among its kind."""

    def __init__(self, shared, index, kind, number, server, seed, directory, options):
        self.shared, self.index, self.kind, self.number = shared, index, kind, number
        self.server, self.seed, self.directory, self.options = server, seed, directory, options
        self.stats = None
        self.reactor = None


def walk(c):
    """Several walkers in one process: of each transport, and trusted ones."""
    r = c.reactor
    kinds = ["udp", "wss", "trusted", "tcp", "udp", "tls", "trusted", "ws"]
    count = c.options.walkers
    identities = rtc.Identities(c.options.certificates, settings.IDENTITIES)
    walkers = [Walker(r, n, kinds[n % len(kinds)], c.server, c.seed, c.stats, c.options, identities)
               for n in range(c.number * count, (c.number + 1) * count)]

    def keep_trace():
        path = f"{c.directory}/trace-{c.shared.generation.value}-{c.shared.traces.value}-{c.kind}{c.number}.txt"
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(sorted(t for w in walkers for t in w.trace)))

    def down():
        if c.shared.crashed.value and c.shared.generation.value <= TRACED:
            keep_trace()
        for w in walkers:
            w.forget()

    def up():
        for w in walkers:
            w.meet_server()
    r.on_down, r.on_up, r.on_trace = down, up, keep_trace
    for w in walkers:
        w.tick()
        w.numbers = [n for n in NUMBERS if n not in c.options.skip]
    if c.options.replay:
        for i, name in enumerate(c.options.replay):
            number, _, n = name.partition(":")
            w = next((w for w in walkers if w.number == int(number)), None)
            if w:
                r.at(1 + i * 0.5, w.start, int(n))
    else:
        for w in walkers:
            w.limit = c.options.dialogs
            r.at(0.05 * w.number, w.begin)
            r.at(5, w.keep_registered)
    r.run()
    for w in walkers:
        w.stop()
    r.drain(2.5)
    keep_trace()


KINDS = {"walk": walk, "calls": calls.work, "edge": edge.work, "canary": canary.work, "managing": managing.work}


def main(c, pipe):
    """The process: never returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    c.shared.index = c.index
    c.stats = Stats(f"{c.directory}/events-{c.kind}{c.number}")
    c.reactor = Reactor(c.shared)
    if c.kind != "canary" and c.kind != "edge":
        os.nice(2)
    try:
        KINDS[c.kind](c)
    except BaseException:                                   # noqa: B902 - told to the parent, which judges
        c.stats["driver_failed"] += 1
        c.stats.event("driver", traceback.format_exc())
    c.shared.acks[c.index] = OVER
    pipe.send(c.stats.result())
    pipe.close()
    sys.stdout.flush()
    os._exit(0)
