"""kill -9 in the middle of 200 SUBSCRIBEs per second and of states that change: every subscription that was
answered 200 goes on after the restart, no number falls, and nobody is told an older state than it knew."""

import os
import re
import select
import socket
import time

from conftest import PJSIP

ROUNDS = int(os.environ.get("KILL9_WATCHERS", "20"))
RATE = 200              # SUBSCRIBEs a second
WATCHERS = 400
DESKS = 4               # whose states are watched: known by REGISTER, which is on disk before it is told
ENDPOINTS = 4           # that watch

CONFIG = PJSIP + "".join(f"[w{i}](phone)\n" for i in range(ENDPOINTS)) + \
    "".join(f"[d{i}](phone)\naors=d{i}\n[d{i}](line)\n" for i in range(DESKS)) + \
    "[desks]\ntype=resource_list\nevent=dialog\n" + "".join(f"list_item=50{i}\n" for i in range(DESKS))
EXTENSIONS = "[phones]\n" + "".join(f"exten => 50{i},hint,PJSIP/d{i}\n" for i in range(DESKS))


def header(text, name):
    m = re.search(rf"^{name}:\s*(.*?)\r$", text, re.M | re.I)
    return m.group(1) if m else ""


class Watcher:
    """One dialog, and what its phone knows."""

    def __init__(self, number):
        self.number, self.user = number, f"w{number % ENDPOINTS}"
        # Some watch one desk by dialog-info, some by PIDF, some all by a list.
        self.kind = ("dialog", "presence", "list")[number % 3]
        self.desk = number // 3 % DESKS
        self.serial = 0
        self.begin()

    def begin(self):
        self.serial += 1
        self.call_id = f"k{self.number}-{self.serial}"
        self.tag, self.cseq = "", 0
        self.alive = False      # answered 200, and not given up
        self.leaving = False
        self.told = 0           # greatest CSeq of a NOTIFY
        self.versions = {}      # entity: greatest version
        self.knows = {}         # desk: registered?
        self.fresh = False      # told since the restart


class Crowd:
    """All watchers and desks, on one socket."""

    def __init__(self, server):
        self.server = server
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.watchers = [Watcher(i) for i in range(WATCHERS)]
        self.by_call = {}
        self.turn = self.branch = 0
        self.answered = 0
        self.quiet = False      # no new SUBSCRIBEs and REGISTERs
        self.desks = [{"cseq": 0, "now": False, "next": None} for _ in range(DESKS)]
        self.faults = []

    def fault(self, text):
        self.faults.append(text)
        assert len(self.faults) < 10, self.faults

    # -- out ----------------------------------------------------------------
    def send(self, method, user, to, call_id, cseq, tag, extra):
        self.branch += 1
        uri = f"sip:{to}@127.0.0.1:{self.server.port}"
        self.sock.sendto((f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{self.branch}\r\n"
                          f"From: <sip:{user}@127.0.0.1>;tag=x\r\nTo: <{uri}>{';tag=' + tag if tag else ''}\r\n"
                          f"Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
                          f"Contact: <sip:{user}@127.0.0.1:{self.port}>\r\n{extra}Content-Length: 0\r\n\r\n").encode(),
                         ("127.0.0.1", self.server.port))

    def subscribe(self, w, expires=600):
        if not w.tag and w.cseq:        # never answered: another one
            w.begin()
        self.by_call[w.call_id] = w
        w.cseq += 1
        event = "presence\r\nAccept: application/pidf+xml" if w.kind == "presence" else "dialog\r\nSupported: eventlist"
        self.send("SUBSCRIBE", w.user, "desks" if w.kind == "list" else f"50{w.desk}", w.call_id, w.cseq, w.tag,
                  f"Event: {event}\r\nExpires: {expires}\r\n")

    def next_subscribe(self):
        w = self.watchers[self.turn % WATCHERS]
        self.turn += 1
        if w.leaving:
            return
        if w.alive and self.turn % 10 == 0:
            w.leaving, w.alive = True, False
            self.subscribe(w, 0)
        else:
            self.subscribe(w)

    def watching(self, i):
        return [w for w in self.watchers if w.alive and w.kind == "presence" and w.desk == i]

    def register(self, i):
        d = self.desks[i]
        # Once all know what it is: so who knows the next state knows it of this REGISTER.
        if d["next"] is not None or any(w.knows.get(i) != d["now"] for w in self.watching(i)):
            return
        d["cseq"] += 1
        d["next"] = not d["now"]
        self.send("REGISTER", f"d{i}", f"d{i}", f"desk{i}", d["cseq"], "", f"Expires: {600 if d['next'] else 0}\r\n")

    # -- in -----------------------------------------------------------------
    def take(self, text):
        if not text.startswith("SIP/2.0"):
            self.request(text)
        elif not text.startswith("SIP/2.0 1"):
            self.answer(text, int(text[8:11]), header(text, "CSeq").split())

    def answer(self, text, status, cseq):
        call_id = header(text, "Call-ID")
        if cseq[1] == "REGISTER":
            d = self.desks[int(call_id[4:])]
            if status == 200 and int(cseq[0]) == d["cseq"]:
                d["now"], d["next"] = d["next"], None
            return
        w = self.by_call.get(call_id)
        if not w or w.call_id != call_id:
            return
        if status == 200:
            self.answered += 1
            w.tag = re.search(r"tag=([^\r;>]+)", header(text, "To")).group(1)
            if not w.leaving:
                w.alive = True
            else:
                w.begin()
        elif w.alive:
            self.fault(f"{call_id}: {status} to a SUBSCRIBE in the dialog")

    def request(self, text):
        call_id, number = header(text, "Call-ID"), int(header(text, "CSeq").split()[0])
        w = self.by_call.get(call_id)
        known = w and w.call_id == call_id
        via = "".join(f"Via: {v}\r\n" for v in re.findall(r"^Via:\s*(.*?)\r$", text, re.M))
        self.sock.sendto((f"SIP/2.0 {'200 OK' if known else '481 Gone'}\r\n{via}From: {header(text, 'From')}\r\n"
                          f"To: {header(text, 'To')}\r\nCall-ID: {call_id}\r\nCSeq: {header(text, 'CSeq')}\r\n"
                          "Content-Length: 0\r\n\r\n").encode(), ("127.0.0.1", self.server.port))
        if not known or number == w.told:       # the latter: sent again
            return
        if number < w.told:
            self.fault(f"{call_id}: CSeq {number} after {w.told}")
        w.told, w.fresh = number, True
        if w.alive and "terminated" in header(text, "Subscription-State"):
            self.fault(f"{call_id}: {header(text, 'Subscription-State')}")
        self.look_into(w, text)

    def look_into(self, w, text):
        versions = re.findall(r'<dialog-info[^>]* version="(\d+)"[^>]*entity="([^"]*)"', text) + \
            [(v, "the list") for v in re.findall(r'rlmi" uri="[^"]*" version="(\d+)"', text)]
        for version, name in versions:
            # The same one again is the same document, for a renewal.
            if int(version) < w.versions.get(name, -1):
                self.fault(f"{w.call_id}: version {version} of {name} after {w.versions[name]}")
            w.versions[name] = int(version)
        if w.kind == "presence":
            basic = re.search(r"<basic>(\w+)</basic>", text)
            if basic:
                w.knows[w.desk] = basic.group(1) == "open"

    # -- time ---------------------------------------------------------------
    def run(self, until, seconds):
        """Goes on until UNTIL() is true; gives whether it was."""
        end = time.monotonic() + seconds
        due = changes = time.monotonic()
        desk = 0
        while time.monotonic() < end:
            if until():
                return True
            now = time.monotonic()
            while not self.quiet and due <= now:
                self.next_subscribe()
                due += 1 / RATE
            if not self.quiet and changes <= now:
                self.register(desk % DESKS)
                desk += 1
                changes = now + 0.03
            if select.select([self.sock], [], [], 0.005)[0]:
                for _ in range(64):
                    try:
                        self.take(self.sock.recv(65536, socket.MSG_DONTWAIT).decode())
                    except BlockingIOError:
                        break
        return until()


