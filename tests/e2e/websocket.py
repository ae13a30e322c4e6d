"""A user agent over WebSocket (RFC 6455, RFC 7118), with and without TLS: what a page does."""

import base64
import hashlib
import itertools
import os
import re
import socket
import ssl

from sip import Answer, credentials

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
SDP = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
       "a=rtpmap:0 PCMU/8000\r\n")
_serial = itertools.count(1)


class Refused(Exception):
    """The server's answer to the handshake."""


class WebSocket:
    """A connection to 127.0.0.1:PORT; `ca` with TLS, verified by that authority; SOURCE: from this address;
    `sock`: over this one."""

    def __init__(self, port, path="/ws", ca=None, origin=None, protocol="sip", seconds=10, source="127.0.0.1", sock=None):
        self.secure = ca is not None
        self.sock = sock or socket.create_connection(("127.0.0.1", port), seconds, (source, 0))
        if ca:
            self.sock = ssl.create_default_context(cafile=ca).wrap_socket(self.sock, server_hostname="localhost")
        self.sock.settimeout(seconds)
        self.upgrade(port, path, origin, protocol)

    def upgrade(self, port, path, origin, protocol):
        self.buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall((f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\n"
                           f"Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                           + (f"Origin: {origin}\r\n" if origin else "")
                           + f"Sec-WebSocket-Protocol: {protocol}\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            self.sock.close()
            raise Refused(head.decode())
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest())
        assert accept in head and b"Sec-WebSocket-Protocol: sip" in head, head

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError("the server closed the connection")
        self.buffer += data

    def take(self, n):
        while len(self.buffer) < n:
            self.fill()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def frame(self, first, payload):
        mask = os.urandom(4)
        n = len(payload)
        head = bytes([first, 0x80 | n]) if n < 126 else bytes([first, 0x80 | 126]) + n.to_bytes(2, "big")
        self.sock.sendall(head + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(payload)))

    def send(self, text):
        self.frame(0x81, text.encode())

    def receive(self):
        """The next message; None when the server closes in order."""
        while True:
            first, n = self.take(2)
            assert not n & 0x80, "a server's frame is not masked"
            if n == 126:
                n = int.from_bytes(self.take(2), "big")
            payload = self.take(n)
            if first & 15 == 8:
                return None
            if first & 15 == 9:
                self.frame(0x8a, payload)
                continue
            assert first in (0x81, 0x82), f"frame {first:#x}"
            return payload.decode()

    def close(self):
        self.sock.close()


class Page:
    """USER's page: a name that no resolver knows, so that only its connection leads to it."""

    def __init__(self, ws, user):
        self.ws, self.user = ws, user
        self.transport = "WSS" if ws.secure else "WS"
        self.host = "df7jal23ls0d.invalid"
        self.contact = f"sip:{user}@{self.host};transport=ws"
        self.waiting = []               # requests that came while an answer was waited for

    def request(self, method, uri, cseq=1, extra="", body="", call_id=None, to_tag="", from_tag=None):
        n = next(_serial)
        self.call_id = call_id or f"page-{os.getpid()}-{n}"
        self.from_tag = from_tag or f"f{n}"
        to = uri if method != "REGISTER" else f"sip:{self.user}@localhost"
        # No Content-Length: the frame says where a message ends (RFC 7118 5).
        self.ws.send(f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{self.transport} {self.host};branch=z9hG4bKpage{n}\r\n"
                     f"Max-Forwards: 70\r\nFrom: <sip:{self.user}@localhost>;tag={self.from_tag}\r\nTo: <{to}>{to_tag}\r\n"
                     f"Call-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\nContact: <{self.contact}>\r\n{extra}\r\n{body}")

    def answer(self):
        """The next final answer."""
        while True:
            text = self.ws.receive()
            assert text is not None, "closed"
            if not text.startswith("SIP/2.0 "):
                self.waiting.append(text)
            elif not text.startswith("SIP/2.0 1"):
                return Answer(text.encode())

    def next_request(self):
        while not self.waiting:
            text = self.ws.receive()
            assert text is not None, "closed"
            if not text.startswith("SIP/2.0 "):
                self.waiting.append(text)
        return self.waiting.pop(0)

    def respond(self, request, status, reason, extra="", body=""):
        copied = re.findall(r"^(?:Via|From|To|Call-ID|CSeq|Record-Route): .*\r\n", request, re.M)
        head = "".join(f"{line[:-2]};tag=page\r\n" if line.startswith("To:") and ";tag=" not in line else line for line in copied)
        self.ws.send(f"SIP/2.0 {status} {reason}\r\n{head}Contact: <{self.contact}>\r\n{extra}\r\n{body}")

    def ask(self, method, uri, password, extra="", body=""):
        """With digest; gives the last answer."""
        self.request(method, uri, extra=extra, body=body)
        first = self.answer()
        if first.status != 401:
            return first
        if method == "INVITE":
            self.ack(uri, first)
        auth = credentials(first, method, uri, self.user, password)
        self.request(method, uri, cseq=2, extra=auth + extra, body=body, call_id=self.call_id, from_tag=self.from_tag)
        return self.answer()

    def ack(self, uri, answer, cseq=1):
        tag = re.search(r";tag=[^;\s]+", answer.headers["to"]).group()
        n = next(_serial)
        via = answer.headers["via"] if answer.status >= 300 else f"SIP/2.0/{self.transport} {self.host};branch=z9hG4bKpage{n}"
        via = re.sub(r";(received|rport)=[^;]*", "", via)
        self.ws.send(f"ACK {uri} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: {answer.headers['from']}\r\n"
                     f"To: {answer.headers['to'].split(';tag')[0]}{tag}\r\nCall-ID: {self.call_id}\r\nCSeq: {cseq} ACK\r\n\r\n")

    def register(self, password, expires=600):
        return self.ask("REGISTER", "sip:localhost", password, extra=f"Expires: {expires}\r\n")
