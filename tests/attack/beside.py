"""The phones beside an attack: each in a process of its own registers again and again, calls now
and then, and connects anew, over UDP, TLS or WSS. What they get is what everybody would get."""

import multiprocessing
import re
import signal
import socket
import ssl
import time

from canary import PATIENCE
from sipmsg import Message, authorize, simple_sdp
from websocket import WebSocket

PAUSE = 0.01            # [s] between two requests of a phone
CALL_EVERY, CONNECT_EVERY = 8, 40
T1 = 0.5


class Udp:
    name, again = "UDP", True

    def __init__(self, site, ip):
        self.ip = ip
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ip, 0))
        self.sock.connect(("127.0.0.1", site["udp"]))
        self.port = self.sock.getsockname()[1]

    def send(self, data):
        self.sock.send(data)

    def receive(self, seconds):
        self.sock.settimeout(max(0.001, seconds))
        return self.sock.recv(65536)

    def close(self):
        self.sock.close()


def connect(site, ip, port):
    s = socket.socket()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.bind((ip, 0))
    s.settimeout(PATIENCE)
    s.connect(("127.0.0.1", port))
    return s


def wrapped(site, sock):
    return ssl.create_default_context(cafile=site["ca"]).wrap_socket(sock, server_hostname="localhost")


class Tls:
    name, again = "TLS", False

    def __init__(self, site, ip):
        self.ip, self.buffer = ip, b""
        self.sock = wrapped(site, connect(site, ip, site["tls"]))
        self.port = self.sock.getsockname()[1]

    def send(self, data):
        self.sock.sendall(data)

    def receive(self, seconds):
        self.sock.settimeout(max(0.001, seconds))
        while True:
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            length = int(re.search(rb"(?i)content-length:\s*(\d+)", head).group(1)) if end else 0
            if end and len(rest) >= length:
                self.buffer = rest[length:]
                return head + end + rest[:length]
            data = self.sock.recv(65536)
            if not data:
                raise EOFError("the connection was closed")
            self.buffer += data

    def close(self):
        self.sock.close()


class Wss:
    name, again = "WSS", False

    def __init__(self, site, ip):
        self.ip = ip
        self.ws = WebSocket(site["wss"], sock=wrapped(site, connect(site, ip, site["wss"])))
        self.port = self.ws.sock.getsockname()[1]

    def send(self, data):
        self.ws.frame(0x81, data)

    def receive(self, seconds):
        self.ws.sock.settimeout(max(0.001, seconds))
        text = self.ws.receive()
        if text is None:
            raise EOFError("the WebSocket was closed")
        return text.encode()

    def close(self):
        self.ws.close()


LINKS = {"udp": Udp, "tls": Tls, "wss": Wss}


