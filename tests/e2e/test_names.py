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
            phone.until_heard()
        phone.bye()


def test_a_media_address_that_is_no_name(make_server, names):
    server = media_server(make_server, names, endpoint="media_address = not a name")
    code, text = run_checked(["check", f"{server.dir}/etc"])
    assert code == 1 and "'not a name' is neither an address nor a host name" in text
