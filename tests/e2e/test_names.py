"""Host names in identify sections."""

import pytest

from names import Names
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
