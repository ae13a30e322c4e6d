"""What is wrong is said in one line with the place and what to do about it, and
nothing from the network stops the server."""

import os
import random
import re
import shutil
import socket
import subprocess

import pytest
from conftest import EXTENSIONS, accounts
from server import run_checked
from sip import Wire
from waiting import wait_until

GOOD = accounts(_1001="one", _1002="two").replace("{port}", "5060")


# --- sidetone check ------------------------------------------------------------

def check(directory, pjsip=GOOD, extensions=EXTENSIONS):
    """Exit code and lines of `sidetone check` for these files."""
    os.makedirs(directory, exist_ok=True)
    for name, text in (("pjsip.conf", pjsip), ("extensions.conf", extensions)):
        if text is not None:
            with open(f"{directory}/{name}", "w", encoding="utf-8") as f:
                f.write(text)
    code, out = run_checked(["check", str(directory)])
    return code, out.splitlines()


def number(text, part):
    """The number of the line of TEXT that has PART."""
    return next(i for i, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_good_configuration_passes(place):
    code, lines = check(place)
    assert code == 0, lines


@pytest.mark.parametrize("what,line,expect", [
    ("an unknown option", "rtp_timeot = 30", "rtp_timeout"),
    ("an unknown option without a near name", "qqqqzzzz = 1", "qqqqzzzz"),
    ("a bad number", "rtp_timeout = soon", "rtp_timeout"),
    ("a bad choice", "dtmf_mode = telepathy", "dtmf_mode"),
    ("a bad yes or no", "rewrite_contact = perhaps", "rewrite_contact"),
    ("an auth that is not there", "auth = nobody", "nobody"),
    ("an aor that is not there", "aors = nowhere", "nowhere"),
    ("a transport that is not there", "transport = pigeon", "pigeon"),
])
def test_check_names_the_fault(place, what, line, expect):
    text = GOOD.replace("aors = 1001\n", f"aors = 1001\n{line}\n")
    code, lines = check(place, text)
    assert code == 1, f"{what}: exit {code}: {lines}"
    at = number(text, line)
    hits = [found for found in lines if expect in found and re.search(rf"pjsip\.conf:{at}\b", found)]
    assert len(hits) == 1, f"{what}: one line with pjsip.conf:{at} and {expect}: {lines}"


def test_check_names_a_doubled_object(place):
    text = GOOD + "\n[1001](phone)\n"
    code, lines = check(place, text)
    assert code == 1
    assert any("1001" in found and re.search(r"pjsip\.conf:\d+", found) for found in lines), lines


def test_check_names_a_missing_file(place):
    code, lines = check(place, GOOD + '\n#include "not-there.conf"\n')
    assert code == 1
    assert any("not-there.conf" in found and "pjsip.conf" in found for found in lines), lines
    code, lines = check(f"{place}/empty", None, None)
    assert code == 1 and any("pjsip.conf" in found for found in lines), lines
    code, lines = run_checked(["check", f"{place}/no-such-directory"])
    assert code == 1 and "no-such-directory" in lines


# --- starting ------------------------------------------------------------------

def test_port_in_use(make_server):
    """One line that names the port; the other transports work."""
    server = make_server()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", server.port))
        server.start()
        lines = [line for line in server.log().splitlines() if "in use" in line.lower() or "has this port" in line]
        assert any(str(server.port) in line for line in lines), server.log()[-3000:]
        with socket.create_connection(("127.0.0.1", server.port), 5):
            pass


def test_directory_that_cannot_be_written(make_server):
    """The directory of the database is a file: the start says so and ends."""
    server = make_server()
    shutil.rmtree(f"{server.dir}/lib")
    with open(f"{server.dir}/lib", "w", encoding="ascii"):
        pass
    server.launch()
    code = server.process.wait(30)
    server.process = None
    assert code not in (0, 99) and code > 0
    assert any(f"{server.dir}/lib" in line for line in server.log().splitlines()), server.log()[-3000:]


def test_user_that_does_not_exist(make_server):
    server = make_server()
    server.launch(flags=("-U", "no-such-user"))
    assert server.process.wait(30) == 1
    server.process = None
    assert "user 'no-such-user' (runuser, -U)" in server.log()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_user(make_server):
    """It is no longer root when it opens its files: these belong to root."""
    server = make_server()
    os.chmod(server.dir, 0o700)
    server.launch(flags=("-U", "nobody", "-G", "nogroup"))
    assert server.process.wait(30) == 1
    server.process = None
    assert "ermission denied" in server.log()


def test_missing_configuration(place):
    code, out = run_checked(["run", "/nonexistent"])
    assert code == 1 and "/nonexistent" in out


def test_configuration_without_files(make_server):
    """It starts, as Asterisk does, and says which file is missing where."""
    server = make_server()
    for name in ("pjsip.conf", "extensions.conf"):
        os.unlink(f"{server.dir}/etc/{name}")
    server.start()
    for name in ("pjsip.conf", "extensions.conf"):
        assert any(name in line and f"{server.dir}/etc" in line or f"{name}: not there" in line
                   for line in server.log().splitlines()), server.log()[-3000:]


# --- the network ---------------------------------------------------------------

@pytest.fixture
def wire(server):
    with Wire(server) as w:
        yield w


def alive(wire):
    """The well-behaved phone goes on registering."""
    answer = wire.register("1001", "one", f"sip:1001@127.0.0.1:{wire.port}")
    assert answer.status == 200, answer.text
    assert any(f":{wire.port}" in c for c in answer.contacts), answer.text


def test_garbage_datagrams_are_dropped(server, wire):
    rng = random.Random(5)
    with Wire(server, seconds=0.3) as hostile:
        for size in (0, 1, 2, 3, 4, 20, 100, 1400, 9000, 60000):
            for _ in range(20):
                hostile.send(rng.randbytes(size))
        hostile.send(b"\r\n\r\n")
        hostile.send(b"\0" * 500)
        assert hostile.receive() is None, "garbage was answered"
    alive(wire)


def test_every_truncation_and_many_flips(server, wire):
    rng = random.Random(6)
    message = wire.request("INVITE", extra="Contact: <sip:1001@127.0.0.1>\r\nRoute: <sip:a;lr>, <sip:b;lr>\r\n"
                           'Authorization: Digest username="1001",realm="x",nonce="y",uri="z",response="q"\r\n'
                           "Content-Type: application/sdp\r\n",
                           body="v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                           "m=audio 4000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n")
    with Wire(server) as hostile:
        for n in range(len(message)):
            hostile.send(message[:n])
        for _ in range(1500):
            data = bytearray(message)
            for _ in range(rng.randint(1, 4)):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            hostile.send(bytes(data))
    alive(wire)


def test_unreadable_request_gets_400_with_a_reason(wire):
    # A Via and a Call-ID to answer to, and a CSeq that makes no sense.
    broken = wire.request("OPTIONS").replace(b"CSeq: 1 OPTIONS", b"CSeq: one OPTIONS")
    wire.send(broken)
    answer = wire.receive()
    assert answer is not None and answer.status == 400, answer and answer.text
    assert answer.reason.strip() not in ("", "Bad Request") or "warning" in answer.headers or "reason" in answer.headers


def test_body_over_the_limit_gets_413(server, wire):
    wire.send(wire.request("MESSAGE", extra="Content-Type: text/plain\r\n", body="x" * 60000, length=70000))
    answer = wire.receive()
    assert answer is not None and answer.status == 413, answer and answer.text
    # A stream announces it before it is there.
    with socket.create_connection(("127.0.0.1", server.port), 5) as stream:
        stream.sendall(wire.request("MESSAGE", extra="Content-Type: text/plain\r\n", length=50_000_000)
                       .replace(b"/UDP", b"/TCP"))
        assert stream.recv(4096).startswith(b"SIP/2.0 413"), "no 413 on a stream"
    # One that is there all the same is passed over, and the connection goes on.
    with socket.create_connection(("127.0.0.1", server.port), 5) as stream:
        stream.sendall(wire.request("PUBLISH", extra="Event: presence\r\nContent-Type: application/pidf+xml\r\n",
                                    body="x" * 1_000_000).replace(b"/UDP", b"/TCP"))
        assert stream.recv(4096).startswith(b"SIP/2.0 413"), "no 413 on a stream"
        stream.sendall(wire.request("OPTIONS").replace(b"/UDP", b"/TCP"))
        assert stream.recv(4096).startswith(b"SIP/2.0 "), "the connection is over"
    assert "Body over" in server.console("pjsip explain")[1], "nobody is told why"
    alive(wire)


def test_stream_garbage_closes_the_stream(server, wire):
    with socket.create_connection(("127.0.0.1", server.port), 5) as stream:
        stream.sendall(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n" + b"\xff\x00" * 2000)
        stream.settimeout(20)
        try:
            while stream.recv(4096):
                pass
        except ConnectionResetError:
            pass
    alive(wire)


def test_control_bytes_never_reach_the_log(server, wire):
    nasty = "1001\x1b[2J\x07\x9b31m\x7f"
    for logger in ("off", "on"):
        server.ask(f"pjsip set logger {logger}")
        for method in ("REGISTER", "INVITE", "OPTIONS", "BYE\x1b[1m", "MESSAGE"):
            wire.send(wire.request(method, nasty, extra="User-Agent: evil\x1b]0;title\x07\r\nX-Bell: \x07\x08\r\n"))
        wire.send(b"\x1b[2J\x07 not SIP\r\n\r\n")
        alive(wire)
    found = []
    for base, _, names in os.walk(f"{server.dir}/log"):
        found += [os.path.join(base, n) for n in names]
    for path in [*found, server.output]:
        with open(path, "rb") as f:
            data = f.read()
        bad = re.search(rb"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]", data)
        assert not bad, f"{path}: {data[max(0, bad.start() - 80):bad.end() + 20]!r}"


# --- a full disk ---------------------------------------------------------------

@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small tmpfs: needs root")
def test_full_disk_gets_503_and_never_200(make_server):
    server = make_server()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", f"{server.dir}/lib"], check=False)
    if mount.returncode:
        pytest.skip("this environment may not mount")
    try:
        server.start()
        with Wire(server) as wire:
            alive(wire)
            with open(f"{server.dir}/lib/ballast", "wb", buffering=0) as f:
                with pytest.raises(OSError):
                    while True:
                        f.write(b"x" * 4096)
            statuses = set()
            for n in range(200):
                answer = wire.register("1002", "two", f"sip:1002-{n % 5}-{'y' * 400}@127.0.0.1:{wire.port}")
                statuses.add(answer.status)
                if answer.status == 503:
                    break
            assert 503 in statuses, statuses
            refused = wire.register("1002", "two", f"sip:1002-z-{'y' * 400}@127.0.0.1:{wire.port}")
            assert refused.status == 503, refused.text
            os.unlink(f"{server.dir}/lib/ballast")
            answer = wait_until(lambda: [a for a in [wire.register("1002", "two", f"sip:1002@127.0.0.1:{wire.port}")]
                                         if a.status == 200], "registering works again when there is room")[0]
            promised = set(answer.contacts)
        server.kill()
        server.start()
        with Wire(server) as wire:
            assert set(wire.register("1002", "two").contacts) == promised
        server.stop()
    finally:
        if server.process:
            server.kill()
            server.process = None
        subprocess.run(["umount", "-l", f"{server.dir}/lib"], check=True)
