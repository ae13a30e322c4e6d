"""Events with the real program: what a phone has set outlives it, and a registration is seen as it is made."""

import re

from conftest import accounts
from sip import Wire, credentials

FEATURE = "application/x-as-feature-event+xml"
FORWARD = ('<SetForwarding xmlns="http://www.ecma-international.org/standards/ecma-323/csta/ed3"><device/>'
           "<forwardingType>forwardImmediate</forwardingType><activateForward>true</activateForward>"
           "<forwardDN>1002</forwardDN></SetForwarding>")


def subscribe(wire, extra, body=""):
    """A SUBSCRIBE of 1001's to itself, with digest; the answer, and the NOTIFY that follows it, which is answered."""
    uri = f"sip:1001@127.0.0.1:{wire.server.port}"
    extra = f"Contact: <sip:1001@127.0.0.1:{wire.port}>\r\nExpires: 600\r\n{extra}"
    first = wire.ask("SUBSCRIBE", "1001", uri=uri, extra=extra, body=body)
    answer = wire.ask("SUBSCRIBE", "1001", uri=uri, call_id=wire.call_id, cseq=2, body=body,
                      extra=extra + credentials(first, "SUBSCRIBE", uri, "1001", "one"))
    return answer, notified(wire)


def notified(wire):
    while True:
        text = wire.sock.recv(65536).decode()
        if text.startswith("NOTIFY "):
            lines = [line for line in text.split("\r\n\r\n")[0].split("\r\n")
                     if re.match(r"(Via|From|To|Call-ID|CSeq):", line)]
            wire.send(("SIP/2.0 200 OK\r\n" + "\r\n".join(lines) + "\r\nContent-Length: 0\r\n\r\n").encode())
            return text


def start(make_server):
    return make_server({"pjsip.conf": accounts(_1001="one")}).start()


def test_what_a_phone_sets_outlives_the_program(make_server):
    server = start(make_server)
    with Wire(server) as wire:
        answer, told = subscribe(wire, f"Event: as-feature-event\r\nAccept: {FEATURE}\r\nContent-Type: {FEATURE}\r\n", FORWARD)
        assert answer.status == 200
        assert "<forwardTo>1002</forwardTo>" in told
    assert re.search(r"/CF/1001\s*: 1002", server.ask("database show CF"))
    server.stop()
    server.start()
    assert re.search(r"/CF/1001\s*: 1002", server.ask("database show CF"))


def test_a_registration_is_seen(make_server):
    server = start(make_server)
    with Wire(server, seconds=10) as watcher, Wire(server) as phone:
        answer, told = subscribe(watcher, "Event: reg\r\nAccept: application/reginfo+xml\r\n")
        assert answer.status == 200
        assert 'state="full"' in told and 'state="init"' in told
        assert phone.register("1001", "one", f"sip:1001@127.0.0.1:{phone.port}").status == 200
        watcher.sock.settimeout(10)
        told = notified(watcher)
        assert 'state="partial"' in told and 'event="registered"' in told
        assert f"<uri>sip:1001@127.0.0.1:{phone.port}</uri>" in told
