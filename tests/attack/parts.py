"""What strangers do, part by part, and what must hold: each part is a function of a running
Attack (attack.py) that makes it happen for run.seconds and tells faults."""

import concurrent.futures
import json
import os
import subprocess
import threading
import time

from crowd import Crowds
from media import Caller, IceCaller

BOUNDS = {"calls": 200, "bad": 1000000}
DEADLINE = 10           # [s] in which a connection must have said something
SLOW = 0.5              # [s] from the answer to the handshake, of a slow caller
HEARD = 0.98            # of the packets of a call that are spoken while its port is flooded


def spray(run, kinds, rate, *more, seconds=None, ports=None):
    first, last = ports or run.rtp
    argv = [run.program("tests/attack/spray"), "--to", "127.0.0.1", "--ports", f"{first}-{last}", "--kinds", kinds,
            "--rate", str(max(1, rate * run.speed)), "--seconds", str(seconds or run.seconds), *map(str, more)]
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)


def told(job):
    out = job.communicate()[0].decode()
    return json.loads(out) if out else {"sent": 0, "back rtp": 0, "back": 0, "back bytes": 0, "bytes": 1, "asked": 0}


def crowd(run, counts, late=()):
    """COUNTS of strangers at once, in two processes; LATE: kinds that must have been put out."""
    counts = {k: max(2, round(n * run.scale)) for k, n in counts.items()}
    halves = [dict(list(counts.items())[i::2]) for i in range(2)]
    crowds = Crowds(run.site, *(h for h in halves if h))
    run.wait(run.seconds)
    run.loaded()
    for said in crowds.end():
        for what, did in said.items():
            run.extra[what] = did
            if did.get("failed"):
                run.fault("crowd", f"{what}: {did['failed']}")
            if not did.get("came"):
                run.fault("crowd", f"{what}: nobody came")
            if late and run.seconds > DEADLINE + 1 and not did.get("put out"):
                run.fault("crowd", f"{what}: nobody was put out")


def handshakes(run):
    """2,000 that do not get on with TLS, and such as make the server work for nothing."""
    crowd(run, {"DripTls": 1000, "HalfTls": 1000, "GarbageTls": 100, "FlightTls": 40}, late=True)


def websockets(run):
    """2,000 silent ones, half of them over TLS, and 500 that never read, some of them over plain TLS."""
    crowd(run, {"SilentWs": 1000, "SilentWss": 1000, "DeafWs": 250, "DeafWss": 200, "DeafTls": 50}, late=True)


def frames(run):
    """Frames that lie or do not end, pings without end, requests that are slow or refused."""
    crowd(run, {"LongFrame": 50, "LateFrame": 50, "Fragments": 50, "Pings": 20, "PingsWss": 20, "SlowLoris": 500, "Requests": 50},
          late=True)


# ---- media ------------------------------------------------------------------

def judge_strangers(run, name, did):
    run.extra[name] = did
    if did["back rtp"]:
        run.fault("sound", f"{did['back rtp']} packets of RTP came to strangers ({name})")


