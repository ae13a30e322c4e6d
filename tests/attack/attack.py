#!/usr/bin/env python3
"""Strangers against a server of its own, with well-behaved phones beside them:
docs/threat-model.md says what must hold, `attack.py --help` the options."""

import argparse
import json
import os
import re
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "soak"), os.path.join(os.path.dirname(HERE), "e2e")]

import parts  # noqa: E402
from beside import Beside  # noqa: E402
from certificates import Authority  # noqa: E402
from daemon import Daemon  # noqa: E402
from network import own_network  # noqa: E402
from server import free_port  # noqa: E402
from shared import quantile  # noqa: E402

SHARE, P99_MS = 0.999, 200.0
BACK = 0.10             # memory and descriptors afterwards, over what they were
SETTLE = 25.0           # [s] until they must be
SHORT = {"scale": 0.02, "speed": 0.1, "seconds": 2.5}
WHOLE = {"scale": 1.0, "speed": 1.0, "seconds": 12.0}

# Answered requests are remembered for 6.4 s instead of 32: else their memory is not back in SETTLE.
PJSIP = """
[system]
type = system
timer_t1 = 100
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{udp}
[tls]
type = transport
protocol = tls
bind = 127.0.0.1:{tls}
cert_file = {cert}
priv_key_file = {key}
[ws]
type = transport
protocol = ws
bind = 127.0.0.1:{ws}
[wss]
type = transport
protocol = wss
bind = 127.0.0.1:{wss}
cert_file = {cert}
priv_key_file = {key}
"""
ENDPOINT = "[{name}]\ntype = endpoint\ncontext = attacked\nallow = !all,ulaw\naors = {name}\n{more}[{name}]\ntype = aor\nmax_contacts = 3\nremove_existing = yes\n"
AUTH = "[{name}]\ntype = auth\nusername = {name}\npassword = pw-{name}\n"
IDENTIFY = "[{name}-there]\ntype = identify\nendpoint = {name}\nmatch = {match}\n"
MEDIA = {
    "plain": ("127.0.2.0/24", ""),
    "sdes": ("127.0.3.0/24", "media_encryption = sdes\n"),
    "dtls": ("127.0.4.0/24", "media_encryption = dtls\ndtls_auto_generate_cert = yes\ndtls_verify = fingerprint\nrtcp_mux = yes\n"),
    "ice": ("127.0.5.0/24", "ice_support = yes\nrtcp_mux = yes\n"),
}
EXTENSIONS = "[attacked]\nexten => echo,1,Answer()\n same => n,Echo()\n"


def configuration(site, rtp):
    out = [PJSIP.format(**site)]
    for i in range(3):
        out.append(ENDPOINT.format(name=f"p{i}", more=f"auth = p{i}\n") + AUTH.format(name=f"p{i}"))
    for name, (match, more) in MEDIA.items():
        out.append(ENDPOINT.format(name=name, more=more) + IDENTIFY.format(name=name, match=match))
    return {"pjsip.conf": "".join(out), "extensions.conf": EXTENSIONS,
            "rtp.conf": f"[general]\nrtpstart = {rtp[0]}\nrtpend = {rtp[1]}\n"}


