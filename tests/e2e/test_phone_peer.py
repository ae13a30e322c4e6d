"""sidetone-ua and a peer that is no server: what the project's server never does, or nobody should."""

import re
import signal
import socket

import pytest
from agent import Agent
from waiting import wait_until

SDP = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
       "a=rtpmap:0 PCMU/8000\r\n")


class Peer:
    """One that is called over UDP."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.settimeout(10)
        self.port = self.sock.getsockname()[1]
        self.there = None

    def take(self, start):
        """The next message that begins so; others are passed over."""
        while True:
            data, self.there = self.sock.recvfrom(65536)
            text = data.decode("utf-8", "replace")
            if text.startswith(start):
                return text

    def send(self, text):
        self.sock.sendto(text if isinstance(text, bytes) else text.encode(), self.there)

    @staticmethod
    def header(message, name):
        return re.search(rf"^{name}: (.*?)\r$", message, re.M | re.I).group(1)

    def answer(self, request, status, extra="", body=""):
        lines = "".join(line + "\r\n" for line in request.split("\r\n") if re.match(r"(Via|From|Call-ID|CSeq):", line))
        to = self.header(request, "To")
        to += "" if "tag=" in to else ";tag=peer"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self.send(f"SIP/2.0 {status}\r\n{lines}To: {to}\r\nContact: <sip:peer@127.0.0.1:{self.port}>\r\n{extra}{kind}"
                  f"Content-Length: {len(body)}\r\n\r\n{body}")

    def accept(self, invite):
        self.answer(invite, "200 OK", body=SDP.format(port=self.port))
        self.take("ACK ")

    def request(self, invite, method, cseq, extra="", body=b""):
        """In the dialog that INVITE made."""
        target = re.search(r"<(.*?)>", self.header(invite, "Contact")).group(1)
        self.send((f"{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bKpeer{method}{cseq}\r\n"
                   f"Max-Forwards: 70\r\nFrom: {self.header(invite, 'To')};tag=peer\r\nTo: {self.header(invite, 'From')}\r\n"
                   f"Call-ID: {self.header(invite, 'Call-ID')}\r\nCSeq: {cseq} {method}\r\nContact: <sip:peer@127.0.0.1:{self.port}>\r\n"
                   f"{extra}Content-Length: {len(body)}\r\n\r\n").encode() + body)


@pytest.fixture
def peer():
    it = Peer()
    yield it
    it.sock.close()


@pytest.fixture
def caller(peer, place):
    made = []

    def make(*words, **kw):
        made.append(Agent(f"{place}/agent{len(made)}", "--server", f"udp:127.0.0.1:{peer.port}", "--uri",
                          f"sip:me@127.0.0.1:{peer.port}", *words, **kw))
        return made[-1]
    yield make
    for agent in made:
        agent.end()


def test_is_transferred(peer, caller):
    """It calls whom a REFER names, with the Replaces that stands there, and tells how that goes."""
    agent = caller("--call", "someone")
    invite = peer.take("INVITE ")
    peer.accept(invite)
    agent.wait("accepted")
    peer.request(invite, "REFER", 1, f"Refer-To: <sip:other@127.0.0.1:{peer.port}?Replaces=abc%3Bto-tag%3D1%3Bfrom-tag%3D2&X-Evil=1>\r\n"
                 "Referred-By: <sip:boss@example.com>\r\n")
    peer.take("SIP/2.0 202")
    second = peer.take("INVITE ")
    assert second.startswith("INVITE sip:other@127.0.0.1")
    assert peer.header(second, "Replaces") == "abc;to-tag=1;from-tag=2"
    assert peer.header(second, "Referred-By") == "<sip:boss@example.com>"
    assert "X-Evil" not in second
    peer.accept(second)
    while "SIP/2.0 200" not in (notify := peer.take("NOTIFY ")):
        peer.answer(notify, "200 OK")
    peer.answer(notify, "200 OK")
    assert peer.header(notify, "Event").startswith("refer")
    peer.request(invite, "BYE", 2)
    agent.wait("terminated", call=1)


def test_a_referrer_adds_no_lines(peer, caller):
    """Headers of Refer-To with line ends in them are left out, the others stay."""
    agent = caller("--call", "someone")
    invite = peer.take("INVITE ")
    peer.accept(invite)
    agent.wait("accepted")
    peer.request(invite, "REFER", 1, f"Refer-To: <sip:other@127.0.0.1:{peer.port}?Replaces=abc%3Bto-tag%3D1%3Bfrom-tag%3D2"
                 "&Subject=a%0D%0AX-Evil%3A%201&Subject=b%0AX-Evil:%202&Subject=c%0DX-Evil:3>\r\n")
    peer.take("SIP/2.0 202")
    second = peer.take("INVITE ")
    assert peer.header(second, "Replaces") == "abc;to-tag=1;from-tag=2"
    assert "Evil" not in second and "Subject" not in second


def test_does_not_follow(peer, caller):
    agent = caller("--call", "someone", "--no-follow")
    invite = peer.take("INVITE ")
    peer.accept(invite)
    agent.wait("accepted")
    peer.request(invite, "REFER", 1, f"Refer-To: <sip:other@127.0.0.1:{peer.port}>\r\n")
    peer.take("SIP/2.0 603")


def test_redirected_refused_and_silent(peer, caller):
    for status, code in (("302 Moved Temporarily", 9), ("600 Busy Everywhere", 3), ("500 Server Error", 13), ("480 Gone", 6)):
        agent = caller("--call", "someone")
        peer.answer(peer.take("INVITE "), status)
        peer.take("ACK ")
        assert agent.end(how=None) == code, status
    agent = caller("--options", "--timeout", "1")
    peer.take("OPTIONS ")
    assert agent.end(how=None) == 5


@pytest.mark.parametrize("more", ([], ["--hold"], ["--transfer", "sip:x@127.0.0.1"]))
def test_interrupted_and_bye_is_not_answered(peer, caller, more):
    """What was due in the call is not done any more when it waits in vain for an answer to BYE."""
    agent = caller("--call", "someone", "--seconds", "1", *more)
    peer.accept(peer.take("INVITE "))
    agent.wait("accepted")
    agent.process.send_signal(signal.SIGINT)
    peer.take("BYE ")
    assert agent.end(how=None) == 130


def test_words_that_command_a_terminal(peer, caller):
    """Neither lines nor JSON hand on what a terminal would obey."""
    evil = "\033]0;title\a \u009b2J \x7f".encode() + b"\x9b"
    for json_lines in (False, True):
        agent = caller("--call", "someone", "--trace", json_lines=json_lines)
        invite = peer.take("INVITE ")
        peer.accept(invite)
        peer.request(invite, "MESSAGE", 1, "Content-Type: text/plain\r\nSubject: x\033[2Jy\r\n", evil)
        peer.take("SIP/2.0 ")
        peer.request(invite, "BYE", 2)
        assert agent.end(how=None) == 0
        with open(agent.out, "rb") as f:
            shown = f.read()
        assert b"title" in shown, shown
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", shown), shown


def test_nonsense_is_survived(peer, caller):
    agent = caller("--call", "someone")
    invite = peer.take("INVITE ")
    peer.accept(invite)
    agent.wait("accepted")
    for junk in (b"\0" * 2000, b"SIP/2.0 ", b"INVITE sip:a SIP/2.0\r\n\r\n", b"\xff" * 60000, b"BYE x\r\nContent-Length: 99999999999\r\n\r\n"):
        peer.send(junk)
    peer.request(invite, "BYE", 2)
    agent.wait("terminated", call=1)
    wait_until(lambda: agent.process.poll() is not None, "it ends")
    assert agent.end(how=None) == 0
