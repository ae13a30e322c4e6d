"""Registrations at the edge of their expiry: refreshed, removed or left alone from
20 ms before to 5 ms after the moment they end. After each `kill` what was answered
200 is compared with what the restarted server has."""

import json
import random
import re
import time

import settings
from reactor import Udp
from sipmsg import Message

WINDOW = (-0.020, 0.005)        # [s] around the moment of expiry
LONG = 3600                     # [s] what a refresh asks for
MARGIN = 1.0                    # [s] a contact this near to its end may be there or not


class Aor:
    """One address of record with one contact. `sure`: what must be true of it:
    None nothing, else (True, when it ends) or (False, since when)."""

    def __init__(self, name):
        self.name = name
        self.sure = (False, 0.0)
        self.waiting = {}       # CSeq: (expires, when sent, data, what follows)
        self.at_edge = False


class Registrar:
    """The phone that registers for all of them; its address is its proof."""

    def __init__(self, c, count):
        self.reactor, self.stats, self.server = c.reactor, c.stats, c.server
        self.rng = random.Random(f"{c.seed}:edge:{c.number}")
        self.wire = Udp(c.reactor, "127.0.0.30", c.server, self.receive)
        self.aors = {f"a{i}": Aor(f"a{i}") for i in range(count)}
        self.cseq = 0
        self.seed = f"{c.seed}-{time.time_ns():x}"
        self.kills = []
        self.directory, self.shared = c.directory, c.shared
        self.stopping = False
        self.hold = c.options.hold

    # -- asking ---------------------------------------------------------------
    def contact(self, name):
        return f"sip:{name}@{self.wire.ip}:{self.wire.port}"

    def register(self, a, expires, then=None, edge=False):
        """EXPIRES None: only ask what is registered."""
        self.cseq += 1
        ask = "" if expires is None else f"Contact: <{self.contact(a.name)}>\r\nExpires: {expires}\r\n"
        host = f"{self.server[0]}:{self.server[1]}"
        data = (f"REGISTER sip:{host} SIP/2.0\r\nVia: SIP/2.0/UDP {self.wire.ip}:{self.wire.port};branch=z9hG4bK{self.seed}{self.cseq}\r\n"
                f"From: <sip:{a.name}@{host}>;tag=e\r\nTo: <sip:{a.name}@{host}>\r\nCall-ID: {a.name}-{self.seed}\r\n"
                f"CSeq: {self.cseq} REGISTER\r\n{ask}Max-Forwards: 70\r\n"
                "Content-Length: 0\r\n\r\n").encode()
        a.waiting[self.cseq] = (expires, time.monotonic(), data, then, edge)
        self.stats["messages"] += 1
        self.wire.send(data)
        self.reactor.at(1.0, self.again, a, self.cseq, 1)

    def again(self, a, cseq, n):
        if cseq not in a.waiting:
            return
        if n == 5:
            self.stats["stuck"] += 1
            self.stats.event("stuck", "REGISTER without an answer in 5 s:\n" + a.waiting[cseq][2].decode())
        if n < 30:
            self.wire.send(a.waiting[cseq][2])
            self.reactor.at(1.0, self.again, a, cseq, n + 1)

    def receive(self, data):
        m = Message(data)
        if not m.status or m.status < 200:
            return
        name = re.search(r"<sip:(\w+)@", m.one("to"))
        a = self.aors.get(name.group(1)) if name else None
        known = a.waiting.pop(m.cseq, None) if a else None
        if not known:
            return
        expires, sent, _, then, edge = known
        now = time.monotonic()
        self.stats.status(m.status)
        self.stats.samples["edge_ms"].append(round(1000 * (now - sent), 1))
        if m.status == 200 and expires is None:
            if a.sure and a.sure[0] and not a.waiting and self.contact(a.name) not in m.text:
                self.stats["lost_alive"] += 1
                self.stats.event("contacts", f"{a.name} was answered 200 with {LONG} s and is not there any more:\n{m.text}")
                a.sure = None
        elif m.status == 200:
            self.stats["edge_refreshes"] += edge and expires > 1
            self.stats["edge_removals"] += edge and not expires
            self.stats["edge_acked"] += 1
            # Two at once cannot be told apart afterwards.
            a.sure = None if a.waiting else (True, sent + expires) if expires else (False, now)
            if expires and self.contact(a.name) not in m.text.partition("\r\n\r\n")[0]:
                self.stats["acked_without_contact"] += 1
        else:
            a.sure = None
            self.stats["edge_refused"] += 1
        if then and not self.stopping:
            then(a, sent)

    # -- the cycle of an AOR -----------------------------------------------------
    def short(self, a, _=0):
        if not self.reactor.seen and not self.stopping:
            self.register(a, 1, self.plan)

    def plan(self, a, sent):
        """The contact ends a second after it was sent: meet that moment."""
        if self.rng.random() < 0.08:
            self.reactor.at(2.2, self.short, a)         # left to end by itself
            return
        at = sent + 1 + self.rng.uniform(*WINDOW) - time.monotonic()
        self.reactor.at(max(0, at), self.meet, a)

    def meet(self, a):
        if self.reactor.seen or self.stopping:
            return
        r = self.rng.random()
        if r < 0.72:
            self.register(a, LONG, self.rest, True)
        elif r < 0.88:
            self.register(a, 0, self.rest, True)
        else:
            self.register(a, 1, self.plan, True)

    def rest(self, a, _):
        """Left alone for a while, so that a kill finds some in each state; when there are
        many kills, until the next one, so that it judges every refresh."""
        self.reactor.at(8.0 if self.hold else self.rng.uniform(0.05, 1.2), self.look, a)

    def look(self, a):
        if not self.reactor.seen and not self.stopping:
            self.register(a, None, lambda a, _: self.clear(a))

    def clear(self, a):
        if not self.reactor.seen and not self.stopping:
            self.register(a, 0, lambda a, _: self.reactor.at(self.rng.uniform(0, 0.3), self.short, a))

    # -- the server was killed -----------------------------------------------------
    def down(self):
        """What stands in the socket was answered before; the rest is not known."""
        self.wire.readable()
        for _ in range(200):
            self.wire.readable()
        self.reactor.timers.clear()
        for a in self.aors.values():
            if a.waiting:
                a.waiting.clear()
                a.sure = None

    def up(self):
        generation = self.shared.generation.value
        try:
            with open(f"{self.directory}/contacts-{generation}.json", encoding="utf-8") as f:
                said = json.load(f)
        except OSError:
            said = None
        if said is not None and generation > 1:
            self.compare(generation, said["contacts"], said["at"])
        for a in self.aors.values():
            self.reactor.at(self.rng.uniform(0, 1.0), self.clear if a.sure is None or a.sure[0] else self.short, a)

    def compare(self, generation, found, at):
        """`at`: when the restarted server was asked."""
        k = {"generation": generation, "acked": 0, "found": 0, "lost": 0, "gone": 0, "back": 0, "examples": []}
        for a in self.aors.values():
            if a.sure is None:
                continue
            here, when = a.sure
            there = any(u.startswith(self.contact(a.name)) for u in found.get(a.name, []))
            if here and when > at + MARGIN:
                k["acked"] += 1
                k["found"] += there
                if not there:
                    a.sure = None
                    k["lost"] += 1
                    k["examples"].append(f"lost: {a.name}, which has {when - at:.1f} s left")
            elif not here or when < at - MARGIN:
                k["gone"] += 1
                if there:
                    a.sure = None
                    k["back"] += 1
                    k["examples"].append(f"back: {a.name}, {'removed' if not here else 'expired'} {at - when:.1f} s before")
        k["examples"] = k["examples"][:6]
        self.kills.append(k)
        self.shared.judged.value += k["acked"]
        if k["lost"] or k["back"]:
            self.stats.event("contacts", json.dumps(k))


def work(c):
    registrar = Registrar(c, c.options.edges)
    c.reactor.on_down = registrar.down
    c.reactor.on_up = registrar.up
    c.reactor.run()
    registrar.stopping = True
    for a in registrar.aors.values():
        registrar.register(a, 0)
    c.reactor.drain(1.0)
    c.stats.extra["kills"] = registrar.kills