def check_states(crowd):
    """Each who watches one desk by PIDF was told what it is, and that is not older than what somebody knew before."""
    for i, d in enumerate(crowd.desks):
        told = {w.knows.get(i) for w in crowd.watching(i)}
        assert len(told) <= 1, f"desk {i} is told differently: {told}"
        for now in told:
            if d["next"] is None:
                assert now == d["now"], f"desk {i}: told {now}, but {d['now']} was answered 200"
            elif now == d["next"]:
                d["now"] = now
            else:
                assert d["next"] not in d["seen"], f"desk {i}: {d['next']} was told, and is forgotten"
            d["next"] = None


def test_kill9_loses_no_subscription(make_server):
    server = make_server({"pjsip.conf": CONFIG, "extensions.conf": EXTENSIONS}, quiet=True).start()
    crowd = Crowd(server)
    try:
        for number in range(ROUNDS):
            crowd.quiet, enough = False, crowd.answered + 150 + 37 * number % 200
            assert crowd.run(lambda enough=enough: crowd.answered >= enough, 60), \
                f"only {crowd.answered} of {enough} are answered: {crowd.faults}"
            server.kill()
            crowd.quiet = True
            crowd.run(lambda: False, 0.05)      # what was on its way
            alive = [w for w in crowd.watchers if w.alive]
            for i, d in enumerate(crowd.desks):
                d["seen"] = {w.knows.get(i) for w in crowd.watching(i)}
            for w in crowd.watchers:
                w.fresh = False
                if w.leaving:                   # answered or not, it may be there again
                    w.begin()
            server.start()
            crowd.run(lambda alive=alive: all(w.fresh for w in alive), 30)
            lost = [w.call_id for w in alive if not w.fresh]
            assert not lost, f"round {number}: {len(lost)} of {len(alive)} are lost: {lost[:5]}"
            check_states(crowd)
            assert not crowd.faults, crowd.faults
        assert len(alive) > WATCHERS / 2
        assert sum(d["cseq"] for d in crowd.desks) > ROUNDS, "too few states have changed"
    finally:
        crowd.sock.close()
