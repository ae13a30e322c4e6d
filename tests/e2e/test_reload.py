"""A reload in the middle of calls and registrations loses none of them, and
takes effect."""

import re

from conftest import PJSIP
from load import Load, users_config
from server import free_port

USERS = 2000
EXTENSIONS = """
[phones]
exten => callee,1,Dial(PJSIP/callee)
 same => n,Hangup()
"""
NEW = """
[new](phone)
auth = new
aors = new
[new]
type = auth
username = new
password = new
[new](line)
"""


def test_reload_under_load_loses_nothing(make_server):
    callee = free_port()
    config = (PJSIP + users_config(USERS)).replace("{callee}", str(callee))
    server = make_server({"pjsip.conf": config, "extensions.conf": EXTENSIONS}, quiet=True).start()
    assert "Endpoint:  new" not in server.console("pjsip show endpoint new")[1]
    load = Load("mixed", server, "--users", USERS, "--rate", 500, "--call-rate", 100, "--hold", 500, "--seconds", 7,
                "--warmup", 0, "--uas-port", callee)
    try:
        load.wait_for(lambda now: now["registered"] > 500 and now["called"] > 50)
        server.write("pjsip.conf", config + NEW)
        server.ask("module reload res_pjsip.so")
        server.write("extensions.conf", EXTENSIONS + "exten => added,1,Answer()\n")
        server.ask("dialplan reload")
        server.ask("core reload")
        after = load.progress()
        # The load goes on after it for as long as before it.
        load.wait_for(lambda now: now["called"] > after["called"] + 100)
        report = load.report()
    finally:
        load.close()
    calls, registrations = report["call"], report["register"]
    assert registrations["failed"] == 0, registrations
    assert calls["failed"] == 0, calls
    assert registrations["done"] == registrations["started"] > 2500
    assert calls["done"] == calls["started"] == calls["answered"] == calls["byes_at_callee"] > 500
    assert calls["legs_left"] == calls["unacknowledged"] == calls["cancelled"] == 0
    assert "Endpoint:  new" in server.ask("pjsip show endpoint new")
    assert "added" in server.ask("dialplan show phones")


def test_a_bad_reload_keeps_what_was(make_server):
    """A file with a fault in one object leaves that object as it was, and a
    file that is gone leaves everything."""
    server = make_server().start()
    good = server.files["pjsip.conf"]
    assert "Endpoint:  1001" in server.ask("pjsip show endpoint 1001")
    server.write("pjsip.conf", good.replace("[1001](phone)\n", "[1001](phone)\nrtp_timeot = 5\n"))
    said = server.console("module reload res_pjsip.so")[1]
    assert "Endpoint:  1001" in server.ask("pjsip show endpoint 1001")
    assert "Endpoint:  1002" in server.ask("pjsip show endpoint 1002")
    assert re.search(r"pjsip\.conf:\d+.*rtp_timeot.*rtp_timeout", said), said
