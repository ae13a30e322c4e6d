"""Random dialogs: each walks through methods, offers and answers at times that no
phone would choose. A dialog draws from its own generator, made of the run's seed and
its number, so that its choices can be made again: soak.py walk --replay W:N."""

import collections
import itertools
import random
import socket
import struct

import settings
import wires
from dialog import Dialog
from reactor import DOWN
from sipmsg import Message, answer_to, authorize

STUCK = 5.0             # [s] without any answer
BUSY = 0.5              # [s] timers so late, or answers: the machine has no time, so that nobody is to blame
NEVER = 25.0            # [s] then whoever was busy has answered
PACE = 0.07             # [s] between the beginnings of two dialogs of a walker, on average
TRACE = 2000            # messages kept for the report


class Pending:
    """A request that waits for its answer."""

    def __init__(self, dialog, data, branch, method, expect, done):
        self.dialog, self.data, self.branch, self.method, self.done = dialog, data, branch, method, done
        self.expect = expect
        self.answered = False
        self.timer = self.deadline = None
        self.epoch = 0          # of the connection it was sent on
        self.sent = 0.0
        self.slow = False       # its five seconds are over


class Walker:
    """One phone: a socket, its dialogs, its requests. KIND: one of wires.KINDS or
    "trusted" (over UDP, known by its address). IDENTITIES: of DTLS."""

    def __init__(self, reactor, number, kind, server, seed, stats, options, identities, replay=None):
        self.identities = identities
        self.reactor, self.number, self.kind, self.server, self.seed, self.stats = reactor, number, kind, server, seed, stats
        self.user = f"t{number % settings.TRUSTED}" if kind == "trusted" else f"w{number % settings.WALKERS}"
        self.password = "pw-" + self.user
        ip = f"127.0.0.{20 + number % settings.TRUSTED}" if kind == "trusted" else f"127.0.0.{40 + number % settings.WALKERS}"
        self.wire = wires.wire("udp" if kind == "trusted" else kind, reactor, ip, options, server, self.receive)
        self.ip = ip
        self.host = f"{server[0]}:{server[1]}"
        self.rng = random.Random(f"{seed}:{number}")
        self.media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.media.bind((ip, 0))
        self.media.setblocking(False)
        self.media_port = self.media.getsockname()[1]
        self.dialogs, self.pending, self.counts = {}, {}, {}
        self.serial, self.called = itertools.count(), itertools.count()
        self.branches = itertools.count()
        self.trace = collections.deque(maxlen=TRACE)
        self.limit = 10
        self.delay = 0.0                # [s] of answers, of late
        self.numbers = []               # extensions to call
        self.challenge = None           # the last one, for credentials before they are asked for
        self.replay = replay
        self.generation = 0
        self.stopping = False

    # -- the wire -----------------------------------------------------------
    def contact(self):
        return f"sip:{self.user}@{self.ip}:{self.wire.port}{wires.transport(self.wire)}"

    def note(self, arrow, who, data):
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        self.trace.append(f"{self.reactor.now:.3f} {arrow} {self.user} {who}\n{text}\n")

    def send(self, data, who=""):
        self.note(">", who, data)
        self.stats["messages"] += 1
        self.wire.send(data)

    def request(self, dialog, method, uri, headers, body="", ctype="application/sdp", expect=True, done=None, branch=None):
        """Send a request; DONE(message) is called with each of its responses.
        EXPECT: a silence is a fault."""
        branch = branch or f"z9hG4bK{self.seed}x{self.number}x{self.generation}x{next(self.branches)}"
        head = (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{self.wire.protocol} {self.ip}:{self.wire.port};rport;branch={branch}\r\n"
                f"Max-Forwards: 70\r\n{headers}")
        if body:
            head += f"Content-Type: {ctype}\r\n"
        data = f"{head}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()
        self.send(data, dialog.name if dialog else "")
        if method != "ACK" and done:
            # A connection that could not be made while the machine was busy carried nothing.
            expect = expect and self.wire.sock is not None
            p = Pending(dialog, data, branch, method, expect, done)
            p.epoch, p.sent = self.wire.epoch, self.reactor.now
            self.pending[branch, method] = p
            if self.wire.protocol == "UDP":
                p.timer = self.reactor.at(0.5, self.again, p, 1.0)
            p.deadline = self.reactor.at(STUCK, self.late, p)
        return branch

    def again(self, p, gap):
        if self.pending.get((p.branch, p.method)) is p and not p.answered:
            self.wire.send(p.data)
            p.timer = self.reactor.at(gap, self.again, p, gap * 2)

    def late(self, p):
        """Five seconds are over. An INVITE may ring on; else silence is a fault."""
        if self.pending.get((p.branch, p.method)) is not p:
            return
        if p.answered:
            p.deadline = self.reactor.at(40, self.pending.pop, (p.branch, p.method), None)
            return
        expect = p.expect and not self.stopping and p.epoch == self.wire.epoch
        if expect and not p.slow and self.reactor.lag > BUSY:
            p.slow = True
            p.deadline = self.reactor.at(NEVER, self.late, p)
            return
        del self.pending[p.branch, p.method]
        if expect:
            self.stats["stuck"] += 1
            self.stats.event("stuck", f"no answer in {NEVER if p.slow else STUCK:g} s to {p.method} of {self.user}, "
                             f"{p.dialog.name if p.dialog else ''}\n" + p.data.decode("utf-8", "replace"))

    def receive(self, data):
        self.stats["received"] += 1
        try:
            m = Message(data)
        except (IndexError, ValueError):
            self.stats["unreadable"] += 1
            return
        self.note("<", "", m.text)
        if m.status:
            self.stats.status(m.status)
            p = self.pending.get((m.branch(), m.cseq_method))
            if p is None:
                # A repeat of the answer to an INVITE whose ACK was late or lost.
                d = self.dialogs.get(m.call_id)
                if d and m.cseq_method == "INVITE" and m.status >= 200:
                    d.final_again(m)
                return
            if not p.answered:
                self.delay += 0.1 * (self.reactor.now - p.sent - self.delay)
                self.stats["slow"] += p.slow
            p.answered = True
            if m.status >= 200:
                del self.pending[p.branch, p.method]
            p.done(m)
            return
        self.incoming(m)

    # -- what the server asks -------------------------------------------------
    def incoming(self, m):
        d = self.dialogs.get(m.call_id)
        if d is None:
            if m.method == "INVITE":
                d = Dialog(self, f"in{next(self.called)}", self.rng.getrandbits(48), m)
                self.dialogs[m.call_id] = d
                self.stats["dialogs_in"] += 1
            else:
                self.answer_stranger(m)
                return
        d.incoming(m)

    def answer_stranger(self, m):
        """A request outside of dialogs that are known here: OPTIONS, NOTIFY, an old BYE."""
        r = self.rng.random()
        if m.method == "ACK" or r < 0.1:
            return
        status = 200 if r < 0.8 else self.rng.choice([100, 202, 302, 401, 404, 481, 486, 500, 503, 603, 699])
        self.send(answer_to(m, status, "st", f"Contact: <{self.contact()}>\r\n"))

    # -- life ------------------------------------------------------------------
    def begin(self):
        """Start dialogs as long as there is room, registering now and then."""
        if self.stopping:
            return
        self.reactor.at(self.rng.expovariate(1 / PACE), self.begin)
        # Who adds work to a server that is behind learns nothing but that.
        if max(self.reactor.lag, self.delay) > BUSY / 2:
            self.stats["held_back"] += 1
            self.delay *= 0.9
            return
        if self.reactor.seen or sum(not d.over for d in self.dialogs.values()) >= self.limit:
            return
        n = next(self.serial)
        self.start(n)

    def start(self, n):
        name = f"{self.number}:{n}"
        d = Dialog(self, name, f"{self.seed}:{self.number}:{n}", None)
        self.dialogs[d.call_id] = d
        self.stats["dialogs"] += 1
        d.begin()

    def register(self, expires=120):
        """An honest registration, so that calls find this phone."""
        own = f"<{self.contact()}>" if expires else "*"
        headers = (f"From: <sip:{self.user}@{self.host}>;tag=rg\r\nTo: <sip:{self.user}@{self.host}>\r\n"
                   f"Call-ID: reg-{self.seed}-{self.number}-{self.generation}\r\nContact: {own}\r\nExpires: {expires}\r\n")
        uri = f"sip:{self.host}"

        def done(m):
            if m.status == 401:
                auth = authorize(self.user, self.password, "REGISTER", uri, m, self.counts)
                self.request(None, "REGISTER", uri, f"{headers}CSeq: {self.cseq()} REGISTER\r\n{auth}", done=lambda m: None)
        self.request(None, "REGISTER", uri, f"{headers}CSeq: {self.cseq()} REGISTER\r\n", done=done)

    def keep_registered(self):
        if not self.stopping:
            self.reactor.at(self.rng.uniform(5, 20), self.keep_registered)
            if self.reactor.seen != DOWN:
                self.register()

    def meet_server(self):
        """The server runs (again)."""
        if self.wire.protocol != "UDP":
            self.wire.connect()
        self.register()

    def cseq(self):
        return next(self.branches) + 1

    def forget(self):
        """The server was killed: it knows nothing of what was."""
        for p in self.pending.values():
            for t in (p.timer, p.deadline):
                if t:
                    t[2] = None
        for d in list(self.dialogs.values()):
            d.over = True
            d.drop()
        self.pending.clear()
        self.challenge = None
        self.generation += 1

    def tick(self):
        """Checks and handshakes of encrypted media go on by themselves."""
        self.reactor.at(0.04, self.tick)
        for d in self.dialogs.values():
            if d.rtc:
                d.rtc.tick()

    def stop(self):
        """The run is over: end what is alive, as a phone would."""
        self.stopping = True
        for d in list(self.dialogs.values()):
            d.end()
        self.register(0)

    def rtp(self, rng, ip, port):
        """Packets to a port of the server: sound, digits, RTCP and rubbish."""
        kind, n = rng.randrange(5), rng.randrange(1, 12)
        ssrc, first, digit = rng.getrandbits(32), rng.getrandbits(16), rng.choice([5, 10, 11, 11, rng.randrange(18)])
        for i in range(n):
            pt = {0: 0, 1: 101, 2: rng.choice([8, 9, 3, 13, 96, 97]), 3: rng.randrange(128)}.get(kind, 0)
            if pt == 101:
                payload = struct.pack("!BBH", digit, 0x80 if i > n // 2 else 10, 160 * i)
            else:
                payload = bytes(rng.choice([160, 160, 80, 0, 33, 320]))
            data = struct.pack("!BBHII", 0x80, pt | (0x80 if i == 0 else 0), (first + i) & 0xffff, 160 * i, ssrc) + payload
            if kind == 4:
                data = rng.choice([struct.pack("!BBHI", 0x80, 203, 1, ssrc),
                                   struct.pack("!BBHIIIIII", 0x80, 200, 6, ssrc, 1, 2, 3, 4, 5),
                                   rng.randbytes(rng.randrange(1, 60)), b"\x00\x01\x00\x00" + rng.randbytes(16)])
            try:
                self.media.sendto(data, (ip, port + (1 if kind == 4 and rng.random() < 0.6 else 0)))
            except OSError:
                pass
        self.stats["rtp"] += n
        try:
            for _ in range(256):
                self.media.recv(2048)
        except OSError:
            pass
