"""Faxes with the real program, in real time, on media threads: a server calls itself and sends itself pages."""

import os
import struct

import pytest
from waiting import wait_until

PJSIP = """
[global]
type = global
endpoint_identifier_order = username
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{port}
[leg](!)
type = endpoint
context = faxes
disallow = all
allow = ulaw
[sound](leg)
aors = sound
from_user = sound
[sound]
type = aor
contact = sip:127.0.0.1:{port}
[t38](leg)
aors = t38
from_user = t38
t38_udptl = yes
[t38]
type = aor
contact = sip:127.0.0.1:{port}
"""
EXTENSIONS = """
[faxes]
exten => receive,1,Answer()
 same => n,Set(FAXOPT(localstationid)=222)
 same => n,ReceiveFAX({dir}/in.tif,RECEIVE)
 same => n,Verbose(0,received ${FAXSTATUS} ${FAXPAGES} ${FAXMODE} from ${REMOTESTATIONID})
 same => n,Wait(5)
exten => send,1,Set(FAXOPT(localstationid)=111)
 same => n,SendFAX({dir}/out.tif,SEND)
 same => n,Verbose(0,sent ${FAXSTATUS} ${FAXPAGES} ${FAXMODE} to ${REMOTESTATIONID})
exten => gate-t38,1,Set(FAXOPT(gateway)=yes)
 same => n,Dial(PJSIP/receive@t38)
exten => gate-sound,1,Set(FAXOPT(gateway)=yes)
 same => n,Dial(PJSIP/receive@sound)
exten => gate-called,1,Dial(PJSIP/receive@t38,,b(setup^1))
exten => setup,1,Set(FAXOPT(gateway)=yes)
 same => n,Return()
exten => h,1,Verbose(0,at the end ${FAXSTATUS} ${FAXERROR})
"""
WIDTH, ROWS = 1728, 100


def write_tiff(path, pages):
    """Pages without compression: rows of one pattern each."""
    def page(at, k, last):
        data = b"".join(bytes([(0xF0 >> (k + y // 8) % 4) & 0xFF if (y // 8) % 2 else 0]) * (WIDTH // 8) for y in range(ROWS))
        tags = [(256, 3, 1, WIDTH), (257, 3, 1, ROWS), (258, 3, 1, 1), (259, 3, 1, 1), (262, 3, 1, 0), (273, 4, 1, 0),
                (277, 3, 1, 1), (278, 3, 1, ROWS), (279, 4, 1, len(data)), (282, 5, 1, 0), (283, 5, 1, 0), (296, 3, 1, 2)]
        ifd = at + len(data) + 16
        fix = {273: at, 282: at + len(data), 283: at + len(data) + 8}
        rows = b"".join(struct.pack("<HHII" if t == 4 or tag in fix else "<HHIHxx", tag, t, n, fix.get(tag, v))
                        for tag, t, n, v in tags)
        follow = 0 if last else ifd + 2 + 12 * len(tags) + 4
        return data + struct.pack("<IIII", 204, 1, 98, 1) + struct.pack("<H", len(tags)) + rows + struct.pack("<I", follow), ifd

    at, body, first = 8, b"", None
    firsts = []
    for k in range(pages):
        block, ifd = page(at, k, k == pages - 1)
        firsts.append(ifd)
        body += block
        at += len(block)
    # Each directory points at the next one, which stands behind its page's data.
    data = bytearray(struct.pack("<2sHI", b"II", 42, firsts[0]) + body)
    for k in range(pages - 1):
        struct.pack_into("<I", data, firsts[k] + 2 + 12 * 12, firsts[k + 1])
    with open(path, "wb") as f:
        f.write(data)


def count_pages(path):
    with open(path, "rb") as f:
        data = f.read()
    order = "<" if data[:2] == b"II" else ">"
    at, n = struct.unpack_from(order + "I", data, 4)[0], 0
    while at:
        n += 1
        entries = struct.unpack_from(order + "H", data, at)[0]
        at = struct.unpack_from(order + "I", data, at + 2 + 12 * entries)[0]
    return n


def send(make_server, callee, options, sent, received, pages=2):
    """A call to CALLEE sends itself a fax."""
    files = EXTENSIONS.replace("SEND)", options[0] + ")").replace("RECEIVE)", options[1] + ")")
    server = make_server({"pjsip.conf": PJSIP, "extensions.conf": files}).start()
    write_tiff(f"{server.dir}/out.tif", pages)
    server.ask(f"channel originate PJSIP/{callee} extension send@faxes")
    wait_until(lambda: "sent " in server.log() and "received " in server.log(), server.log, 120)
    assert f"sent SUCCESS {pages} {sent} to 222" in server.log()
    assert f"received SUCCESS {pages} {received} from 111" in server.log()
    assert count_pages(f"{server.dir}/in.tif") == pages
    return server


# A fax takes its time, half a minute: where time is short one of each kind does (FAXES=few).
FEW = os.environ.get("FAXES") == "few"
CALLS = [("receive@t38", ("", ""), "T38"), ("receive@sound", ("", ""), "audio"), ("receive@t38", ("F", "F"), "audio")]
GATES = [("gate-t38@sound", "audio", "T38"), ("gate-called@sound", "audio", "T38"), ("gate-sound@t38", "T38", "audio")]


@pytest.mark.parametrize("callee,options,mode", CALLS[:1] if FEW else CALLS)
def test_fax(make_server, callee, options, mode):
    server = send(make_server, callee, options, mode, mode)
    assert "Completed FAXes      : 2" in server.ask("fax show stats")


@pytest.mark.parametrize("callee,sent,received", GATES[:1] if FEW else GATES)
def test_gateway(make_server, callee, sent, received):
    send(make_server, callee, ("", ""), sent, received)
