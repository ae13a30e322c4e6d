"""Calls with sound between two phones of ours, through Dial: what each side sent and
heard is counted. G.711 both ways, G.722 both ways, Opus, or one of each; plain phones,
phones with SDES or DTLS-SRTP, and pages: WebSocket, ICE, DTLS-SRTP."""

import json
import random
import re
import struct
import time

import rtc
import settings
import wires
from reactor import Udp
from sipmsg import FORMATS as FORMAT_NAMES, Message, answer_to, authorize, simple_sdp

TICK = 0.02             # [s] of sound in a packet
PATIENCE = 5.0          # [s] until a call has to be up
FAULTS = 0.05           # of the checks of ICE are wrong
SILENCE = b"\xf8\xff\xfe" # of Opus, 20 ms
NEVER = 25.0            # [s] the same for a machine that has no time
BUSY = 0.5              # [s] timers so late: then nobody is to blame for silence


class Leg:
    """One side's media: a socket, and what went through it."""

    def __init__(self, phone):
        self.phone = phone
        self.sent = self.back = self.digits = 0
        self.pt, self.peer, self.events = 0, None, 101
        self.ssrc = phone.rng.getrandbits(32)
        self.first = phone.rng.getrandbits(15)
        self.event = 0          # packets of the digit that are still to be sent
        self.version = 0
        self.open()

    def open(self):
        self.wire = Udp(self.phone.reactor, self.phone.ip, self.phone.server, self.heard)

    def sdp(self, offer, formats, way):
        return simple_sdp(self.phone.ip, self.wire.port, formats, way)

    def learn(self, body, offer):
        """The other end's description."""
        port = re.search(r"^m=audio (\d+) \S+ (\d+)", body, re.M)
        if port and port.group(1) != "0":
            self.peer = (self.phone.server[0], int(port.group(1)))
            self.pt = int(port.group(2)) if port.group(2) in ("0", "8", "9", "96") else self.pt
            self.events = 98 if self.pt == 96 and "a=rtpmap:98 telephone-event" in body else 101

    def answered(self):
        """Our answer is written."""

    def ready(self):
        return self.peer is not None

    def heard(self, data):
        if len(data) < 12 or data[0] >> 6 != 2 or 64 <= data[1] & 127 < 96:
            return
        if data[1] & 127 in (98, 101):
            self.digits += len(data) >= 16 and bool(data[13] & 0x80)
        else:
            self.back += 1

    def tick(self):
        if not self.ready():
            return
        self.sent += 1
        step = 960 if self.pt == 96 else 160
        head = struct.pack("!BBHII", 0x80, self.pt, (self.first + self.sent) & 0xffff, step * self.sent, self.ssrc)
        body = SILENCE if self.pt == 96 else b"\x55" * 160
        if self.event:
            self.event -= 1
            head = head[:1] + bytes([self.events]) + head[2:]
            body = struct.pack("!BBH", 5, 0x8a if self.event < 3 else 10, step * (8 - self.event))
        self.put(head + body)

    def put(self, packet):
        try:
            self.wire.sock.sendto(packet, self.peer)
        except OSError:
            pass

    def state(self):
        """For whoever looks for the cause of silence."""
        return ""

    def close(self):
        self.wire.close()


class SecureLeg(Leg):
    """The same with ICE or keys."""

    def open(self):
        p = self.phone
        how = set(p.media)
        if "ice" in how and p.rng.random() < 0.15:
            how.add("lite")
        self.rtc = rtc.Peer(p.reactor, random.Random(p.rng.getrandbits(48)), p.ip, how, p.identities, self.heard, FAULTS)

    def sdp(self, offer, formats, way):
        r = self.rtc
        self.version += 1
        ip, port = r.where()
        return simple_sdp(ip, port, formats, way, r.profile(), r.lines(offer), r.session_lines(), self.version)

    def learn(self, body, offer):
        super().learn(body, offer)
        self.rtc.learn(body, offer)

    def answered(self):
        self.rtc.answered()

    def ready(self):
        return self.rtc.ready()

    def tick(self):
        self.rtc.tick()
        super().tick()

    def put(self, packet):
        self.rtc.send(packet)
        if self.sent % 50 == 0:
            self.rtc.send(struct.pack("!BBHIIIIII", 0x80, 200, 6, self.ssrc, 1, 2, 160 * self.sent, self.sent, 160 * self.sent))

    def state(self):
        r = self.rtc
        dtls = f", DTLS {'keys' if r.dtls.keys else 'failed' if r.dtls.failed else 'under way'}" if r.dtls else ""
        return (f" ({'+'.join(sorted(r.how))}: pair {r.selected}, {'controlling' if r.controlling else 'controlled'}"
                f"{dtls}, unreadable {r.bad})")

    def close(self):
        self.rtc.close(self.phone.rng.random() < 0.7)


