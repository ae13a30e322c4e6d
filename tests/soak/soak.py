#!/usr/bin/env python3
"""The real program under random work for as long as asked. docs/testing.md tells how
to read what it says; `soak.py --help` the options."""

import argparse
import json
import os
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]

import report  # noqa: E402
import settings  # noqa: E402
from certificates import Authority  # noqa: E402
from network import own_network  # noqa: E402
from run import Run  # noqa: E402
from server import free_port  # noqa: E402

# Part: its workers, kills (None: as asked), seconds between reloads, options of its own.
PARTS = {
    "all": ([("canary", 1), ("edge", 1), ("walk", 2), ("calls", 1), ("managing", 1)], None, 4.0, {"edges": 40}),
    "walk": ([("canary", 1), ("walk", 2)], 0, 0.0, {}),
    "manage": ([("canary", 1), ("walk", 1), ("managing", 1)], 0, 0.0, {}),
    "expiry": ([("canary", 1), ("edge", 1)], 0, 0.0, {"edges": 400, "hold": True}),
    "kills": ([("canary", 1), ("edge", 1), ("calls", 1), ("walk", 1)], 50, 7.0, {"edges": 150, "walkers": 2}),
    "pages": ([("canary", 1), ("calls", 1)], 0, 0.0, {}),
    "flood": None,
    "managers": None,
}


EXPIRY_ROUND = 3.0      # [s] from one kill to the next, so that each contact comes to its edge once or twice


def options():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--parts", default="all", help=f"one or more of {', '.join(PARTS)}, with commas")
    p.add_argument("--seconds", type=float, default=0, help="of load, for each part (60)")
    p.add_argument("--hours", type=float, default=0)
    p.add_argument("--build", choices=["asan", "release", "tsan"], default="asan")
    p.add_argument("--program", help="instead of the build's")
    p.add_argument("--seed", default="", help="of all choices; a new one when none is given")
    p.add_argument("--kills", type=int, default=-1, help="kill -9 so often (one in 50 s, two at least, 50 at most)")
    p.add_argument("--count", type=int, default=10000, help="part expiry: end after so many refreshes were judged")
    p.add_argument("--directory", help="what is kept of the run; a new one in /tmp when none is given")
    p.add_argument("--json", help="write the result there too")
    p.add_argument("--walkers", type=int, default=4, help="for each of the walking processes")
    p.add_argument("--dialogs", type=int, default=12, help="of a walker at a time")
    p.add_argument("--phones", type=int, default=12, help="that call one another with sound")
    p.add_argument("--edges", type=int, default=60, help="contacts at the edge of their expiry")
    p.add_argument("--replay", type=lambda s: s.split(","), help="only these dialogs (WALKER:NUMBER,...) of --seed")
    p.add_argument("--skip", type=lambda s: s.split(","), default=[], help="extensions that are not called: for what is known to fail")
    p.add_argument("--verbose", action="store_true")
    o = p.parse_args()
    o.parts = [x for x in o.parts.replace(",", " ").split() if x]
    for part in o.parts:
        if part not in PARTS:
            p.error(f"no part is called {part}; there are {', '.join(PARTS)}")
    o.seconds = o.hours * 3600 or o.seconds or 60
    o.canary_gap, o.hold = 1.0, False
    o.seed = o.seed or f"{time.time_ns() // 1000000 % 1000000:x}"
    build = {"asan": "build-debug", "release": "build", "tsan": "build-tsan"}[o.build]
    o.program = os.path.abspath(o.program or os.path.join(TOP, build, "sidetone"))
    if not os.access(o.program, os.X_OK):
        p.error(f"{o.program} is not built: make soak builds it")
    return o


def make_certificates(o, directory):
    """The server's for TLS, and those of the phones for DTLS."""
    authority = Authority(directory)
    o.certificates, o.ca = directory, authority.path
    o.cert, o.key = authority.sign("server")
    for i in range(settings.IDENTITIES):
        authority.sign(f"phone{i}")


def run_part(o, part, directory):
    """A part: gives the Run, or what looks like one."""
    plan, kills, reloads, more = PARTS[part]
    for key, value in more.items():
        setattr(o, key, value)
    if o.replay:
        plan = [("walk", 1 + max(int(r.partition(":")[0]) for r in o.replay) // o.walkers)]
    if part == "expiry":
        kills = int(o.seconds // EXPIRY_ROUND)
    if kills is None:
        kills = 0 if o.replay else min(50, max(2, int(o.seconds // 50)))
    if o.kills >= 0:
        kills = o.kills
    run = Run(o, directory, plan, part)
    run.drain = part != "expiry"
    run.go(o.seconds, kills, reloads, (lambda: run.shared.judged.value >= o.count) if part == "expiry" else None)
    return run


def main():
    o = options()
    own = own_network("SOAK_NETWORK")
    o.port, o.manager, o.rtp = (5060, 5038, (10000, 19999)) if own else (free_port(), free_port(), (31000, 32999))
    o.tls, o.ws, o.wss = (5061, 8088, 8089) if own else (free_port(), free_port(), free_port())
    directory = os.path.abspath(o.directory or tempfile.mkdtemp(prefix="soak-"))
    make_certificates(o, f"{directory}/certificates")
    print(f"soak: {o.program}, seed {o.seed}, {'own network' if own else 'port ' + str(o.port)}, results in {directory}", flush=True)
    results = []
    for part in o.parts:
        print(f"part {part}", flush=True)
        if PARTS[part] is None:
            import attacks
            results.append(attacks.PARTS[part](o, f"{directory}/{part}"))
        else:
            results.append(report.summary(run_part(o, part, f"{directory}/{part}")))
        print(report.table(results[-1]), flush=True)
    text = json.dumps({"seed": o.seed, "program": o.program, "parts": results}, indent=1)
    for path in (f"{directory}/result.json", o.json):
        if path:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text + "\n")
    faults = sum(len(r["faults"]) for r in results)
    print(f"soak: {faults} faults" + (f"; again with SEED={o.seed}" if faults else ""))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
