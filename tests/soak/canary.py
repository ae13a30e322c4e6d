"""The phone beside it all: each second (o.canary_gap) it registers and calls an echo extension from
an address of its own. What fails here would have failed for everybody."""

import re
import socket
import struct
import time

import settings
from reactor import OVER, UP
from sipmsg import Message, authorize, simple_sdp

PATIENCE = 4.0          # [s] for one transaction, sent again as RFC 3261 asks


class Phone:
    """A user on a UDP socket; each function waits for its answer."""

    def __init__(self, ip, server, user, password):
        self.ip, self.server, self.user, self.password = ip, server, user, password
        self.host = f"{server[0]}:{server[1]}"
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ip, 0))
        self.port = self.sock.getsockname()[1]
        self.media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.media.bind((ip, 0))
        self.serial = time.time_ns()
        self.cseq = 0
        self.counts, self.statuses = {}, {}

    def build(self, method, uri, call_id, to, tag, extra="", body="", branch=None, cseq=None):
        self.serial += 1
        branch = branch or f"z9hG4bK{self.serial:x}"
        head = (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {self.ip}:{self.port};branch={branch}\r\nMax-Forwards: 70\r\n"
                f"From: <sip:{self.user}@{self.host}>;tag=c\r\nTo: <{to}>{';tag=' + tag if tag else ''}\r\nCall-ID: {call_id}\r\n"
                f"CSeq: {cseq or self.cseq} {method}\r\nContact: <sip:{self.user}@{self.ip}:{self.port}>\r\n{extra}")
        if body:
            head += "Content-Type: application/sdp\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode(), branch

    def exchange(self, data, branch, patience):
        """The final answer, or None."""
        end, gap = time.monotonic() + patience, 0.5
        self.sock.sendto(data, self.server)
        again = time.monotonic() + gap
        while time.monotonic() < end:
            self.sock.settimeout(max(0.001, min(end, again) - time.monotonic()))
            try:
                m = Message(self.sock.recv(65536))
            except TimeoutError:
                if time.monotonic() >= again:
                    self.sock.sendto(data, self.server)
                    gap *= 2
                    again = time.monotonic() + gap
                continue
            if m.status >= 200 and m.branch() == branch:
                self.statuses[m.status] = self.statuses.get(m.status, 0) + 1
                return m
        return None

    def transact(self, method, uri, call_id, to, tag="", extra="", body="", patience=PATIENCE):
        """A request, with its credentials when they are asked for. The last answer or None."""
        end = time.monotonic() + patience
        proof = ""
        while True:
            self.cseq += 1
            data, branch = self.build(method, uri, call_id, to, tag, extra + proof, body)
            m = self.exchange(data, branch, max(0.01, end - time.monotonic()))
            if m is not None and m.status >= 300 and method == "INVITE":
                self.sock.sendto(self.build("ACK", uri, call_id, to, m.tag("to"), branch=branch)[0], self.server)
            if m is None or m.status != 401 or proof:
                return m
            proof = authorize(self.user, self.password, method, uri, m, self.counts)

    def register(self, expires=60):
        self.serial += 1
        own = f"sip:{self.user}@{self.host}"
        m = self.transact("REGISTER", f"sip:{self.host}", f"cr{self.port}", own, "", f"Expires: {expires}\r\n")
        return m.status if m else 0

    def call(self, number, packets=10):
        """(status of the INVITE, seconds to its 200, echoes of PACKETS, status of the BYE)."""
        self.serial += 1
        call_id, uri = f"cc{self.serial:x}", f"sip:{number}@{self.host}"
        began = time.monotonic()
        m = self.transact("INVITE", uri, call_id, uri, body=simple_sdp(self.ip, self.media.getsockname()[1], (0,)))
        if m is None or m.status != 200:
            return (m.status if m else 0), 0.0, 0, 0
        took = time.monotonic() - began
        self.sock.sendto(self.build("ACK", m.contact(), call_id, uri, m.tag("to"))[0], self.server)
        port = int(re.search(r"m=audio (\d+)", m.body).group(1))
        back = 0
        self.media.settimeout(0.02)
        for i in range(packets):
            self.media.sendto(struct.pack("!BBHII", 0x80, 0, i, i * 160, 7) + b"\x55" * 160, (self.server[0], port))
            try:
                while len(self.media.recv(2048)):
                    back += 1
            except TimeoutError:
                pass
        # On a busy machine the first echo may take longer than all that was said.
        self.media.settimeout(1)
        try:
            back += not back and bool(self.media.recv(2048))
        except TimeoutError:
            pass
        bye = self.transact("BYE", m.contact(), call_id, uri, m.tag("to"))
        return 200, took, back, bye.status if bye else 0


def round_of(phone, stats, since):
    """One second's work: gives what failed, or ""."""
    began = time.monotonic()
    status = phone.register()
    took = time.monotonic() - began
    if status != 200:
        return f"REGISTER {status}", [took]
    invite, setup, back, bye = phone.call("echo")
    if invite != 200 or bye != 200:
        return f"INVITE {invite}, BYE {bye}", [took, setup]
    if not back:
        return "no echo", [took, setup]
    return "", [took, setup]


def work(c):
    """Until it is over. A second in which the parent killed the server does not count;
    one in which the server ended by itself does."""
    shared, stats = c.shared, c.stats
    phone = Phone(settings.CANARY, c.server, "canary", "pw-canary")
    began = time.monotonic()
    while shared.state.value != OVER:
        c.reactor.turn(0.001)
        if not stats["rounds"] and shared.state.value != UP:
            time.sleep(0.05)
            continue
        start, generation, up = time.monotonic(), shared.generation.value, shared.state.value == UP
        bad, took = round_of(phone, stats, began)
        c.reactor.turn(0.001)
        if shared.state.value == OVER:
            break
        meddled = generation != shared.generation.value or not up or shared.state.value != UP
        if meddled and not shared.crashed.value:
            stats["not_counted"] += 1
        else:
            stats["rounds"] += 1
            stats.samples["ms"] += [round(t * 1000, 1) for t in took]
            if bad:
                stats["failed"] += 1
                stats.event("canary", f"after {start - began:.1f} s: {bad}" + (" (the server had ended)" if meddled else ""))
        # The parent's word has to be heard in the rest of the second too.
        while time.monotonic() < start + c.options.canary_gap and shared.state.value != OVER:
            c.reactor.turn(0.05)
    for status, n in phone.statuses.items():
        stats.statuses[status] += n
    c.reactor.turn(0)
