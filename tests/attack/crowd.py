"""Connections of strangers, thousands at once from many addresses: each opens in one way, does
what its row says, and comes again when it is put out."""

import multiprocessing
import os
import random
import resource
import selectors
import signal
import socket
import ssl
import time

ADDRESSES = 20
TICK = 0.05
REQUEST = (b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n")


def frame(first, payload, length=None):
    """A masked frame (its mask is 0); LENGTH: what its head claims."""
    n = len(payload) if length is None else length
    size = bytes([0x80 | n]) if n < 126 else b"\xfe" + n.to_bytes(2, "big") if n < 65536 else b"\xff" + n.to_bytes(8, "big")
    return bytes([first]) + size + bytes(4) + payload


def client_hello():
    """That of Python's own TLS."""
    context = ssl.create_default_context()
    out = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


HELLO = client_hello()
OPTIONS = ("OPTIONS sip:localhost SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\n"
           "From: <sip:nobody@localhost>;tag=1\r\nTo: <sip:nobody@localhost>\r\nCall-ID: o%d\r\nCSeq: 1 OPTIONS\r\n\r\n")


class Stranger:
    """One connection. A kind is a subclass: `port` names where it goes, `tls` whether it shakes
    hands, `reads` whether it takes what comes; begin() and tick() give what is sent."""

    port, tls, reads = "tls", False, True

    def __init__(self, crowd, number):
        self.crowd, self.number = crowd, number
        self.sock = None
        self.connect()

    def connect(self):
        self.state, self.rest, self.ssl = "connecting", b"", None
        self.step, self.head = 0, b""
        self.sock = socket.socket()
        self.sock.setblocking(False)
        if not self.reads:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            self.sock.bind((f"127.1.0.{1 + self.number % ADDRESSES}", 0))
            self.sock.connect_ex(("127.0.0.1", self.crowd.site[self.port]))
        except OSError:
            self.sock.close()
            self.sock = None
            return
        self.crowd.came += 1
        self.crowd.poll.register(self.sock, selectors.EVENT_WRITE, self)

    def watch(self):
        events = (selectors.EVENT_READ if self.reads or self.state != "open" else 0) | (selectors.EVENT_WRITE if self.rest else 0)
        try:
            self.crowd.poll.modify(self.sock, events or selectors.EVENT_READ, self) if events else \
                self.crowd.poll.unregister(self.sock)
        except KeyError:
            if events:
                self.crowd.poll.register(self.sock, events, self)

    def leave(self, put_out=True):
        if not self.sock:
            return
        self.crowd.out += put_out
        try:
            self.crowd.poll.unregister(self.sock)
        except KeyError:
            pass
        self.sock.close()
        self.sock = None

    # -- what the row says ---------------------------------------------------
    def begin(self):
        return b""

    def opened(self):
        return b""

    def tick(self):
        return b""

    # -- bytes ---------------------------------------------------------------
    def put(self, data):
        if self.ssl and data:
            self.ssl.write(data)
            data = self.outgoing.read()
        self.rest += data
        self.push()

    def push(self):
        if self.rest and self.sock:
            try:
                n = self.sock.send(self.rest)
                self.rest = self.rest[n:]
            except BlockingIOError:
                pass
            except OSError:
                self.leave()

    def shake(self):
        try:
            self.ssl.do_handshake()
            self.state = "asking"
        except ssl.SSLWantReadError:
            pass
        self.rest += self.outgoing.read()
        self.push()
        if self.state == "asking" and self.sock:
            self.put(self.begin())

    def on_connected(self):
        if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.leave(False)
            return
        if self.tls:
            self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.ssl = self.crowd.tls.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
            self.state = "shaking"
            self.shake()
        else:
            self.state = "asking"
            self.put(self.begin())

    def take(self, data):
        if self.ssl:
            self.incoming.write(data)
            if self.state == "shaking":
                self.shake()
                return
            try:
                data = self.ssl.read(65536)
            except ssl.SSLWantReadError:
                return
        if self.state == "asking":
            self.head += data
            if self.head.startswith(b"HTTP/1.1 101"):
                self.crowd.upgraded += 1
                self.state = "open"
                self.put(self.opened())
            elif self.head.startswith(b"HTTP/1.1 "):
                self.crowd.refused += 1

    def event(self, mask):
        if self.state == "connecting":
            self.on_connected()
        elif mask & selectors.EVENT_WRITE:
            self.push()
        if self.sock and mask & selectors.EVENT_READ:
            try:
                data = self.sock.recv(65536)
                if not data:
                    self.leave()
                else:
                    self.take(data)
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
            except (OSError, ssl.SSLError):
                self.leave()
        if self.sock:
            self.watch()


# ---- kinds ------------------------------------------------------------------

class DripTls(Stranger):
    """A byte of its ClientHello at a time."""

    def tick(self):
        self.step += 1
        return HELLO[self.step - 1:self.step]


class HalfTls(Stranger):
    """The server's flight is made for it, and then it says nothing."""

    def begin(self):
        return HELLO


class GarbageTls(Stranger):
    def begin(self):
        return random.choice([os.urandom(200), HELLO[:60] + os.urandom(300), HELLO * 3, b"GET / HTTP/1.1\r\n\r\n",
                              b"\x16\x03\x01\xff\xff" + os.urandom(400)])


class FlightTls(Stranger):
    """Asks for the server's flight, and comes again for the next: each costs a signature."""

    def begin(self):
        return HELLO

    def take(self, data):
        self.leave(False)


class SilentWs(Stranger):
    port = "ws"

    def begin(self):
        return REQUEST


class SilentWss(SilentWs):
    port, tls = "wss", True


class DeafWs(SilentWs):
    """Asks for answers of both kinds, and takes none."""

    reads = False

    def tick(self):
        self.step += 1
        n = self.number * 100000 + self.step
        return frame(0x81, (OPTIONS % (n, n)).encode()) + frame(0x89, b"x" * 125) * 60 if len(self.rest) < 65536 else b""


class DeafWss(DeafWs):
    port, tls = "wss", True


class DeafTls(Stranger):
    """The same over TLS: requests, and pings as RFC 5626 has them."""

    port, tls, reads = "tls", True, False

    def take(self, data):
        if self.state == "shaking":
            super().take(data)

    def tick(self):
        self.step += 1
        n = self.number * 100000 + self.step
        request = (OPTIONS % (n, n)).replace("SIP/2.0/WS", "SIP/2.0/TLS").replace("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n")
        return request.encode() + b"\r\n\r\n" * 4000 if len(self.rest) < 65536 else b""


class LongFrame(SilentWs):
    """A frame whose 64-bit length is a lie, or is more than anybody may send."""

    def opened(self):
        return frame(0x81, b"x" * 100, random.choice([65536, 2 ** 31, 2 ** 40, 2 ** 63 - 1, 2 ** 63 + 5]))


class LateFrame(SilentWs):
    """The longest frame that is allowed, a byte at a time."""

    def opened(self):
        return frame(0x81, b"", 65000)

    def tick(self):
        return b"x" if self.state == "open" else b""


class Fragments(SilentWs):
    """A message in fragments that has no end."""

    def opened(self):
        return frame(0x01, b"OPTIONS sip:")

    def tick(self):
        return frame(0x00, b"x" * random.randrange(200)) if self.state == "open" else b""


class Pings(SilentWs):
    def tick(self):
        return frame(0x89, b"p" * 100) * 500 if self.state == "open" and not self.rest else b""


class PingsWss(Pings):
    port, tls = "wss", True


class SlowLoris(Stranger):
    port = "ws"

    def begin(self):
        return b"GET /ws HTTP/1.1\r\nHost: localhost\r\n"

    def tick(self):
        return b"X-A: b\r\n" if random.random() < 0.1 else b""


class Requests(Stranger):
    """Requests that are refused, again and again on new connections."""

    port = "ws"

    def begin(self):
        return random.choice([b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /ws HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n",
                              b"GET /ws HTTP/1.1\r\n" + b"A: b\r\n" * 100 + b"\r\n", b"\x00" * 500, b"GET " + b"/" * 9000])


KINDS = {c.__name__: c for c in (DripTls, HalfTls, GarbageTls, FlightTls, SilentWs, SilentWss, DeafWs, DeafWss, DeafTls, LongFrame,
                                 LateFrame, Fragments, Pings, PingsWss, SlowLoris, Requests)}


class Crowd:
    """COUNTS: {kind: how many at a time}."""

    def __init__(self, site, counts):
        self.site, self.poll = site, selectors.EpollSelector()
        self.came = self.out = self.upgraded = self.refused = self.most = 0
        self.tls = ssl.create_default_context(cafile=site["ca"])
        self.all, self.waiting = [], [KINDS[k] for k, n in counts.items() for _ in range(n)]
        random.shuffle(self.waiting)

    def fill(self):
        """A few hundred at a time: they come, and come again."""
        for _ in range(min(100, len(self.waiting))):
            self.all.append(self.waiting.pop()(self, len(self.all)))
        again = [s for s in self.all if not s.sock]
        for s in again[:100]:
            s.connect()
        self.most = max(self.most, len(self.all) - len(again))

    def run(self, over):
        tick = time.monotonic()
        while not over.is_set():
            for key, mask in self.poll.select(TICK):
                key.data.event(mask)
            if time.monotonic() < tick:
                continue
            tick = time.monotonic() + TICK
            self.fill()
            for s in self.all:
                if s.sock and s.state not in ("connecting", "shaking"):
                    data = s.tick()
                    if data or s.rest:
                        s.put(data)
                        if s.sock:
                            s.watch()
        for s in self.all:
            s.leave(False)
        return {"connected at once": self.most, "came": self.came, "put out": self.out, "upgraded": self.upgraded,
                "refused": self.refused}


def work(site, counts, over, pipe):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    pipe.send(Crowd(site, counts).run(over))
    pipe.close()


class Crowds:
    """Crowds in processes of their own."""

    def __init__(self, site, *counts):
        context = multiprocessing.get_context("fork")
        self.over, self.running = context.Event(), []
        for c in counts:
            ours, theirs = context.Pipe(False)
            p = context.Process(target=work, args=(site, c, self.over, theirs), daemon=True)
            p.start()
            theirs.close()
            self.running.append((p, ours, c))

    def end(self):
        """[{what each did}]"""
        self.over.set()
        told = []
        for p, pipe, c in self.running:
            try:
                said = pipe.recv() if pipe.poll(30) else {"failed": "did not end"}
            except EOFError:
                said = {"failed": "its process ended"}
            told.append({"+".join(c): said})
            p.join(5)
        return told