class Phone:
    """A user that registers, calls its partner and is called by it."""

    def __init__(self, c, number):
        self.reactor, self.stats, self.server = c.reactor, c.stats, c.server
        self.user, self.password, self.number = f"p{number}", f"pw-p{number}", number
        self.ip = f"127.0.0.{60 + number}"
        self.host = f"{c.server[0]}:{c.server[1]}"
        self.rng = random.Random(f"{c.seed}:calls:{number}")
        self.kind, self.media = settings.PHONE_KINDS[number]
        self.identities = c.identities
        self.wire = wires.wire(self.kind, c.reactor, self.ip, c.options, c.server, self.receive)
        self.call = None                # the one that is under way
        self.partner = None
        self.serial = time.time_ns() & 0xffffffffff
        self.wait = {}                  # (branch, method): call(message)
        self.counts = {}
        self.acked = 0.0                # until when the registrar must know this phone
        self.stopping = False

    def contact(self):
        return f"Contact: <sip:{self.user}@{self.ip}:{self.wire.port}{wires.transport(self.wire)}>\r\n"

    def leg(self):
        return SecureLeg(self) if self.media else Leg(self)

    def request(self, method, uri, ids, extra="", body="", done=None, branch=None, ctype="application/sdp"):
        """IDS: (From, To, Call-ID, CSeq)."""
        self.serial += 1
        branch = branch or f"z9hG4bKp{self.number}x{self.serial:x}"
        head = (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{self.wire.protocol} {self.ip}:{self.wire.port};branch={branch}\r\n"
                f"Max-Forwards: 70\r\nFrom: {ids[0]}\r\nTo: {ids[1]}\r\nCall-ID: {ids[2]}\r\nCSeq: {ids[3]} {method}\r\n"
                f"{self.contact()}{extra}")
        if body:
            head += f"Content-Type: {ctype}\r\n"
        data = f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        self.stats["messages"] += 1
        self.wire.send(data)
        if done:
            self.wait[branch, method] = done
            if self.kind == "udp":
                self.reactor.at(0.5, self.again, branch, method, data, 0.5)

    def again(self, branch, method, data, gap):
        if (branch, method) in self.wait and gap < 6:
            self.wire.send(data)
            self.reactor.at(gap * 2, self.again, branch, method, data, gap * 2)

    def receive(self, data):
        m = Message(data)
        if m.status:
            self.stats.status(m.status)
            key = (m.branch(), m.cseq_method)
            done = self.wait.get(key)
            if done:
                if m.status >= 200:
                    del self.wait[key]
                done(m)
            elif m.cseq_method == "INVITE" and 200 <= m.status < 300 and self.call and self.call.call_id == m.call_id:
                self.call.ack()
        elif m.method == "INVITE" and not m.tag("to"):
            if self.call is None or self.call.invite_in is None:
                Called(self, m)
            elif self.call.call_id == m.call_id:
                self.wire.send(self.call.said)
        elif self.call and m.call_id == self.call.call_id:
            self.call.asked(m)
        elif m.method != "ACK":
            self.wire.send(answer_to(m, 200 if m.method in ("BYE", "OPTIONS", "NOTIFY") else 481, "p"))

    def register(self):
        if self.stopping:
            return
        self.reactor.at(self.rng.uniform(8, 15), self.register)
        if not self.reactor.seen:
            self.register_now()

    def connected(self):
        """A phone whose connection is gone makes another, and is found there from then on."""
        if self.kind == "udp" or self.wire.sock is not None or self.reactor.seen or self.stopping:
            return
        self.acked = 0.0
        self.wire.connect()
        if self.wire.sock is not None:
            self.stats["connections_again"] += 1
            self.register_now()

    def cut(self):
        """The connection goes in the middle of whatever it was doing."""
        if self.kind == "udp" or self.wire.sock is None:
            return
        self.stats["connections_cut"] += 1
        self.acked = 0.0
        if self.call:
            self.call.cut = True
        self.wire.close()

    def register_now(self):
        self.serial += 1
        uri, own = f"sip:{self.host}", f"<sip:{self.user}@{self.host}>"
        ids = [own + ";tag=r", own, f"pr{self.number}-{self.wire.port}", self.serial & 0x7fffffff]
        epoch = self.wire.epoch

        def done(m):
            if m.status == 401:
                ids[3] += 1
                self.serial += 1
                proof = authorize(self.user, self.password, "REGISTER", uri, m, self.counts)
                self.request("REGISTER", uri, ids, "Expires: 60\r\n" + proof, done=ok)

        def ok(m):
            if m.status == 200 and epoch == self.wire.epoch:
                self.acked = time.monotonic() + 55
            elif m.status == 200:
                pass
            else:
                self.stats["calls_register_refused"] += 1
        self.request("REGISTER", uri, ids, "Expires: 60\r\n", done=done)

    def forget(self):
        for _ in range(20):
            if self.wire.sock:
                self.wire.readable()
        self.wait.clear()
        if self.kind != "udp":
            self.acked = 0.0
        if self.call:
            self.call.close()


