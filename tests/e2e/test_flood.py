"""One trusted source floods, or opens calls without end. A phone at another address
registers and calls as if nothing were, and memory is back afterwards."""

import json
import math
import os
import re
import subprocess
import time

import pytest

from conftest import ACCOUNT, EXTENSIONS, PJSIP
from server import find
from sip import Wire, credentials
from waiting import wait_until

FLOODER, PHONE = "127.0.0.2", "127.0.0.3"
SECONDS = float(os.environ.get("FLOOD_SECONDS", "4"))
RATE = int(os.environ.get("FLOOD_RATE", "20000"))
T1 = 0.5
# Transactions end after 6.4 s instead of 32.
CONFIG = "[system]\ntype = system\ntimer_t1 = 100\n" + PJSIP + ACCOUNT.format(user="1001", password="one") + f"""
[flood](phone)
aors = flood
[flood](line)
max_contacts = 1
remove_existing = yes
[from-there]
type = identify
endpoint = flood
match = {FLOODER}
"""
DIALPLAN = EXTENSIONS + "exten => flood,1,Answer()\n same => n,Wait(600)\nexten => text,1,NoOp()\n"


class Phone(Wire):
    """Registers and calls the echo extension, and notes how long each took."""

    def __init__(self, server):
        super().__init__(server, address=PHONE)
        self.took = {"REGISTER": [], "INVITE": []}
        self.bad = []

    def exchange(self, data):
        """A request with the timers of RFC 3261 17.1; its final answer, or None."""
        branch = re.search(rb"branch=([^;\r]+)", data).group(1).decode()
        wait, end = T1, time.monotonic() + 10
        while time.monotonic() < end:
            self.send(data)
            until = time.monotonic() + wait
            wait *= 2
            while time.monotonic() < until:
                self.sock.settimeout(max(0.001, until - time.monotonic()))
                answer = self.receive()
                if answer is not None and branch in answer.headers.get("via", ""):
                    return answer
        return None

    def ack(self, answer, of):
        head = re.sub(rb"\r\n(Contact|Content-Type|Authorization):[^\r]*", b"", of.split(b"\r\n\r\n")[0])
        head = re.sub(rb"INVITE", b"ACK", head)
        head = re.sub(rb"\r\nTo:[^\r]*", b"\r\nTo: " + answer.headers["to"].encode(), head)
        head = re.sub(rb"Content-Length: \d+", b"Content-Length: 0", head)
        self.send(head + b"\r\n\r\n")
        return head

    def tried(self, method, extra, body="", uri=None):
        """A request with credentials; (its bytes, its answer)."""
        first = self.request(method, "1001", uri, extra=extra, body=body)
        answer = self.exchange(first)
        if answer is None or answer.status != 401:
            return first, answer
        if method == "INVITE":
            self.ack(answer, first)
        where = first.split(b" ")[1].decode()
        again = self.request(method, "1001", uri, call_id=self.call_id, cseq=2, body=body,
                             extra=extra + credentials(answer, method, where, "1001", "one"))
        return again, self.exchange(again)

    def note(self, method, began, answer):
        if answer is not None and answer.status == 200:
            self.took[method].append(time.monotonic() - began)
        else:
            self.bad.append((method, answer and answer.status))

    def round(self):
        began = time.monotonic()
        contact = f"Contact: <sip:1001@{PHONE}:{self.port}>\r\n"
        _, answer = self.tried("REGISTER", contact + "Expires: 600\r\n")
        self.note("REGISTER", began, answer)
        began = time.monotonic()
        sdp = (f"v=0\r\no=- 1 1 IN IP4 {PHONE}\r\ns=-\r\nc=IN IP4 {PHONE}\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n")
        request, answer = self.tried("INVITE", contact + "Content-Type: application/sdp\r\n", sdp,
                                     uri=f"sip:600@127.0.0.1:{self.server.port}")
        self.note("INVITE", began, answer)
        if answer is not None and answer.status == 200:
            head = self.ack(answer, request)
            bye = head.replace(b"ACK", b"BYE").replace(b"CSeq: 2", b"CSeq: 3").replace(b"CSeq: 1", b"CSeq: 3")
            self.exchange(re.sub(rb"branch=", b"branch=z9hG4bKbye", bye) + b"\r\n\r\n")

    def report(self):
        def at(values, share):
            return round(1000 * sorted(values)[max(0, math.ceil(len(values) * share) - 1)], 1) if values else None
        return {m: {"n": len(v), "p50": at(v, 0.5), "p99": at(v, 0.99)} for m, v in self.took.items()} | {"bad": self.bad}