def hellos(run):
    """ClientHellos at 10,000 a second to all media ports, some of whom answer for their cookie and
    stop, and pieces of messages, while DTLS calls are set up."""
    count = max(4, round(BOUNDS["calls"] * run.scale))
    jobs = {"ClientHellos": spray(run, "hello", 10000, seconds=120),
            "with their cookie": spray(run, "hello", 300, "--prove", "--from", "127.1.1.1", seconds=120),
            "fragments": spray(run, "fragment", 1000, "--from", "127.1.2.1", seconds=120)}
    took, faults, up = [], [], []

    def one(i):
        time.sleep(i * run.seconds / count)
        began = time.monotonic()
        call = Caller(run.site, f"127.0.4.{1 + i % 250}", "dtls", run.cert)
        try:
            said = call.ask()
            # Every second one lets the strangers have half a second with its port.
            time.sleep(SLOW * (i % 2))
            said = said or call.secure() or call.hear(4)
        except OSError as e:
            said = str(e)
        took.append(1000 * (time.monotonic() - began - SLOW * (i % 2)))
        up.append(call)
        if said:
            faults.append(said)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        list(pool.map(one, range(count)))
    run.loaded()
    for name, job in jobs.items():
        job.terminate()
        did = told(job)
        judge_strangers(run, name, did)
        if name != "with their cookie" and did["back bytes"] > did["bytes"]:
            run.fault("DTLS", f"{name}: {did['bytes']} bytes were answered with {did['back bytes']}")
    for call in up:
        if hasattr(call, "answer"):
            call.end()
    took.sort()
    run.extra["DTLS calls"] = {"set up": count - len(faults), "of": count, "median ms": round(took[len(took) // 2], 1),
                               "longest ms": round(took[-1], 1)}
    for text in faults[:3]:
        run.fault("DTLS", f"{count - len(faults)} of {count} calls were set up: {text}")


class Talk(threading.Thread):
    """A call that speaks all the time."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self.call, self.over = call, threading.Event()

    def run(self):
        while not self.over.is_set():
            self.call.say()
            self.call.listen(time.monotonic() + 0.02)
        self.call.listen(time.monotonic() + 0.3)


def talks(run, calls):
    """Calls that are up and know their source; None when one is not."""
    for call in calls:
        said = call.ask() or call.secure() or call.hear(5)
        if said:
            run.fault("call", f"{call.kind}: {said}")
            return None
    running = [Talk(c) for c in calls]
    for t in running:
        t.start()
    return running


def judge_talks(run, running):
    for t in running:
        t.over.set()
        t.join(10)
        c = t.call
        run.extra[f"{type(c).__name__} {c.kind}"] = {"spoken": c.n, "heard": c.heard, "of others": c.foreign}
        if c.foreign:
            run.fault("sound", f"{c.kind}: {c.foreign} packets that it had not sent came to the call")
        if c.heard < HEARD * c.n - 3:
            run.fault("sound", f"{c.kind}: {c.heard} of {c.n} packets came back")
        said = c.end()
        if said:
            run.fault("call", f"{c.kind}: {said}: the call was not up any more")


def media(run):
    """Everything that may come to a media port from strangers, and a million packets of SRTP in the
    peer's own name that are not sealed by its key."""
    calls = [Caller(run.site, "127.0.2.1", "plain"), Caller(run.site, "127.0.3.1", "sdes"),
             Caller(run.site, "127.0.4.1", "dtls", run.cert)]
    running = talks(run, calls)
    if not running:
        return
    jobs = {"strangers": spray(run, "rtp,srtp,rtcp,stun,junk,hello", 20000)}
    forged = [c.media.getsockname() for c in calls[1:]]
    for c, (ip, port) in zip(calls[1:], forged):
        to = c.media.getpeername()[1]
        count = BOUNDS["bad"] * run.scale / len(forged) * run.seconds / run.o.seconds
        if run.raw:
            jobs[f"bad SRTP in the name of {c.kind}"] = spray(run, "srtp", count / run.seconds / run.speed * 1.2, "--forge",
                                                              f"{ip}:{port}", "--count", max(1, round(count)), ports=(to, to))
    run.wait(run.seconds)
    run.loaded()
    for name, job in jobs.items():
        judge_strangers(run, name, told(job))
    judge_talks(run, running)


def stun(run):
    """STUN that nobody has signed, from strangers and in the peer's name: no role, pair or address
    changes, nobody is answered, and the server's own checks go on."""
    call = IceCaller(run.site, "127.0.5.1")
    running = talks(run, [call])
    if not running:
        return
    before = set(call.roles)
    ip, port = call.media.getsockname()
    to = call.media.getpeername()[1]
    names = ["--user", f"{call.peer_user()}:{call.ufrag}"]
    jobs = {"strangers": spray(run, "stun", 5000, *names, ports=(to, to)),
            "strangers, everywhere": spray(run, "stun", 5000, "--from", "127.1.1.1")}
    if run.raw:
        jobs["in the peer's name"] = spray(run, "stun", 5000, *names, "--forge", f"{ip}:{port}", ports=(to, to))
    run.wait(run.seconds)
    run.loaded()
    checks = call.checks
    for name, job in jobs.items():
        did = told(job)
        judge_strangers(run, name, did)
        if did["back"]:
            run.fault("STUN", f"{did['back']} answers came to strangers ({name})")
    judge_talks(run, running)
    run.extra["ICE"] = {"checks answered": checks, "the server's role": "+".join(sorted(call.roles)), "nominated": call.nominated}
    if before != {"controlling"} or call.roles != before:
        run.fault("STUN", f"the server's role was {before}, then {call.roles}")
    if not call.nominated or checks < 2:
        run.fault("STUN", f"the server's checks: {checks}, nominated {call.nominated}")


PARTS = {"handshakes": handshakes, "websockets": websockets, "frames": frames, "hellos": hellos, "media": media, "stun": stun}


def ports_of(name):
    """All media ports of a server: as many as the part's calls need."""
    return (20000, 20599) if name == "hellos" else (20000, 20199)


def raw_sockets():
    return os.geteuid() == 0
