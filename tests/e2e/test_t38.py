"""A call between two machines that becomes a fax call over T.38: real sockets, udptl.conf, what is lost on the way."""

import re
import socket

import pytest
from conftest import PJSIP
from server import free_port
from test_media_debug import no_check

LEGS = """
[fax](!,phone)
t38_udptl = yes
[alice](fax)
t38_udptl_nat = yes
[alice]
type = identify
endpoint = alice
match = 127.0.0.2
[bob](fax)
t38_udptl_ec = redundancy
aors = bob
[bob]
type = aor
contact = sip:bob@127.0.0.3:{bob}
[bob]
type = identify
endpoint = bob
match = 127.0.0.3
"""
PLAN = "[phones]\nexten => 700,1,Dial(PJSIP/bob)\n"
SOUND = "m=audio {port} RTP/AVP 0\r\n"
IMAGE = "m=image {port} udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxMaxDatagram:1400\r\n"


class Machine:
    """One leg at ADDRESS: says its part of SIP, and has a socket for media."""

    def __init__(self, server, address, port=0):
        self.server, self.address = server, address
        self.sip, self.media = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for s, p in ((self.sip, port), (self.media, 0)):
            s.bind((address, p))
            s.settimeout(10)
        self.dialog = self.far = None

    def sdp(self, line):
        return (f"v=0\r\no=- 1 1 IN IP4 {self.address}\r\ns=-\r\nc=IN IP4 {self.address}\r\nt=0 0\r\n"
                + line.replace("{port}", str(self.media.getsockname()[1])))

    def send(self, head, line=None):
        body = self.sdp(line) if line else ""
        kind = "Content-Type: application/sdp\r\n" if line else ""
        self.sip.sendto(f"{head}{kind}Content-Length: {len(body)}\r\n\r\n{body}".encode(), ("127.0.0.1", self.server.port))

    def expect(self, pattern):
        """The next message whose first line fits; others are passed over."""
        while True:
            text = self.sip.recv(65536).decode()
            if re.match(pattern, text):
                m = re.search(r"^m=\S+ (\d+)", text, re.M)
                self.far = int(m.group(1)) if m else self.far
                return text

    def ask(self, method, cseq, line=None, to="", call="fax-1", uri="700@127.0.0.1"):
        contact = f"Contact: <sip:x@{self.address}:{self.sip.getsockname()[1]}>\r\n"
        self.send(f"{method} sip:{uri} SIP/2.0\r\nVia: SIP/2.0/UDP {self.address}:{self.sip.getsockname()[1]};"
                  f"branch=z9hG4bKf{method}{cseq}\r\nMax-Forwards: 70\r\nFrom: <sip:a@x>;tag=a\r\nTo: <sip:700@x>{to}\r\n"
                  f"Call-ID: {call}\r\nCSeq: {cseq} {method}\r\n{contact}", line)

    def answer(self, request, line):
        copied = "".join(f"{m.group(0)}\r\n" for m in re.finditer(r"^(Via|From|Call-ID|CSeq): [^\r]*", request, re.M))
        to = re.search(r"^To: [^\r]*", request, re.M).group(0)
        self.send(f"SIP/2.0 200 OK\r\n{copied}{to}{'' if ';tag=' in to else ';tag=b'}\r\n"
                  f"Contact: <sip:bob@{self.address}:{self.sip.getsockname()[1]}>\r\n", line)

    def fax(self, data):
        self.media.sendto(data, ("127.0.0.1", self.far))

    def got(self):
        return self.media.recv(2048)

    def close(self):
        self.sip.close()
        self.media.close()


@pytest.fixture
def call(make_server, request):
    """Alice and bob, who have just become fax machines; the server's UDPTL ports are these. The parameter: more of udptl.conf."""
    port, first = free_port(), free_port() | 1
    files = {"pjsip.conf": PJSIP + LEGS.replace("{bob}", str(port)), "extensions.conf": PLAN,
             "udptl.conf": f"[general]\nudptlstart = {first}\nudptlend = {first + 8}\nudptlfecentries = 1\nuse_even_ports = yes\n"
             + getattr(request, "param", "")}
    server = make_server(files).start()
    alice, bob = Machine(server, "127.0.0.2"), Machine(server, "127.0.0.3", port)
    alice.ask("INVITE", 1, SOUND)
    bob.answer(bob.expect("INVITE "), SOUND)
    to = re.search(r"^To: [^;]*(;tag=\S+)", alice.expect("SIP/2.0 200"), re.M).group(1)
    alice.ask("ACK", 1, to=to)
    alice.ask("INVITE", 2, IMAGE, to=to)
    bob.offer = bob.expect("INVITE ")
    bob.answer(bob.offer, IMAGE + "a=T38FaxUdpEC:t38UDPRedundancy\r\n")
    alice.expect("SIP/2.0 200")
    alice.ask("ACK", 2, to=to)
    yield server, alice, bob, range(first, first + 9)
    alice.ask("BYE", 3, to=to)
    alice.close()
    bob.close()


