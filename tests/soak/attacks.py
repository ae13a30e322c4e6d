"""Parts in which one party asks for everything, and what a second one gets meanwhile:
floods of a trusted phone, and managers that never read."""

import json
import os
import select
import socket
import subprocess
import time

import report
import settings
from run import Run

SHARE = 0.99            # of the canary's rounds
P99_MS = 200.0
TURN_MS = 50.0          # the longest turn of the core
BACK = 0.10             # memory afterwards, over what it was
SLOW_BUILD = 5          # the sanitizers' cost: times are judged so much milder


class Attack(Run):
    """A run whose load is one function. The canary's rounds are the measure."""

    def __init__(self, o, directory, name, attack):
        o.canary_gap = 0.25
        super().__init__(o, directory, [("canary", 1)], name)
        self.attack = attack
        self.extra = {}
        self.slow = 1 if o.build == "release" else SLOW_BUILD

    def quiet(self, seconds):
        """Nothing but the canary."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(0.2)
            self.look()
        self.sample()

    def go(self):
        self.begin_workers()
        self.boot()
        # What a reload leaves in the heap is no work of the flood: end() does one too.
        self.reload(quiet=True)
        self.quiet(8)
        self.empty = {"fds": self.daemon.descriptors(), "rss": self.daemon.rss()}
        began = time.monotonic()
        self.attack(self)
        self.took = time.monotonic() - began
        self.sample()
        self.end()
        return self

    def settle(self):
        """What is remembered of the canary's last requests for 32 s keeps pages too, and
        memory is given back every five seconds."""
        self.quiet(42)

    def judge_canary(self):
        r = report.summary(self)
        c = r["canary"]
        if c["success"] is not None and c["success"] < SHARE:
            self.fault("canary", f"served {c['success']:.2%} of {c['rounds']} rounds")
        if c["p99_ms"] is None or c["p99_ms"] > P99_MS * self.slow:
            self.fault("canary", f"p99 {c['p99_ms']} ms")
        bad = {s: n for s, n in r["statuses"].items() if s == 500}
        if bad:
            self.fault("canary", f"was answered 500 {bad[500]} times")

    def judge_memory(self):
        if self.o.build == "release" and self.last["rss"] > self.empty["rss"] * (1 + BACK):
            self.fault("memory", f"{self.empty['rss']} kB before, {self.last['rss']} kB after")


def flood_program(o):
    beside = os.path.dirname(o.program)
    for build in (beside, f"{beside}/../build", f"{settings.TOP}/build", f"{settings.TOP}/build-debug"):
        path = os.path.join(build, "tests/soak/flood")
        if os.access(path, os.X_OK):
            return path
    raise RuntimeError("tests/soak/flood is not built: make soak builds it")


def begin_flood(run, method, ip, rate, seconds):
    return subprocess.Popen([flood_program(run.o), method, "127.0.0.1", str(run.o.port), ip, "echo", str(rate), str(seconds)],
                            stdout=subprocess.PIPE)


def flood(run):
    """A third of the time calls, a third requests, a third both."""
    part = run.o.seconds / 3
    kinds = {"OPTIONS": (settings.FLOOD, 20000), "INVITE": (settings.OPENER, 500)}
    for what in (["INVITE"], ["OPTIONS"], ["OPTIONS", "INVITE"]):
        jobs = [begin_flood(run, m, *kinds[m], part) for m in what]
        while any(j.poll() is None for j in jobs):
            time.sleep(0.1)
            run.look()
        run.sample()
        for m, j in zip(what, jobs):
            out = j.communicate()[0].decode()
            told = json.loads(out) if out else {}
            run.extra[f"{'+'.join(what)}: {m}"] = told
            if told.get("503 without Retry-After"):
                run.fault("flood", f"{told['503 without Retry-After']} refusals with 503 without Retry-After")
            if told.get("answers", {}).get("500"):
                run.fault("flood", f"{told['answers']['500']} answers of 500 for want of room")
    run.extra["loaded kB"] = run.daemon.rss()
    # The calls are there until somebody ends them.
    run.daemon.say("channel request hangup all")
    run.quiet(35)


class Managers:
    """COUNT managers that log in, ask for much and never read."""

    ASK = b"".join(b"Action: " + a + b"\r\n\r\n" for a in (
        b"ListCommands", b"CoreShowChannels", b"PJSIPShowEndpoints", b"PJSIPShowAors", b"Command\r\nCommand: core show help",
        b"Command\r\nCommand: pjsip show endpoints", b"GetConfig\r\nFilename: pjsip.conf", b"CoreSettings", b"Status",
        b"PJSIPShowContacts", b"Command\r\nCommand: dialplan show",
        b"Originate\r\nChannel: Local/echo@soak\r\nApplication: Wait\r\nData: 1\r\nAsync: true")) * 20

    def __init__(self, port, count):
        self.port, self.count = port, count
        self.socks, self.rest, self.gone, self.sent, self.came = {}, {}, 0, 0, 0
        self.fill()

    def fill(self):
        """Come again in the place of those who were put out."""
        while len(self.socks) < self.count:
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.settimeout(5)
            try:
                s.connect(("127.0.0.1", self.port))
                s.sendall(b"Action: Login\r\nUsername: adm\r\nSecret: adm\r\n\r\n")
            except OSError:
                s.close()
                return
            s.setblocking(False)
            self.came += 1
            self.socks[s.fileno()] = s
            self.rest[s.fileno()] = b""

    def push(self):
        """Send as much as they take; notice who was put out."""
        poll = select.poll()
        for fd in self.socks:
            poll.register(fd, select.POLLOUT | select.POLLRDHUP)
        for fd, events in poll.poll(20):
            try:
                if events & (select.POLLRDHUP | select.POLLHUP | select.POLLERR):
                    raise BrokenPipeError
                data = self.rest[fd] or self.ASK
                n = self.socks[fd].send(data)
                self.sent += n
                self.rest[fd] = data[n:]
            except BlockingIOError:
                pass
            except OSError:
                self.gone += 1
                self.socks.pop(fd).close()

    def close(self):
        for s in self.socks.values():
            s.close()


class Reader:
    """A manager that behaves: it pings and reads."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), 5)
        self.sock.settimeout(5)
        self.buffer, self.ms, self.failed = b"", [], 0
        self.ask(b"Action: Login\r\nUsername: adm\r\nSecret: adm\r\nEvents: off\r\n")

    def ask(self, action):
        self.sock.sendall(action + b"ActionID: x\r\n\r\n")
        while not (b"ActionID: x\r\n" in self.buffer and b"\r\n\r\n" in self.buffer.partition(b"ActionID: x\r\n")[2]):
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError
            self.buffer += data
        self.buffer = b""

    def ping(self):
        began = time.monotonic()
        try:
            self.ask(b"Action: Ping\r\n")
        except OSError:
            self.failed += 1
        self.ms.append(1000 * (time.monotonic() - began))


