"""The connections of a secure phone or a page, as reactor.Tcp: TLS, WebSocket, both."""

import os
import random
import socket
import ssl

from reactor import Tcp, Udp
from websocket import Refused, WebSocket

TEXT, PING, PONG, CLOSE, LAST = 1, 9, 10, 8, 0x80


class Tls(Tcp):
    """CA: who must have signed the server's certificate."""

    def __init__(self, reactor, ip, server, call, ca):
        self.context = ssl.create_default_context(cafile=ca)
        self.session = None
        super().__init__(reactor, ip, server, call)
        self.protocol = "TLS"

    def dress(self, sock):
        session, self.session = self.session, None
        secure = self.context.wrap_socket(sock, server_hostname="localhost", session=session)
        return secure

    def close(self):
        if self.sock is not None:
            self.session = self.sock.session        # for the next connection
        super().close()


class Ws(Tcp, WebSocket):
    """Messages in frames, now and then in several; pings and pongs between them."""

    def __init__(self, reactor, ip, server, call, ca=None):
        self.context = ssl.create_default_context(cafile=ca) if ca else None
        self.rng = random.Random(f"{ip}:{server}")
        Tcp.__init__(self, reactor, ip, server, call)
        self.protocol = "WSS" if ca else "WS"

    def dress(self, sock):
        self.sock = self.context.wrap_socket(sock, server_hostname="localhost") if self.context else sock
        try:
            self.upgrade(self.server[1], "/ws", None, "sip")
        except Refused as e:
            raise EOFError(str(e)) from None
        finally:
            sock, self.sock = self.sock, None
        self.waiting = self.buffer
        return sock

    def put(self, data):
        if self.rng.random() < 0.1:
            self.frame(LAST | PING, os.urandom(self.rng.randrange(8)))
        cuts = sorted(self.rng.randrange(len(data) + 1) for _ in range(self.rng.choice([0, 0, 0, 0, 1, 3])))
        parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)])]
        for i, part in enumerate(parts):
            self.frame((LAST if i == len(parts) - 1 else 0) | (0 if i else TEXT), part)
            if self.rng.random() < 0.03:
                self.frame(LAST | PONG, b"")

    def take(self):
        while self.sock is not None and len(self.waiting) >= 2:
            head, n = 2, self.waiting[1]
            if n == 126:
                head, n = 4, int.from_bytes(self.waiting[2:4], "big")
            if len(self.waiting) < head + n:
                return
            kind, payload = self.waiting[0] & 15, self.waiting[head:head + n]
            self.waiting = self.waiting[head + n:]
            if kind == CLOSE:
                self.close()
            elif kind == PING:
                self.send_pong(payload)
            elif kind == TEXT:
                self.received += 1
                self.call(payload)

    def send_pong(self, payload):
        try:
            self.sock.settimeout(0.2)
            self.frame(LAST | PONG, payload)
        except OSError:
            self.close()

    def close(self):
        if self.sock is not None and self.rng.random() < 0.5:
            try:
                self.sock.settimeout(0.1)
                self.frame(LAST | CLOSE, b"\x03\xe8")
            except OSError:
                pass
        Tcp.close(self)


KINDS = ("udp", "tcp", "tls", "ws", "wss")


def wire(kind, reactor, ip, options, server, call):
    """A connection of KIND from IP to the server, or a socket."""
    at = {"tls": options.tls, "ws": options.ws, "wss": options.wss}.get(kind)
    if kind == "udp":
        return Udp(reactor, ip, server, call)
    if kind == "tcp":
        return Tcp(reactor, ip, server, call)
    if kind == "tls":
        return Tls(reactor, ip, (server[0], at), call, options.ca)
    return Ws(reactor, ip, (server[0], at), call, options.ca if kind == "wss" else None)


def transport(wire):
    """What a URI says of WIRE."""
    return {"UDP": "", "WSS": ";transport=ws"}.get(wire.protocol, f";transport={wire.protocol.lower()}")


class Halves:
    """Connections that are opened and left half way: a TLS handshake of which only some came, an upgrade
    without its end, a frame that never ends. At most LIMIT at a time."""

    LIMIT = 24

    def __init__(self, reactor, rng, ip, options, server, stats):
        self.reactor, self.rng, self.ip, self.options, self.server, self.stats = reactor, rng, ip, options, server, stats
        self.open = []

    def hello(self):
        """The first flight of a client, cut somewhere."""
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context()
        client = context.wrap_bio(into, out, server_hostname="localhost")
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        data = bytearray(out.read())
        how = self.rng.randrange(4)
        if how == 0:
            return bytes(data[:self.rng.randrange(len(data))])
        if how == 1:
            data[self.rng.randrange(len(data))] ^= 1 << self.rng.randrange(8)
        return bytes(data)

    def upgrade(self):
        text = ("GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n").encode()
        how = self.rng.randrange(5)
        if how == 0:
            return text[:self.rng.randrange(1, len(text))]
        if how == 1:
            return text.replace(b"13", b"12")
        frames = [b"\x81\xfe\x40\x00abcd" + b"x" * 100, b"\x81\x85abcdhello", b"\x81\x05hello", b"\x09\x80abcd", b"\x89\xfe\x01\x00abcd",
                  b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xffabcd", b"\x88\x82abcd\x62\x8b", b"\x80\x80abcd", b"\x01\x80abcd\x01\x80abcd",
                  b"\xf1\x80abcd", b"\x81\x84abcd\x9e\x9d\x9c\x9b"]
        return text + self.rng.choice(frames)

    def begin(self):
        kind = self.rng.choice(["tls", "wss", "ws", "ws"])
        sock = socket.socket()
        try:
            sock.bind((self.ip, 0))
            sock.settimeout(1)
            sock.connect((self.server[0], getattr(self.options, kind)))
            sock.sendall(self.upgrade() if kind == "ws" else self.hello())
        except OSError:
            sock.close()
            return
        self.stats["half_connections"] += 1
        self.open.append(sock)
        self.reactor.at(self.rng.expovariate(1), self.end, sock)

    def run(self):
        """Now and then one more."""
        if len(self.open) < self.LIMIT and not self.reactor.seen:
            self.begin()
        self.reactor.at(self.rng.expovariate(3), self.run)

    def end(self, sock):
        if sock in self.open:
            self.open.remove(sock)
            sock.close()

    def close(self):
        for sock in self.open[:]:
            self.end(sock)