class Phone:
    """USER over a link of KIND. Each function gives whether it was served."""

    def __init__(self, site, kind, ip, user):
        self.site, self.kind, self.ip, self.user = site, kind, ip, user
        self.link, self.challenge, self.counts = None, None, {}
        self.serial = time.time_ns()
        self.media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.media.bind((ip, 0))
        self.media.settimeout(0.02)
        self.ms, self.faults = [], []

    def timed(self, what, work):
        began = time.monotonic()
        try:
            said = work()
        except (OSError, EOFError, AssertionError, AttributeError, ValueError) as e:
            said = f"{type(e).__name__} {e}"
        self.ms.append(1000 * (time.monotonic() - began))
        if said:
            self.faults.append(f"{self.kind} {what}: {said}")
            self.drop()
        return not said

    def drop(self):
        if self.link and self.kind != "udp":
            self.link.close()
            self.link = None

    def open(self):
        self.link = LINKS[self.kind](self.site, self.ip)
        return ""

    def message(self, method, uri, call_id, to, cseq, extra, body, branch=None):
        self.serial += 1
        branch = branch or f"z9hG4bK{self.serial:x}"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{self.link.name} {self.ip}:{self.link.port};branch={branch};rport\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:{self.user}@localhost>;tag=f\r\nTo: {to}\r\nCall-ID: {call_id}\r\n"
                f"CSeq: {cseq} {method}\r\nContact: <sip:{self.user}@{self.ip}:{self.link.port}>\r\n{extra}{kind}"
                f"Content-Length: {len(body)}\r\n\r\n{body}").encode(), branch

    def final(self, data, branch):
        """The final answer to what is sent; over UDP it is sent again as RFC 3261 asks."""
        end, gap = time.monotonic() + PATIENCE, T1
        self.link.send(data)
        again = time.monotonic() + gap
        while time.monotonic() < end:
            try:
                m = Message(self.link.receive((min(again, end) if self.link.again else end) - time.monotonic()))
            except TimeoutError:
                if self.link.again and time.monotonic() >= again:
                    self.link.send(data)
                    gap *= 2
                    again = time.monotonic() + gap
                continue
            if m.status >= 200 and m.branch() == branch:
                return m
        return None

    def ask(self, method, uri, call_id, to, cseq, extra="", body=""):
        for _ in range(2):
            proof = authorize(self.user, f"pw-{self.user}", method, uri, self.challenge, self.counts) if self.challenge else ""
            data, branch = self.message(method, uri, call_id, to, cseq, extra + proof, body)
            m = self.final(data, branch)
            if m is None or m.status != 401:
                break
            if method == "INVITE":
                self.link.send(self.message("ACK", uri, call_id, m.one("to"), cseq, "", "", branch)[0])
            self.challenge, cseq = m, cseq + 1
        return m, cseq

    def register(self):
        m, self.cseq = self.ask("REGISTER", "sip:localhost", f"r{self.ip}", f"<sip:{self.user}@localhost>",
                                getattr(self, "cseq", 0) + 1, "Expires: 60\r\n")
        return "" if m and m.status == 200 else f"status {m and m.status}"

    def call(self):
        """A call to the echo, some packets, and its end."""
        uri, self.serial = "sip:echo@localhost", self.serial + 1
        call_id = f"c{self.serial:x}"
        m, cseq = self.ask("INVITE", uri, call_id, f"<{uri}>", 1, "", simple_sdp(self.ip, self.media.getsockname()[1], (0,)))
        if not m or m.status != 200:
            return f"status {m and m.status}"
        self.up = (uri, call_id, m, cseq)
        return ""

    def hear(self):
        """A call that is up hears itself within a second; "" when it did."""
        _, call_id, m, cseq = self.up
        self.link.send(self.message("ACK", m.contact(), call_id, m.one("to"), cseq, "", "")[0])
        to = ("127.0.0.1", m.media()[0][1])
        for i in range(50):
            self.media.sendto(b"\x80\x00" + bytes([0, i]) + bytes(8) + b"\x55" * 160, to)
            try:
                if len(self.media.recv(2048)) == 172:
                    return ""
            except TimeoutError:
                pass
        return "no echo"

    def hang_up(self):
        _, call_id, m, cseq = self.up
        m, _ = self.ask("BYE", m.contact(), call_id, m.one("to"), cseq + 1)
        return "" if m and m.status == 200 else f"BYE {m and m.status}"

    def round(self, n):
        if self.link is None or (n % CONNECT_EVERY == 0 and self.kind != "udp"):
            self.drop()
            if not self.timed("connect", self.open):
                time.sleep(0.1)
                return
        if n % CALL_EVERY == 0 and self.challenge:
            if self.timed("INVITE", self.call):
                said = self.hear()
                if self.timed("BYE", self.hang_up) and said:
                    self.faults.append(f"{self.kind} call: {said}")
        else:
            self.timed("REGISTER", self.register)


def work(site, kind, ip, user, over, pipe):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    phone, n = Phone(site, kind, ip, user), 0
    while not over.is_set():
        phone.round(n)
        n += 1
        time.sleep(PAUSE)
    pipe.send((phone.ms, phone.faults))
    pipe.close()


class Beside:
    """The phones of one attack."""

    def __init__(self, site):
        context = multiprocessing.get_context("fork")
        self.over, self.running = context.Event(), []
        for i, kind in enumerate(LINKS):
            ours, theirs = context.Pipe(False)
            p = context.Process(target=work, args=(site, kind, f"127.0.0.{101 + i}", f"p{i}", self.over, theirs),
                                daemon=True)
            p.start()
            theirs.close()
            self.running.append((p, ours))

    def end(self):
        """(all times in ms, all faults)"""
        self.over.set()
        ms, faults = [], []
        for p, pipe in self.running:
            try:
                some = pipe.recv() if pipe.poll(30) else ([], ["a phone's process did not end"])
            except EOFError:
                some = ([], ["a phone's process failed"])
            ms += some[0]
            faults += some[1]
            p.join(5)
        return ms, faults
