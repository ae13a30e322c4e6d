"""Calls that must go over a relay: coturn, asked over UDP and over TCP, by the server and by the phone. In a network
namespace, whose routing lets no packet pass between the ports of the server's media and the phones'."""

import os
import re
import subprocess
import sys

import pytest
from conftest import ACCOUNT, PJSIP
from server import need
from test_ice import HOST, INSIDE, SETUP, At, inside
from turn import PASSWORD, RELAYS, USER, Coturn
from waiting import wait_until

PORT = 3478
SERVER_MEDIA, PHONE_MEDIA = "31000-32999", "33000-33999"


@pytest.mark.skipif(INSIDE, reason="this is the namespace")
def test_in_a_namespace():
    need("baresip")
    need("turnserver")
    if subprocess.run(["unshare", "-rn", "true"], check=False).returncode:
        pytest.skip("no network namespaces here")
    run = subprocess.run(["unshare", "-rn", "sh", "-c", SETUP, "sh", sys.executable, "-m", "pytest", "-q", "-x", __file__],
                         env={**os.environ, "ICE_TEST_NAMESPACE": "1"}, capture_output=True, text=True, timeout=240,
                         check=False)
    assert run.returncode == 0, run.stdout[-8000:]
    assert "passed" in run.stdout, run.stdout


def rule(priority, *words):
    subprocess.run(["ip", "rule", "add", "pref", str(priority), *words], check=True)


@pytest.fixture
def apart():
    """No packet between server and phones but by a relay."""
    rule(100, "lookup", "local")
    subprocess.run(["ip", "rule", "del", "pref", "0"], check=True)
    rule(1, "ipproto", "udp", "sport", SERVER_MEDIA, "dport", PHONE_MEDIA, "prohibit")
    rule(2, "ipproto", "udp", "sport", PHONE_MEDIA, "dport", SERVER_MEDIA, "prohibit")
    yield
    rule(0, "lookup", "local")
    for priority in ("1", "2", "3", "100"):
        subprocess.run(["ip", "rule", "del", "pref", priority], check=False, stderr=subprocess.DEVNULL)


@pytest.fixture
def coturn(apart, place):
    it = Coturn(place, HOST, PORT)
    yield it
    it.close()


def start(make_server, turnaddr):
    text = PJSIP.replace("127.0.0.1", HOST).replace("rtp_symmetric = yes", "rtp_symmetric = yes\nice_support = yes")
    text += "".join(ACCOUNT.format(user=u, password=p) for u, p in (("1001", "one"), ("1002", "two")))
    rtp = "[general]\nrtpstart = 31000\nrtpend = 32999\n"
    if turnaddr:
        rtp += f"turnaddr = {turnaddr}\nturnusername = {USER}\nturnpassword = {PASSWORD}\n"
    return make_server({"pjsip.conf": text, "rtp.conf": rtp}).start()


def phone(make_phone, server, user, password, hertz, account=""):
    it = make_phone(At(server), user, password, hertz=hertz, interface="d0", modules=("stun", "turn", "ice"),
                    account=";medianat=ice" + account)
    assert it.register_outcome() == "200 OK"
    return it


def calls_both_ways(server, one, two):
    """The phone calls and hears itself; another phone calls it, and each hears the other."""
    one.dial(f"sip:600@{HOST}:{server.port}")
    one.wait_event("CALL_ESTABLISHED")
    one.wait_hears(one.hertz, seconds=20)
    one.hang_up()
    wait_until(lambda: "0 active channels" in server.ask("core show channels"), "all channels are gone")
    two.dial(f"sip:1001@{HOST}:{server.port}")
    one.wait_event("CALL_INCOMING")
    one.accept()
    two.wait_event("CALL_ESTABLISHED")
    one.wait_hears(two.hertz, seconds=20)
    two.wait_hears(one.hertz, seconds=20)
    two.hang_up()
    wait_until(lambda: "0 active channels" in server.ask("core show channels"), "all channels are gone")


@inside
@pytest.mark.parametrize("transport", ["?transport=udp", "?transport=tcp", r"\;transport=tcp"])
def test_the_server_has_a_relay(coturn, make_server, make_phone, transport):
    server = start(make_server, f"{HOST}:{PORT}{transport}")
    one = phone(make_phone, server, "1001", "one", 440)
    two = phone(make_phone, server, "1002", "two", 1000)
    calls_both_ways(server, one, two)
    assert coturn.asked() and bool(coturn.connections()) == transport.endswith("tcp")


@inside
def test_no_datagram_reaches_the_relay(coturn, make_server, make_phone):
    """A firewall lets only TCP out: found without being told."""
    rule(3, "ipproto", "udp", "dport", str(PORT), "prohibit")
    server = start(make_server, f"{HOST}:{PORT}")
    one = phone(make_phone, server, "1001", "one", 440)
    two = phone(make_phone, server, "1002", "two", 1000)
    calls_both_ways(server, one, two)
    assert coturn.connections()


@inside
def test_the_phone_has_a_relay(coturn, make_server, make_phone):
    server = start(make_server, "")
    turn = f';stunserver="turn:{HOST}:{PORT}";stunuser={USER};stunpass={PASSWORD}'
    one = phone(make_phone, server, "1001", "one", 440, turn)
    two = phone(make_phone, server, "1002", "two", 1000, turn)
    calls_both_ways(server, one, two)
    assert coturn.asked() and not coturn.connections()


@inside
def test_hold_names_the_relay(coturn, make_server, make_phone):
    """Once the relay is chosen, m= and c= say so (RFC 8839 section 4.4.1.2.2): the phone sends there when it resumes."""
    server = start(make_server, f"{HOST}:{PORT}?transport=tcp")
    one = phone(make_phone, server, "1001", "one", 440)
    one.dial(f"sip:600@{HOST}:{server.port}")
    one.wait_event("CALL_ESTABLISHED")
    one.wait_hears(440, seconds=20)
    one.send("hold")
    one.send("resume")
    wait_until(lambda: len(answers(one)) == 3, "all are answered")
    assert RELAYS[0] <= int(answers(one)[-1]) <= RELAYS[1]
    received = int(re.search(r"rcvd=(\d+)", one.send("audio_debug")).group(1))
    wait_until(lambda: int(re.search(r"rcvd=(\d+)", one.send("audio_debug")).group(1)) > received + 50, "its voice is back")
    one.hang_up()


def answers(phone):
    """The port in each SDP of the server's."""
    return re.findall(r"^s=Asterisk\s.*?^m=audio (\d+)", phone.trace(), re.M | re.S)
