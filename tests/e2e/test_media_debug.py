"""What whoever looks for a fault in media can see: packets, reports, numbers of a call."""

import ctypes
import os
import re
import socket

import pytest
from conftest import PJSIP
from rtp import Caller, ssrc_of
from server import free_port
from test_manager import MANAGER, Manager
from waiting import steady, wait_until

OPEN = """
[caller](phone)
[local]
type = identify
endpoint = caller
match = 127.0.0.1
"""
PLAN = """
[phones]
exten => 600,1,Answer()
 same => n,Echo()
exten => h,1,Verbose(0,qos: ${RTPAUDIOQOS} / ${RTPAUDIOQOSJITTER} / ${RTPAUDIOQOSLOSS} / ${RTPAUDIOQOSRTT} / ${RTPAUDIOQOSMES})
"""
RTP = "[general]\nrtpstart = 31000\nrtpend = 32999\nrtcpinterval = 500\n"


@pytest.fixture
def server(make_server):
    manager = free_port()
    s = make_server({"pjsip.conf": PJSIP + OPEN, "extensions.conf": PLAN, "rtp.conf": RTP,
                     "manager.conf": MANAGER.replace("{manager}", str(manager))})
    s.manager = manager
    return s.start()


def shown(server, pattern):
    return re.findall(pattern, server.log())


def test_rtp_is_shown_while_it_is_asked_for(server):
    with Caller(server, "600") as phone:
        phone.until_heard()
        assert server.ask("rtp set debug on") == "RTP Packet Debugging Enabled\n"
        phone.speak()
        port = phone.rtp.getsockname()[1]
        server.wait_log(rf"Got  RTP packet from    127\.0\.0\.1:{port} \(type 00, seq {phone.seq - 1:06}, ts {160 * (phone.seq - 1):06}, "
                        r"len 000160\)")
        server.wait_log(rf"Sent RTP packet to      127\.0\.0\.1:{port} \(type 00, seq \d{{6}}, ts \d+, len 000160\)")
        phone.speak(pt=101, payload=bytes([5, 10, 0, 160]))
        server.wait_log(r"Got  RTP RFC2833 from   127\.0\.0\.1:\d+ \(type 101, seq \d{6}, ts \d+, len 000004, mark 0, "
                        r"event 00000005, end 0, duration 00160\)")
        assert server.ask("rtp set debug ip 127.0.0.9") == "RTP Packet Debugging Enabled for address: 127.0.0.9:0\n"
        phone.speak(5)
        assert server.ask(f"rtp set debug ip 127.0.0.1:{port}").startswith("RTP Packet Debugging Enabled for address: 127.0.0.1:")
        phone.speak(payload=bytes(80))
        server.wait_log(r"Got  RTP packet .*len 000080\)")
        assert server.ask("rtp set debug off") == "RTP Packet Debugging Disabled\n"
        phone.speak(payload=bytes(40))
        phone.bye()
        server.wait_log(r"qos: ssrc=")
        assert not shown(server, r"len 000040\)")
        assert len(shown(server, r"Got  RTP packet from .*len 000160")) == 1
    assert "Lookup failed for 'nowhere'" in server.console("rtp set debug ip nowhere")[1]
    assert "Usage" in server.console("rtp set debug maybe")[1]