class Attack:
    """One part, against one server."""

    def __init__(self, o, name, directory):
        self.o, self.name, self.directory = o, name, directory
        self.scale, self.speed, self.seconds, self.whole = o.scale, o.speed, o.seconds, not o.short
        self.rtp, self.raw = parts.ports_of(name), o.own and parts.raw_sockets()
        self.extra, self.faults = {}, []
        os.makedirs(directory, exist_ok=True)
        authority = Authority(f"{directory}/certificates")
        self.cert = authority.sign("server")
        self.site = {"ca": authority.path, "cert": self.cert[0], "key": self.cert[1],
                     **{p: free_port() for p in ("udp", "tls", "ws", "wss")}}
        self.daemon = Daemon(f"{directory}/server", o.program, self.site["udp"], configuration(self.site, self.rtp))

    def program(self, name):
        for build in (os.path.dirname(self.o.program), f"{TOP}/build", f"{TOP}/build-debug"):
            if os.access(f"{build}/{name}", os.X_OK):
                return f"{build}/{name}"
        raise RuntimeError(f"{name} is not built: make attack builds it")

    def fault(self, what, text):
        self.faults.append(f"{what}: {text}")

    def wait(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.daemon.ended():
            time.sleep(0.1)

    def loaded(self):
        self.extra["while it lasts"] = {"memory kB": self.daemon.rss(), "descriptors": self.daemon.descriptors()}

    def phones(self, seconds):
        """The phones alone: what is made once is made."""
        beside = Beside(self.site)
        self.wait(seconds)
        return beside.end()

    def boot(self):
        self.daemon.launch()
        until = time.monotonic() + 60
        while not self.daemon.booted():
            if time.monotonic() > until:
                raise RuntimeError(f"the server does not start: {self.daemon.log()[-2000:]}")
            time.sleep(0.05)

    def rehearse(self):
        """The attack for a moment, so that what is made once, and what a heap keeps of a crowd, is
        there before memory is looked at."""
        fresh, self.seconds = self.daemon.rss(), min(self.seconds, 3)
        parts.PARTS[self.name](self)
        self.seconds, self.extra = self.o.seconds, {"the phones alone": self.extra["the phones alone"], "fresh, memory kB": fresh}
        self.wait(12)

    def go(self):
        self.boot()
        ms, faults = self.phones(min(2, self.seconds))
        if faults:
            self.fault("phones", f"before the attack: {faults[0]}")
        self.extra["the phones alone"] = {"rounds": len(ms), "p99 ms": round(quantile(ms, 0.99) or 0, 1)}
        if self.whole:
            self.rehearse()
        else:
            self.wait(0.5)
        self.before = {"memory kB": self.daemon.rss(), "descriptors": self.daemon.descriptors()}
        beside = Beside(self.site)
        parts.PARTS[self.name](self)
        self.judge_phones(*beside.end())
        self.judge_rest()
        self.end()
        return {"part": self.name, "faults": self.faults, **self.extra}

    def judge_phones(self, ms, faults):
        p99 = quantile(ms, 0.99) or 0
        self.extra["phones beside"] = {"rounds": len(ms), "failed": len(faults), "p99 ms": round(p99, 1),
                                       "longest ms": round(max(ms, default=0), 1)}
        if not ms or len(faults) > (1 - SHARE) * len(ms):
            self.fault("phones", f"{len(faults)} of {len(ms)} rounds were not served: {'; '.join(faults[:3])}")
        if self.whole and p99 > P99_MS:
            self.fault("phones", f"p99 {p99:.0f} ms")

    def is_back(self):
        now = {"memory kB": self.daemon.rss(), "descriptors": self.daemon.descriptors()}
        self.extra["before, and after"] = [self.before, now]
        return [k for k in now if now[k] > self.before[k] * (1 + BACK) and (self.whole or k == "descriptors")]

    def judge_rest(self):
        until = time.monotonic() + SETTLE
        while self.is_back() and time.monotonic() < until and not self.daemon.ended():
            time.sleep(0.2)
        for what in self.is_back():
            self.fault("rest", f"{what} did not come back: {self.extra['before, and after']}")
        calls = self.daemon.channels()
        if calls:
            self.fault("rest", f"{calls} channels are left")

    def end(self):
        if self.daemon.ended():
            self.fault("server", f"ended with {self.daemon.process.returncode}: {self.daemon.log()[-1500:]}")
        turn = self.daemon.health().get("longest turn of the core")
        self.extra["longest turn of the core, ms"] = turn
        # Ready to run, and without a processor: what the machine's other work took.
        self.extra["the core waited for a CPU, s"] = self.daemon.starved()
        code = self.daemon.finish()
        if code:
            self.fault("server", f"exit code {code}: {self.daemon.log()[-1500:]}")
        for what, frames, _ in self.daemon.reports():
            self.fault("server", f"{what} at {' < '.join(frames[:4])}")


def options():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--parts", default=",".join(parts.PARTS), help="one or more of %(default)s")
    p.add_argument("--program", default=f"{TOP}/build/sidetone")
    p.add_argument("--short", action="store_true", help="some seconds and small numbers: that the protections are there")
    p.add_argument("--scale", type=float, help="of the numbers of connections and calls")
    p.add_argument("--seconds", type=float, help="of each attack")
    p.add_argument("--realtime", action="store_true", help="all but the crowds of connections under SCHED_RR: for a machine that has other work")
    p.add_argument("--directory", help="what is kept; a new one in /tmp when none is given")
    p.add_argument("--json", help="write the figures there")
    o = p.parse_args()
    size = SHORT if o.short else WHOLE
    o.scale, o.speed, o.seconds = o.scale or size["scale"], size["speed"], o.seconds or size["seconds"]
    o.parts = [x for x in re.split(r"[ ,]+", o.parts) if x]
    for name in o.parts:
        if name not in parts.PARTS:
            p.error(f"no part is called {name}; there are {', '.join(parts.PARTS)}")
    o.program = os.path.abspath(o.program)
    if not os.access(o.program, os.X_OK):
        p.error(f"{o.program} is not built: make attack builds it")
    return o


def main():
    o = options()
    o.own = own_network("ATTACK_NETWORK")
    if o.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    directory = o.directory or tempfile.mkdtemp(prefix="attack-")
    print(f"attack: {o.program}, {'own network' if o.own else 'no own network: nothing is sent in the name of others'}, "
          f"results in {directory}", flush=True)
    results = []
    for name in o.parts:
        began = time.monotonic()
        result = Attack(o, name, f"{directory}/{name}").go()
        results.append(result)
        print(f"{name}: {time.monotonic() - began:.0f} s, {'FAULTS' if result['faults'] else 'held'}", flush=True)
        for what, value in result.items():
            if what not in ("part", "faults"):
                print(f"  {what}: {json.dumps(value)}", flush=True)
        for text in result["faults"]:
            print(f"  FAULT {text}", flush=True)
    for path in (f"{directory}/result.json", o.json):
        if path:
            with open(path, "w", encoding="utf-8") as f:
                f.write(json.dumps(results, indent=1) + "\n")
    return 1 if any(r["faults"] for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