def memory(server):
    """Resident kB of the server."""
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def is_sanitized(server):
    with open(f"/proc/{server.process.pid}/maps", encoding="ascii") as f:
        return "asan" in f.read()


def flood(server, method, rate, seconds, *more):
    return subprocess.Popen([find("bench/flood", "FLOOD"), "--server", server.address, "--from", FLOODER, "--method", method,
                             "--rate", str(rate), "--seconds", str(seconds), *more], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE)


def besides(server, running):
    """The phone's rounds while RUNNING lives; (its report, that of RUNNING)."""
    with Phone(server) as phone:
        while running.poll() is None:
            phone.round()
            time.sleep(0.02)
        return phone.report(), json.loads(running.stdout.read())


def judge(phone, sanitized):
    done = sum(phone[m]["n"] for m in ("REGISTER", "INVITE"))
    print(json.dumps(phone))
    assert done >= 99 * len(phone["bad"]) and done >= 20, phone
    assert all(status is None for _, status in phone["bad"]), f"the phone was refused: {phone}"
    if not sanitized:
        assert max(phone["REGISTER"]["p99"], phone["INVITE"]["p99"]) < 200, phone


@pytest.fixture
def flooded(make_server):
    server = make_server({"pjsip.conf": CONFIG, "extensions.conf": DIALPLAN,
                          "rtp.conf": "[general]\nrtpstart = 31000\nrtpend = 31399\n"}, quiet=True).start()
    with Phone(server) as phone:    # all that is made once is there
        for _ in range(20):
            phone.round()
        assert not phone.bad, phone.bad
    return server


@pytest.mark.parametrize("method", ["REGISTER", "OPTIONS", "MESSAGE", "INVITE"])
def test_requests(flooded, method):
    before = memory(flooded)
    running = flood(flooded, method, RATE, SECONDS, "--user", {"INVITE": "600", "MESSAGE": "text"}.get(method, "flood"))
    phone, what = besides(flooded, running)
    print(method, what, "memory", before, "kB, then", memory(flooded))
    judge(phone, is_sanitized(flooded))
    assert not {"500"} & set(what["answers"]), what


def counter(server, name):
    return int(re.search(rf"{name} +(\d+)", server.ask("pjsip show counters")).group(1))


def test_memory_comes_back(flooded):
    before = memory(flooded)
    flood(flooded, "OPTIONS", RATE, 3, "--user", "flood").wait()
    assert counter(flooded, "answered requests remembered") > 1000
    wait_until(lambda: counter(flooded, "answered requests remembered") == 0, "all is forgotten", 20, 0.5)
    assert counter(flooded, "server transactions") == 0
    assert counter(flooded, "transactions of endpoints") == 0
    if not is_sanitized(flooded):
        wait_until(lambda: memory(flooded) < 1.1 * before, lambda: f"{before} kB, now {memory(flooded)} kB", 20, 0.5)


def test_calls_without_end(flooded):
    """200 port pairs; the flooder answers and acknowledges everything and never hangs up."""
    running = flood(flooded, "INVITE", 500, SECONDS, "--ack")
    phone, what = besides(flooded, running)
    print(what)
    judge(phone, is_sanitized(flooded))
    assert what["answers"]["200"] >= 100 and what["answers"]["503"] > 0 and "500" not in what["answers"], what
