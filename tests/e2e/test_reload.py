"""A reload in the middle of calls and registrations loses none of them, and
takes effect."""

import os
import re
import socket

import pytest
from conftest import PJSIP
from load import Load, users_config
from server import free_port
from waiting import wait_until

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


def timer(ours, theirs):
    """Of the connection from port OURS to THEIRS, at THEIRS: does a keep-alive timer run, and for how long [s]?"""
    with open("/proc/net/tcp", encoding="ascii") as f:
        for line in f:
            fields = line.split()
            if fields[1].endswith(f":{theirs:04X}") and fields[2].endswith(f":{ours:04X}") and fields[3] == "01":
                kind, when = fields[5].split(":")
                return int(when, 16) / os.sysconf("SC_CLK_TCK") if kind == "02" else None
    raise AssertionError("no such connection")


@pytest.mark.parametrize("threads", [0, 1])
def test_keepalive_of_live_connections(make_server, threads):
    """tcp_keepalive_*: a reload reaches the connections that are open, and those to come; also back to none."""
    conf = PJSIP.replace("[phone](!)", "tcp_keepalive_enable = {keep}\ntcp_keepalive_idle_time = {idle}\nallow_reload = yes\n[phone](!)")

    def with_(keep, idle):
        return conf.replace("{keep}", keep).replace("{idle}", str(idle))
    server = make_server({"pjsip.conf": with_("no", 30), "sidetone.conf": f"[threads]\nio_threads = {threads}\n"}).start()
    with socket.create_connection(("127.0.0.1", server.port)) as old:
        wait_until(lambda: timer(old.getsockname()[1], server.port) is None, "no probes yet")
        for keep, idle in (("yes", 1000), ("yes", 5000), ("no", 1000)):
            server.write("pjsip.conf", with_(keep, idle))
            server.ask("module reload res_pjsip.so")
            with socket.create_connection(("127.0.0.1", server.port)) as new:
                for s in (old, new):
                    def right(port=s.getsockname()[1]):
                        left = timer(port, server.port)
                        return left is None if keep == "no" else left is not None and idle - 60 < left <= idle
                    wait_until(right, lambda: f"{keep} {idle}: {timer(old.getsockname()[1], server.port)}")