def test_reports_are_shown_and_told(server):
    events = Manager(server.manager)
    with Caller(server, "600") as phone:
        assert server.ask("rtcp set debug on") == "RTCP Packet Debugging Enabled\n"
        assert server.ask("rtcp set stats on") == "RTCP Stats Enabled\n"
        ssrc = ssrc_of(phone.until_heard())
        phone.report(ssrc, lost=2, jitter=80)
        server.wait_log(r"PT: 200 \(Sender Report\)")
        server.wait_log(rf"SPC: {phone.sent}.*SOC: {160 * phone.sent}")
        server.wait_log(r"Packets lost so far: 2")
        server.wait_log(r"Interarrival jitter \(secs\): 0\.010000")
        server.wait_log(r"\* Sent RTCP SR to 127\.0\.0\.1:\d+")
        server.wait_log(r"heard from 127\.0\.0\.1:\d+: lost 2, fraction 3/256, jitter 80, RTT 0\.0000, MES \d\d\.\d")
        rows = server.ask("pjsip show channelstats")
        assert re.search(rf"^ +caller-[\da-f]{{8}} +00:00:\d\d ulaw +{phone.sent}  +0    0   0\.\d{{3}} +\d+  +2  +\d+   0\.010   0\.000$",
                         rows, re.M), rows
        got = ""
        while not re.search(r"Event: RTCPReceived\r\n", got) or not re.search(r"Event: RTCPSent\r\n", got):
            got += events.s.recv(65536).decode()
        received = re.search(r"Event: RTCPReceived\r\n(.*?)\r\n\r\n", got + events.ask("Ping"), re.S).group(1)
        for line in ("Channel: PJSIP/caller-", f"From: 127.0.0.1:{phone.rtcp.getsockname()[1]}", f"To: 127.0.0.1:{phone.far + 1}",
                     "RTT: 0.0000", "MES: ", "SSRC: 0x00001234", "PT: 200(SR)", "ReportCount: 1", "SentNTP: 77.000000",
                     "SentRTP: 4242", f"SentPackets: {phone.sent}", f"SentOctets: {160 * phone.sent}", "Report0FractionLost: 3", "Report0CumulativeLost: 2",
                     "Report0IAJitter: 80", "Report0DLSR: 0.0000"):
            assert line in received, (line, received)
        phone.bye()
    # All that was measured is there for the dialplan as soon as the peer has hung up.
    line = server.wait_log(r"qos: (.*)").group(1)
    assert re.search(r"^ssrc=\d+;themssrc=4660;lp=0;rxjitter=[\d.]+;rxcount=\d+;txjitter=0\.010000;txcount=\d+;rlp=2;rtt=0\.000000;"
                     r"rxmes=[\d.]+;txmes=[\d.]+ / minrxjitter=.*;maxtxjitter=000\.010000;", line), line
    assert "maxtxlost=002.000000;" in line and "     maxrtt=000.000000;" in line and "   avgtxmes=0" in line, line
    wait_until(lambda: "Variable: RTPAUDIOQOS\r\n" in events.ask("Ping"), "the variable is told")


def test_debug_categories(server):
    out = server.console("core set debug category ice rubbish")[1]
    assert "There is no category 'rubbish'. The categories are rtp rtp_packet" in out
    assert server.ask("core set debug category rtp_packet ice:2") == ""
    with Caller(server, "600") as phone:
        phone.until_heard()
        server.wait_log(r"Got  RTP packet from")
        assert server.ask("core set debug category off") == ""
        phone.until_heard()
        before = steady(lambda: len(shown(server, r"Got  RTP packet from")), "what was on its way to the log is there")
        phone.speak(10)
        for _ in range(10):
            phone.heard()
        phone.bye()
        server.wait_log(r"qos: ssrc=")
        assert len(shown(server, r"Got  RTP packet from")) == before
    assert server.ask("stun set debug on") == "STUN Debugging Enabled\n"
    assert server.ask("stun set debug off") == "STUN Debugging Disabled\n"
    assert server.ask("stun show status").startswith("Hostname                  Port  Period  Retries  Status")


# Noise over the whole port: nothing of it costs the media threads an event, and the log says what is missing.
def test_a_flood_is_cut_in_the_log(server):
    with Caller(server, "600") as phone:
        phone.until_heard()
        server.ask("rtp set debug on")
        for _ in range(20):
            phone.speak(500)
        server.wait_log(r"\d+ packets are not shown here: at most 2000 a second are")
        server.ask("rtp set debug off")
        phone.bye()
        server.wait_log(r"qos: ssrc=")


def no_check(server, port):
    """SO_NO_CHECK of the server's UDP socket at PORT, by a copy of its descriptor."""
    pid = server.process.pid
    handle = os.pidfd_open(pid)
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                continue
            fd = ctypes.CDLL(None, use_errno=True).syscall(438, handle, int(name), 0)      # pidfd_getfd
            assert fd >= 0, os.strerror(ctypes.get_errno())
            with socket.socket(fileno=fd) as s:
                if s.type == socket.SOCK_DGRAM and s.family == socket.AF_INET and s.getsockname()[1] == port:
                    return s.getsockopt(socket.SOL_SOCKET, 11)
    finally:
        os.close(handle)
    raise AssertionError("no such socket")


def test_rtpchecksums(server):
    """rtp.conf rtpchecksums, at the start and after a reload."""
    for checksums, unchecked in (("yes", 0), ("no", 1), ("yes", 0)):
        server.write("rtp.conf", RTP + f"rtpchecksums = {checksums}\n")
        server.ask("module reload res_rtp_asterisk.so")
        assert f"Checksums:       {checksums.title()}" in server.ask("rtp show settings")
        with Caller(server, "600") as phone:
            phone.until_heard()
            assert no_check(server, phone.far) == unchecked
            phone.bye()
