"""SIPp's own scenarios against the server."""

import os
import socket
import subprocess

import pytest
from conftest import PJSIP
from server import free_port, need
from waiting import wait_until

# SIPp's embedded scenarios know no authentication.
ENDPOINTS = """
[sipp](phone)
; What SIPp looks for in o=.
sdp_owner = server
[ua1](phone)
aors = ua1
[ua1](line)
max_contacts = 50
remove_existing = no
[answering](phone)
aors = answering
[answering](line)
contact = sip:service@127.0.0.1:{uas}{parameters}
"""
V6 = """
[udp6]
type = transport
protocol = udp
bind = [::1]:{port}
"""
EXTENSIONS = """
[phones]
exten => service,1,Answer()
 same => n,Echo()
exten => ua2,1,Answer()
 same => n,Echo()
exten => through,1,Dial(PJSIP/answering)
 same => n,Hangup()
"""


def sipp(place, name, *options, calls=20, limit=60):
    """Start SIPp with its scenario NAME for CALLS calls; gives the process.
    It runs in PLACE, where its error files stay out of the way."""
    argv = [need("sipp"), "-sn", name, "-nostdin", "-m", str(calls), "-timeout", f"{limit}s", "-timeout_error",
            "-mp", str(free_port()), "-deadcall_wait", "500", "-max_socket", "1000", "-trace_err", "-error_file", f"{place}/{name}-errors", *options]
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=place)


def listens(port):
    """Whether somebody has PORT open, for UDP or for TCP connections."""
    for table, state in (("udp", ""), ("tcp", " 0A ")):
        with open(f"/proc/net/{table}", encoding="ascii") as f:
            if any(f":{port:04X} " in line.split(None, 2)[1] + " " and state in line for line in f.readlines()[1:]):
                return True
    return False


def passed(process, place, server):
    out = process.communicate(timeout=90)[0].decode(errors="replace")
    errors = "".join(open(f"{place}/{f}", encoding="utf-8", errors="replace").read()
                     for f in os.listdir(place) if f.endswith("-errors"))
    assert process.returncode == 0, f"{errors[:3000]}\n{out[-2000:]}\n{server.log()[-2000:]}"


@pytest.fixture
def uas_port():
    return free_port()


@pytest.fixture
def sipp_server(make_server, uas_port):
    def make(parameters="", more=""):
        text = PJSIP + more + ENDPOINTS.replace("{uas}", str(uas_port)).replace("{parameters}", parameters)
        return make_server({"pjsip.conf": text, "extensions.conf": EXTENSIONS}).start()
    return make


@pytest.mark.parametrize("transport", ["u1", "t1", "tn"])
def test_uac(sipp_server, place, transport):
    server = sipp_server()
    client = sipp(place, "uac", "-s", "service", "-t", transport, "-i", "127.0.0.1", "-r", "20", "-d", "200",
                  server.address)
    passed(client, place, server)


def test_uac_over_ipv6(sipp_server, place):
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no ::1")
    server = sipp_server(more=V6)
    client = sipp(place, "uac", "-s", "service", "-i", "[::1]", "-r", "20", "-d", "200", f"[::1]:{server.port}")
    passed(client, place, server)


def test_regexp(sipp_server, place):
    server = sipp_server()
    client = sipp(place, "regexp", "-s", "service", "-i", "127.0.0.1", "-r", "20", server.address)
    passed(client, place, server)


def test_branchc(sipp_server, place):
    """Registers, and calls after that."""
    server = sipp_server()
    client = sipp(place, "branchc", "-i", "127.0.0.1", "-r", "10", server.address, calls=10)
    passed(client, place, server)
    assert server.contacts("ua1")


@pytest.mark.parametrize("transport,parameters", [("u1", ""), ("t1", "\\;transport=tcp")])
def test_uas_called_through(sipp_server, place, uas_port, transport, parameters):
    """SIPp's uac calls SIPp's uas through Dial(), over the transport of the contact."""
    server = sipp_server(parameters)
    answering = sipp(place, "uas", "-t", transport, "-i", "127.0.0.1", "-p", str(uas_port))
    wait_until(lambda: listens(uas_port), "SIPp's uas listens")
    calling = sipp(place, "uac", "-s", "through", "-i", "127.0.0.1", "-r", "20", "-d", "200", server.address)
    try:
        passed(calling, place, server)
        passed(answering, place, server)
    finally:
        for process in (calling, answering):
            process.kill()
            process.wait()