class Call:
    """Common to both ends. The phone has one of them."""

    def __init__(self, phone, call_id, formats):
        self.phone, self.call_id, self.formats = phone, call_id, formats
        self.leg = phone.leg()
        self.leg.pt = formats[0]
        self.invite_in, self.said = None, b""
        self.up = self.cut = False
        phone.call = self

    def sdp(self, way="", offer=True):
        events = (98, 101) if 96 in self.formats else (101,)
        text = self.leg.sdp(offer, (*self.formats, *events), way)
        if not offer:
            self.leg.answered()
        return text

    def close(self):
        self.leg.close()
        if self.phone.call is self:
            self.phone.call = None

    def ack(self):
        pass

    def asked(self, m):
        """A request of the server in this call."""
        p = self.phone
        if m.method == "BYE":
            p.wire.send(answer_to(m, 200, "p"))
            self.over()
        elif m.method in ("INVITE", "UPDATE"):
            if m.body:
                self.leg.learn(m.body, True)
            body = self.sdp(offer=not m.body) if m.body or m.method == "INVITE" else ""
            p.wire.send(answer_to(m, 200, "p", p.contact(), body))
        elif m.method == "ACK":
            if m.body:
                self.leg.learn(m.body, False)
        elif m.method == "CANCEL":
            p.wire.send(answer_to(m, 200, "p"))
            p.wire.send(answer_to(self.invite_in, 487, "p"))
            self.close()
        else:
            p.wire.send(answer_to(m, 200, "p"))

    def over(self):
        self.close()


FORMATS = [(0,), (8,), (9,), (9, 0)]


def formats_of(phone):
    """Codecs of one call."""
    return phone.rng.choice([(96,), (96, 0), *FORMATS] if phone.media == settings.PAGE else FORMATS)


class Called(Call):
    def __init__(self, phone, m):
        super().__init__(phone, m.call_id, formats_of(phone))
        offered = re.search(r"^m=audio \d+ \S+ ([\d ]+)", m.body, re.M)
        known = [int(f) for f in offered.group(1).split() if int(f) in FORMAT_NAMES] if offered else []
        both = [f for f in self.formats if f in known]
        self.formats = tuple(both) or tuple(known[:1]) or (0,)
        self.invite_in = m
        phone.wire.send(answer_to(m, 180, "p", phone.contact()))
        phone.reactor.at(phone.rng.uniform(0, 0.3), self.accept)

    def accept(self):
        if self.phone.call is not self:
            return
        p = self.phone
        offered = bool(self.invite_in.body)
        if offered:
            self.leg.learn(self.invite_in.body, True)
        self.leg.pt = self.formats[0]
        self.said = answer_to(self.invite_in, 200, "p", p.contact(), self.sdp(offer=not offered))
        self.up = True
        p.wire.send(self.said)


