"""Host names in identify sections."""

import re

import pytest

from names import Names
from rtp import Caller
from server import run_checked
from sip import Wire
from waiting import wait_until

PJSIP = """
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{port}
[trunk]
type = endpoint
context = trunk
allow = !all,ulaw
[trunk]
type = identify
endpoint = trunk
match = trunk.test
"""
EXTENSIONS = """
[trunk]
exten => 100,1,Hangup(17)
"""


@pytest.fixture(name="names")
def fixture_names():
    names = Names()
    yield names
    names.close()


def call(server):
    with Wire(server) as wire:
        return wire.ask("INVITE", "100", extra=f"Contact: <sip:a@127.0.0.1:{wire.port}>\r\n").status


def test_a_reload_keeps_what_was_found(make_server, names):
    """A name server that is away at a reload shuts no trunk out."""
    names.addresses["trunk.test"] = "127.0.0.1"
    server = make_server({"pjsip.conf": PJSIP, "extensions.conf": EXTENSIONS,
                          "resolver_unbound.conf": f"[general]\nnameserver = 127.0.0.1@{names.port}\nresolv =\n"}).start()
    wait_until(lambda: call(server) == 486, server.log)
    del names.addresses["trunk.test"]
    asked = names.asked
    server.write("pjsip.conf", PJSIP + "[other]\ntype = endpoint\nallow = ulaw\n")
    server.ask("module reload res_pjsip.so")
    wait_until(lambda: names.asked > asked, "the name is asked for again")
    wait_until(lambda: "last addresses still match" in server.log(), server.log)
    assert call(server) == 486
    server.write("pjsip.conf", PJSIP.replace("trunk.test", "127.0.0.9"))
    server.ask("module reload res_pjsip.so")
    wait_until(lambda: call(server) == 401, server.log)


MEDIA = """
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{port}
{transport}
[caller]
type = endpoint
context = trunk
allow = !all,ulaw
{endpoint}
[caller]
type = identify
endpoint = caller
match = 127.0.0.1
"""
ECHO = """
[trunk]
exten => 600,1,Answer()
 same => n,Echo()
"""


def media_server(make_server, names, transport="", endpoint=""):
    conf = MEDIA.replace("{transport}", transport).replace("{endpoint}", endpoint)
    return make_server({"pjsip.conf": conf, "extensions.conf": ECHO,
                        "resolver_unbound.conf": f"[general]\nnameserver = 127.0.0.1@{names.port}\nresolv =\n"})


def shown(server):
    """The address that the answer's SDP names."""
    with Caller(server, "600") as phone:
        address = re.search(r"^c=IN IP4 (\S+)\r$", phone.answer.body, re.M).group(1)
        phone.bye()
        return address


@pytest.mark.parametrize("where", ["endpoint", "transport"])
def test_media_address_by_name(make_server, names, where):
    """It is looked up aside, also by a reload; of one that is not there the log tells once."""
    option = {"endpoint": "media_address = {}", "transport": "external_media_address = {}\nallow_reload = yes"}[where]
    server = media_server(make_server, names, **{where: option.format("missing.test")}).start()
    server.wait_log(rf"{option.split()[0]} of {where} '\w+': 'missing.test' has no address; until it has, SDP names")
    assert shown(server) == "127.0.0.1"
    names.addresses["media.test"] = "127.0.0.7"
    with open(f"{server.dir}/etc/pjsip.conf", encoding="utf-8") as f:
        text = f.read()
    server.write("pjsip.conf", text.replace("missing.test", "media.test"))
    server.ask("module reload res_pjsip.so")
    wait_until(lambda: shown(server) == "127.0.0.7", server.log)
    # A name server that is away changes nothing.
    del names.addresses["media.test"]
    with open(f"{server.dir}/etc/pjsip.conf", "a", encoding="utf-8") as f:
        f.write("[other]\ntype = endpoint\nallow = ulaw\n")
    server.ask("module reload res_pjsip.so")
    server.wait_log(r"'media.test' has no address; its last one stays in use")
    assert shown(server) == "127.0.0.7"


def test_media_bound_to_a_name(make_server, names):
    """bind_rtp_to_media_address: what is sent comes from that address, and only there it is taken."""
    names.addresses["media.test"] = "127.0.0.7"
    server = media_server(make_server, names, endpoint="media_address = media.test\nbind_rtp_to_media_address = yes").start()
    wait_until(lambda: shown(server) == "127.0.0.7", server.log)
    with Caller(server, "600") as phone:
        phone.at = "127.0.0.7"
        phone.until_heard()
        assert phone.rtp_from == ("127.0.0.7", phone.far)
        phone.at = "127.0.0.1"
        with pytest.raises((AssertionError, ConnectionRefusedError)):
            phone.until_heard(tries=20)
        phone.bye()


@pytest.mark.parametrize("again", ["yes", "no"])
def test_stunaddr_without_a_ttl(make_server, names, again):
    """stunaddr_reresolve_ttl_0: who answers with a TTL of 0 is asked again when a call needs the server, or never."""
    names.addresses["stun.test"] = "127.0.0.7"
    server = media_server(make_server, names, endpoint="ice_support = yes")
    server.write("rtp.conf", "[general]\nrtpstart = 31000\nrtpend = 32999\nstunaddr = stun.test:3499\n"
                 f"stunaddr_reresolve_ttl_0 = {again}\n")
    server.start()

    def resolved():
        return re.search(r"Resolved Addr:  (\S+)", server.ask("rtp show settings")).group(1)
    wait_until(lambda: resolved() == "127.0.0.7:3499", server.log)
    names.addresses["stun.test"] = "127.0.0.8"
    asked = names.asked
    ice = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=candidate:1 1 UDP 2130706431 127.0.0.1 {port} typ host\r\n"
    for _ in range(2):
        with Caller(server, "600", ice) as phone:
            assert "a=ice-ufrag" in phone.answer.body
            phone.bye()
    if again == "yes":
        wait_until(lambda: resolved() == "127.0.0.8:3499", server.log)
    else:
        assert names.asked == asked and resolved() == "127.0.0.7:3499"
    settings = server.ask("rtp show settings")
    assert "   Hostname:       stun.test:3499\n" in settings and f"   Reresove TTL 0: {again.title()}\n" in settings
    status = server.ask("stun show status").splitlines()[1].split()
    assert status[:2] == ["stun.test", "3499"] and status[3:6] == ["7", "INIT", "0.0.0.0"]


def test_a_media_address_that_is_no_name(make_server, names):
    server = media_server(make_server, names, endpoint="media_address = not a name")
    code, text = run_checked(["check", f"{server.dir}/etc"])
    assert code == 1 and "'not a name' is neither an address nor a host name" in text