def test_fax_between_two_machines(call):
    server, alice, bob, ports = call
    assert no_check(server, alice.far) == 0
    for leg in (alice, bob):
        assert leg.far in ports and leg.far % 2 == 0
    assert "a=T38FaxUdpEC:t38UDPRedundancy" in bob.offer
    alice.fax(b"\x00\x00\x01\x06\x00\x00")
    assert bob.got() == b"\x00\x00\x01\x06\x00\x00"
    # Bob has one copy in each of ours (udptlfecentries), alice none.
    alice.fax(b"\x00\x01\x01\x07\x00\x00")
    assert bob.got() == b"\x00\x01\x01\x07\x00\x01\x01\x06"
    alice.fax(b"\x00\x02\x01\x08\x00\x00")
    assert bob.got() == b"\x00\x02\x01\x08\x00\x01\x01\x07"
    # His number 1 is lost, and comes back with number 2.
    bob.fax(b"\x00\x00\x01\x0a\x00\x00")
    assert alice.got() == b"\x00\x00\x01\x0a\x00\x00"
    bob.fax(b"\x00\x02\x01\x0c\x00\x01\x01\x0b")
    assert [alice.got(), alice.got()] == [b"\x00\x01\x01\x0b\x00\x00", b"\x00\x02\x01\x0c\x00\x00"]
    # Nonsense changes nothing.
    for junk in (b"", b"\x00", b"\x00\x03\xff\xff", b"\x00\x03\x05\x06\x00\x00", bytes(1500)):
        alice.fax(junk)
    alice.fax(b"\x00\x03\x01\x09\x00\x00")
    assert bob.got() == b"\x00\x03\x01\x09\x00\x01\x01\x08"


@pytest.mark.parametrize("call", ["udptlchecksums = no\n"], indirect=True)
def test_packets_are_shown(call):
    server, alice, bob, _ = call
    assert "udptlchecksums: No\n" in server.ask("udptl show config")
    assert no_check(server, alice.far) == no_check(server, bob.far) == 1
    assert server.ask("udptl set debug ip 127.0.0.2") == "UDPTL Debugging Enabled for IP: 127.0.0.2:0\n"
    alice.fax(b"\x00\x00\x01\x06\x00\x00")
    server.wait_log(r"UDPTL: packet from 127\.0\.0\.2:\d+ \(seq 0, len 6\)")
    assert not re.search(r"UDPTL: packet to 127\.0\.0\.3", server.log())
    assert server.ask("udptl set debug on") == "UDPTL Debugging Enabled\n"
    alice.fax(b"\x00\x01\x01\x06\x00\x00")
    server.wait_log(r"UDPTL: packet to 127\.0\.0\.3:\d+ \(seq 1, len 8\)")
    assert server.ask("udptl set debug off") == "UDPTL Debugging Disabled\n"
    assert "udptlfecentries: 1\n" in server.ask("udptl show config")
    assert bob.got()


def test_back_to_where_it_comes_from(call):
    """Both send from elsewhere than they said: alice, with t38_udptl_nat, is answered there, and bob is not."""
    _, alice, bob, _ = call
    said = alice.media, bob.media
    alice.media, bob.media = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for leg in (alice, bob):
        leg.media.bind((leg.address, 0))
        leg.media.settimeout(10)
    alice.fax(b"\x00\x00\x01\x06\x00\x00")
    assert said[1].recv(2048) == b"\x00\x00\x01\x06\x00\x00"
    bob.fax(b"\x00\x00\x01\x0a\x00\x00")
    assert alice.got() == b"\x00\x00\x01\x0a\x00\x00"
    for s in said:
        s.close()