class Calling(Call):
    """The caller judges the call: it knows both ends."""

    def __init__(self, phone):
        super().__init__(phone, f"pc{phone.number}-{phone.serial:x}", formats_of(phone))
        self.trickles = "ice" in phone.media and phone.rng.random() < 0.3
        if self.trickles:
            self.leg.rtc.trickle = True
        phone.serial += 1
        self.uri = self.target = f"sip:dp{phone.partner.number}@{phone.host}"
        self.ids = [f"<sip:{phone.user}@{phone.host}>;tag=p", f"<{self.uri}>", self.call_id, 1]
        self.hung_up = False
        self.way = phone.partner.wire.epoch
        self.last = ""                  # what the last change was
        self.mark = (0, 0)              # sent and heard at the last change
        self.began = time.monotonic()
        phone.stats["calls"] += 1
        self.late = phone.reactor.at(PATIENCE, self.too_late)
        self.invite()

    def invite(self, auth=""):
        def done(m):
            if m.status < 200:
                return
            if m.status >= 300:
                ids = [self.ids[0], m.one("to"), *self.ids[2:]]
                self.phone.request("ACK", self.uri, ids, branch=m.branch())
                if m.status == 401 and not auth:
                    self.ids[3] += 1
                    self.invite(authorize(self.phone.user, self.phone.password, "INVITE", self.uri, m, self.phone.counts))
                elif self.phone.partner.kind == "udp":
                    self.fail(f"INVITE {m.status}")
                else:
                    self.close()
                    self.phone.reactor.at(1.0, self.missed, m.status)
                return
            self.answered(m)
        tells = "Supported: trickle-ice\r\nRecv-Info: trickle-ice\r\n" if "ice" in self.phone.media else ""
        self.phone.request("INVITE", self.uri, self.ids, tells + auth, self.sdp(), done)

    def answered(self, m):
        p = self.phone
        self.ids[1], self.target, self.up = m.one("to"), m.contact(), True
        self.late[2] = None
        self.leg.learn(m.body, False)
        self.ack()
        if self.trickles:
            p.reactor.at(p.rng.uniform(0, 0.2), self.trickle)
        p.stats.samples["call_ms"].append(round(1000 * (time.monotonic() - self.began)))
        hold = p.rng.uniform(1, 6) + 3 * bool(p.media or p.partner.media)
        p.reactor.at(hold / 2, self.digit)
        if p.rng.random() < 0.3:
            p.reactor.at(hold / 3, self.hold, "sendonly")
            p.reactor.at(hold / 3 + 0.2, self.hold, "")
        elif p.media and p.rng.random() < 0.6:
            p.reactor.at(hold / 3, self.anew)
        for who in (p, p.partner):
            if p.rng.random() < 0.08:
                p.reactor.at(hold / 2, who.cut)
        p.reactor.at(hold, self.hang_up)

    def ack(self):
        if self.up:
            self.phone.request("ACK", self.target, self.ids)

    def digit(self):
        if self.phone.call is self:
            self.leg.event = 8

    def missed(self, status):
        """The partner's connection may have gone while it was called; by now it knows."""
        if self.phone.partner.wire.epoch == self.way:
            self.fail(f"INVITE {status}")
        else:
            self.phone.stats["calls_missed"] += 1

    def trickle(self):
        """The candidates that the offer did not have (RFC 8840)."""
        if self.phone.call is not self or self.hung_up:
            return
        self.trickles = self.leg.rtc.trickle = False
        self.ids[3] += 1
        self.phone.stats["trickled"] += 1

        def done(m):
            if m.status >= 300:
                self.fail(f"INFO with candidates {m.status}")
        self.phone.request("INFO", self.target, list(self.ids), "Info-Package: trickle-ice\r\nContent-Disposition: Info-Package\r\n",
                           self.leg.rtc.sdpfrag(), done, ctype="application/trickle-ice-sdpfrag")

    def anew(self):
        """A re-offer with other keys, another certificate, or an ICE restart; or all of it."""
        if self.phone.call is not self or self.hung_up or self.trickles:
            return
        rtc_, what = self.leg.rtc, self.phone.rng.choice(["restart", "rekey", "both"])
        if what != "rekey" and "ice" in self.phone.media:
            rtc_.restart()
            self.phone.stats["ice_restarts"] += 1
        if what != "restart" and rtc_.secure():
            rtc_.rekey()
            self.phone.stats["rekeys"] += 1
        self.last = what
        self.hold("")

    def hold(self, way):
        if self.phone.call is not self or self.hung_up:
            return
        self.ids[3] += 1
        ids = list(self.ids)

        def done(m):
            if m.status >= 200:
                self.phone.request("ACK", self.target, ids, branch=m.branch() if m.status >= 300 else None)
            if 200 <= m.status < 300:
                self.leg.learn(m.body, False)
                self.mark = (self.leg.sent, self.leg.back)
        self.phone.request("INVITE", self.target, ids, "", self.sdp(way), done)

    def hang_up(self):
        if self.phone.call is not self:
            return
        self.hung_up = True
        self.judge()
        self.ids[3] += 1

        other = self.phone.partner.call

        def done(m):
            if m.status >= 200:
                self.close()
                if other and other.cut:
                    other.close()
        self.phone.request("BYE", self.target, self.ids, done=done)
        self.phone.reactor.at(PATIENCE, self.no_end)

    def judge(self):
        """What both sent and heard. The called end may have begun a little later."""
        p, other = self.phone, self.phone.partner.call
        if other is None or not other.up:
            self.fail("the called phone has no call")
            return
        p.stats["calls_up"] += 1
        for a, b in ((self.leg, other.leg), (other.leg, self.leg)):
            p.stats["rtp_sent"] += a.sent
            p.stats["rtp_heard"] += min(b.back, a.sent)
            if a.sent > 30 and not b.back and p.reactor.lag < BUSY:
                self.fail("one side hears nothing" + a.state() + b.state())
            if not a.ready() and p.reactor.lag < BUSY:
                self.fail("no way for media" + a.state())
        # A change of keys or of ICE takes a moment; then there must be sound again.
        sent, back = self.leg.sent - self.mark[0], self.leg.back - self.mark[1]
        if sent > 100 and not back and other.leg.sent > 100 and p.reactor.lag < BUSY:
            self.fail(f"hears nothing since its last offer ({self.last})" + self.leg.state())
        p.stats["secure_calls"] += bool(p.media or p.partner.media)
        p.stats["digits_sent"] += self.leg.sent > 0
        p.stats["digits_heard"] += other.leg.digits > 0

    def too_late(self):
        if self.phone.call is not self or self.up:
            return
        if self.phone.reactor.lag > BUSY and time.monotonic() - self.began < NEVER:
            self.late = self.phone.reactor.at(PATIENCE, self.too_late)
            return
        self.fail(f"not up after {time.monotonic() - self.began:.0f} s")
        self.close()

    def no_end(self):
        if self.phone.call is self:
            self.fail("BYE is not answered")
            self.close()

    def fail(self, why):
        p = self.phone
        if p.stopping or p.reactor.seen:
            return
        p.stats["calls_failed"] += 1
        p.stats.event("call", f"{p.user} to {p.partner.user}, {self.call_id}: {why}")
        if why.startswith("INVITE"):
            self.close()

    def over(self):
        """The server hung up before we did."""
        if not self.hung_up:
            self.fail("the server ended the call")
        self.close()