def managers(run):
    began = time.monotonic()
    crowd = Managers(run.o.manager, 100)
    reader = Reader(run.o.manager)
    probe = Probe(run.o.port)
    while time.monotonic() - began < run.o.seconds and not run.daemon.ended():
        crowd.push()
        reader.ping()
        probe.ask()
        crowd.fill()
    run.look()
    # Who does not read is put out, even if it stops asking.
    until = time.monotonic() + 30
    while crowd.socks and time.monotonic() < until and not run.daemon.ended():
        crowd.push()
        time.sleep(0.05)
    run.extra.update({"managers": crowd.came, "managers disconnected": crowd.gone, "bytes they sent": crowd.sent,
                      "another manager, worst ms": round(max(reader.ms, default=0), 1),
                      "OPTIONS, worst ms": round(max(probe.ms, default=0), 1),
                      "OPTIONS, p99 ms": round(report.quantile(probe.ms, 0.99) or 0, 1),
                      "OPTIONS": len(probe.ms), "unanswered": probe.failed})
    if crowd.socks:
        run.fault("managers", f"{len(crowd.socks)} of {crowd.count} that never read are still connected")
    crowd.close()
    turn = run.daemon.health().get("longest turn of the core", 0)
    if turn > TURN_MS * run.slow:
        run.fault("managers", f"a turn of the core lasted {turn} ms")
    if reader.failed or probe.failed:
        run.fault("managers", f"{reader.failed} pings and {probe.failed} OPTIONS of others were not answered")
    if max(probe.ms, default=0) > 2 * TURN_MS * run.slow:
        run.fault("managers", f"OPTIONS of another phone took {max(probe.ms):.0f} ms: the core was busy for so long")
    run.quiet(5)


class Probe:
    """OPTIONS without a pause between them: the slowest shows the longest turn from outside."""

    def __init__(self, port):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.20", 0))
        self.sock.connect(("127.0.0.1", port))
        self.sock.settimeout(3)
        self.ms, self.failed, self.n = [], 0, 0
        self.port = self.sock.getsockname()[1]

    def ask(self):
        self.n += 1
        began = time.monotonic()
        try:
            branch = f"branch=z9hG4bKo{self.port}x{self.n}"
            self.sock.send((f"OPTIONS sip:echo@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.20:{self.port};{branch}\r\n"
                            f"From: <sip:t0@127.0.0.1>;tag=o\r\nTo: <sip:echo@127.0.0.1>\r\nCall-ID: o{self.n}\r\n"
                            f"CSeq: {self.n} OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode())
            while f"{branch};".encode() not in self.sock.recv(65536).replace(b"\r\n", b";"):
                pass
        except OSError:
            self.failed += 1
        self.ms.append(1000 * (time.monotonic() - began))


def run_flood(o, directory):
    run = Attack(o, directory, "flood", flood).go()
    run.judge_memory()
    return summary(run)


def run_managers(o, directory):
    return summary(Attack(o, directory, "managers", managers).go())


def summary(run):
    return {**report.summary(run), "extra": run.extra}


PARTS = {"flood": run_flood, "managers": run_managers}
