"""A phone made by hand: one call over UDP, with RTP and RTCP as a test likes them."""

import re
import socket
import struct

from sip import Wire

NTP = 2208988800        # seconds from 1900 to 1970


class Caller:
    """Calls EXTEN of SERVER, as an endpoint that is known by its address, and acknowledges."""

    def __init__(self, server, exten, lines="", profile="RTP/AVP"):
        self.wire = Wire(server)
        self.rtp, self.rtcp = pair()
        port = self.rtp.getsockname()[1]
        self.exten = exten
        sdp = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
               f"m=audio {port} {profile} 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n" + lines.replace("{port}", str(port)))
        self.answer = self.wire.ask("INVITE", exten, extra=f"Contact: <sip:x@127.0.0.1:{self.wire.port}>\r\n"
                                    "Content-Type: application/sdp\r\n", body=sdp)
        self.seq, self.sent = 1, 0
        self.at, self.rtp_from = "127.0.0.1", None      # where the server takes RTP, where its own came from
        if self.answer.status == 200:
            self.far = int(re.search(r"^m=audio (\d+)", self.answer.body, re.M).group(1))
            self.in_dialog("ACK")

    def in_dialog(self, method, cseq=1):
        dialog = "".join(f"{name}: {self.answer.headers[name.lower()]}\r\n" for name in ("From", "To", "Call-ID"))
        uri = self.answer.contacts[0]
        self.wire.send((f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{self.wire.port};rport;branch=z9hG4bKd{method}{cseq}"
                        f"{self.wire.port}\r\nMax-Forwards: 70\r\n{dialog}CSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n").encode())

    def bye(self):
        self.in_dialog("BYE", 2)
        return self.wire.receive()

    def speak(self, packets=1, pt=0, payload=bytes(160), ssrc=0x1234):
        for _ in range(packets):
            head = struct.pack("!BBHII", 0x80, pt, self.seq, self.seq * 160, ssrc)
            self.rtp.sendto(head + payload, (self.at, self.far))
            self.seq += 1
            self.sent += 1

    def heard(self):
        packet, self.rtp_from = self.rtp.recvfrom(2048)
        return packet

    def until_heard(self, tries=100):
        """Speak until the echo is there: what comes before the application runs is not sent back."""
        self.rtp.settimeout(0.1)
        for _ in range(tries):
            self.speak()
            try:
                packet = self.heard()
                self.rtp.settimeout(10)
                return packet
            except TimeoutError:
                pass
        raise AssertionError("no echo")

    def report(self, about, lost=0, jitter=0, ssrc=0x1234):
        """A sender report with one block about the SSRC of the server."""
        sr = struct.pack("!BBHIIIIII", 0x81, 200, 12, ssrc, NTP + 77, 0, 4242, self.sent, self.sent * 160)
        block = struct.pack("!IIIIII", about, 3 << 24 | lost, self.seq, jitter, 0, 0)
        sdes = struct.pack("!BBHI", 0x81, 202, 2, ssrc) + b"\x01\x01x\x00"
        self.rtcp.sendto(sr + block + sdes, ("127.0.0.1", self.far + 1))

    def close(self):
        for s in (self.wire, self.rtp, self.rtcp):
            s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def pair():
    """Two sockets, an even port and the next."""
    while True:
        rtp, rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        rtp.bind(("127.0.0.1", 0))
        port = rtp.getsockname()[1]
        try:
            if port % 2 == 0:
                rtcp.bind(("127.0.0.1", port + 1))
                rtp.settimeout(10)
                rtcp.settimeout(10)
                return rtp, rtcp
        except OSError:
            pass
        rtp.close()
        rtcp.close()


def ssrc_of(packet):
    return struct.unpack("!I", packet[8:12])[0]