def work(c):
    r, n = c.reactor, c.options.phones & ~1
    c.identities = rtc.Identities(c.options.certificates, settings.IDENTITIES)
    phones = [Phone(c, i) for i in range(min(n, settings.PHONES))]
    for a, b in zip(phones[::2], phones[1::2]):
        a.partner, b.partner = b, a

    def tick():
        r.at(TICK, tick)
        for p in phones:
            if p.call:
                p.call.leg.tick()

    def dial():
        r.at(0.2, dial)
        for p in phones:
            p.connected()
        for p in phones[::2]:
            caller = p if p.rng.random() < 0.5 else p.partner
            if not r.seen and not p.stopping and p.call is None and p.partner.call is None and caller.partner.acked > r.now:
                Calling(caller)

    def down():
        for p in phones:
            p.forget()

    def up():
        compare(c, phones)
    r.on_down, r.on_up = down, up
    for i, p in enumerate(phones):
        r.at(0.05 * i, p.register)
    tick()
    r.at(1, dial)
    halves = wires.Halves(r, random.Random(f"{c.seed}:halves"), settings.HALVES, c.options, c.server, c.stats)
    r.at(2, halves.run)
    r.run()
    halves.close()
    for p in phones:
        p.stopping = True
        if isinstance(p.call, Calling):
            p.call.hang_up()
    r.drain(1.5)


def compare(c, phones):
    """After a restart: is each phone that was answered 200 still registered?"""
    generation = c.shared.generation.value
    try:
        with open(f"{c.directory}/contacts-{generation}.json", encoding="utf-8") as f:
            said = json.load(f)
    except OSError:
        return
    # Who is reached by its connection alone is gone with it.
    sure = [p for p in phones if p.acked > said["at"] + 1 and p.kind == "udp"]
    lost = [p.user for p in sure if not any(f"{p.ip}:{p.wire.port}" in u for u in said["contacts"].get(p.user, []))]
    if generation > 1:
        c.stats.extra.setdefault("kills", []).append({
            "generation": generation, "acked": len(sure), "found": len(sure) - len(lost), "lost": len(lost), "gone": 0, "back": 0,
            "examples": [f"lost: {u}" for u in lost[:5]]})
        if lost:
            c.stats.event("contacts", f"lost: {lost}")
