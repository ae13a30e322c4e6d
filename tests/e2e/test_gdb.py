"""tools/gdb.py shows fibers, channels, sessions and transactions of a running server
and of a core dump."""

import os
import re
import shutil
import subprocess

import pytest

from server import TOP, find, program
from sip import Wire
from waiting import wait_until

PJSIP = """
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{port}
[open]
type = endpoint
context = phones
allow = !all,ulaw
aors = open
[open]
type = aor
max_contacts = 1
"""
EXTENSIONS = """
[phones]
exten => stay,1,Answer()
 same => n,Wait(600)
"""
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"

pytestmark = pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is not installed: tools/install-deps test")


def gdb(*arguments, commands):
    """What gdb prints for COMMANDS, each after a line "== COMMAND"."""
    argv = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", *arguments, "-x", f"{TOP}/tools/gdb.py"]
    for command in commands:
        argv += ["-ex", f"echo \\n== {command}\\n", "-ex", command]
    # LANG: a fiber's name may hold any letter.
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                          check=False, env=dict(os.environ, LANG="C.UTF-8", DEBUGINFOD_URLS=""))
    out = done.stdout.decode(errors="replace")
    if "ptrace: Operation not permitted" in out:
        pytest.skip("this machine lets nobody trace a process")
    return out


def part(out, command):
    """The part of OUT that COMMAND printed."""
    m = re.search(rf"^== {re.escape(command)}\n(.*?)(?=^== |\Z)", out, re.M | re.S)
    assert m, out
    return m.group(1)


@pytest.fixture
def busy(make_server):
    """A server with a call of a phone in Wait(), whose ACK is missing, and a call to it that
    it does not answer. Gives the server, and the Call-ID of the first."""
    server = make_server({"pjsip.conf": PJSIP, "extensions.conf": EXTENSIONS}).start()
    with Wire(server) as wire:
        contact = f"Contact: <sip:open@127.0.0.1:{wire.port}>\r\n"
        assert wire.ask("REGISTER", "open", extra=contact).status == 200
        call = wire.ask("INVITE", "open", uri=f"sip:stay@127.0.0.1:{server.port}",
                        extra=contact + "Content-Type: application/sdp\r\n", body=SDP)
        assert call.status == 200, call.text
        server.ask("channel originate PJSIP/open extension stay@phones")
        wait_until(lambda: "2 active channels" in server.ask("core show channels"), "both channels are there")
        wait_until(lambda: re.search(r"stay@phones:2\s.*\bWait\b", server.ask("core show channels")),
                   lambda: server.ask("core show channels"))
        yield server, wire.call_id


COMMANDS = ["sidetone fibers", "sidetone channels", "sidetone sessions", "sidetone transactions"]


def judge(out, call_id):
    fibers = part(out, "sidetone fibers")
    # The stack of the one in Wait(): from where it sleeps to its first function.
    waiting = [f for f in re.split(r"^(?=fiber 0x)", fibers, flags=re.M)
               if re.match(r'fiber \S+ "PJSIP/open-\w+: Wait" waits', f)]
    assert len(waiting) == 1, out
    # An optimised fiber_wait() jumps into swapcontext() and has no frame.
    frames = [r"\bchannels_next \(.*src/pbx/\w+\.c:\d+", r"src/pbx/app/wait\.c:\d+",
              r"\bentry \(.*src/base/fiber\.c:\d+"]
    assert re.search(r"(?:.*\n)*?.*".join(frames), waiting[0]), out
    assert re.search(r"^[1-9]\d* fibers$", fibers, re.M)

    channels = part(out, "sidetone channels")
    assert re.search(r"PJSIP/open-\w+ +UP +stay@phones:2 +Wait\(600\)", channels), out
    assert "2 channels" in channels, out
    sessions = part(out, "sidetone sessions")
    assert re.search(rf"PJSIP/open-\w+ +(UP|RINGING) +in .*{re.escape(call_id)}", sessions), out
    assert re.search(r"PJSIP/open-\w+ +CALLING +out +OURS ", sessions), out
    transactions = part(out, "sidetone transactions")
    assert re.search(rf" in +INVITE +ACCEPTED +200 +127\.0\.0\.1:\d+", transactions), out
    assert re.search(r" out +INVITE +CALLING +- +127\.0\.0\.1:\d+", transactions), out
    return re.match(r'fiber (\S+) "', waiting[0]).group(1)


# Without the thread library, as with a core dump of another machine.
ALONE = ["-iex", "set auto-load libthread-db off"]


def look_closer(fiber):
    return [f"sidetone fiber {fiber}", "bt 6", "up 2", "info locals", "sidetone fiber", "bt 2"]


def judge_closer(out, function):
    """The commands of look_closer() see FUNCTION in the fiber, and then the thread again."""
    assert f" {function} (" in part(out, "bt 6") and function not in part(out, "bt 2"), out
    assert re.search(r"^#3 ", part(out, "up 2"), re.M), out


def test_process(busy):
    server, call_id = busy
    out = gdb("-p", str(server.process.pid), commands=COMMANDS)
    fiber = judge(out, call_id)
    for more in [[], ALONE]:
        out = gdb(*more, "-p", str(server.process.pid), commands=[*COMMANDS, *look_closer(fiber)])
        assert judge(out, call_id) == fiber
        judge_closer(out, "channels_next")
    assert server.process.poll() is None
    assert "2 active channels" in server.ask("core show channels")


def sanitized(path):
    with open(path, "rb") as f:
        return re.search(rb"__[at]san_init", f.read())


def test_core(busy, place):
    """The whole server."""
    if sanitized(program()):
        pytest.skip("a core dump of a program with a sanitizer has terabytes; set BUILD to a build without")
    server, call_id = busy
    core = f"{place}/core"
    fiber = judge(gdb("-p", str(server.process.pid), commands=[*COMMANDS, f"generate-core-file {core}"]), call_id)
    for more in [[], ALONE]:
        out = gdb(*more, program(), core, commands=[*COMMANDS, *look_closer(fiber)])
        assert judge(out, call_id) == fiber
        judge_closer(out, "channels_next")


def test_core_of_fibers(place):
    """Optimised code without sanitizers, whatever the build."""
    core, path = f"{place}/core", find("tests/e2e/fibers", "FIBERS")
    with subprocess.Popen([path], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            out = gdb("-p", str(process.pid), commands=["sidetone fibers", f"generate-core-file {core}"])
            live = part(out, "sidetone fibers")
        finally:
            process.kill()
    assert re.findall(r'^fiber \S+ (".*?"|\(no name\)) (\w+)', live, re.M) == [
        ('"first"', "waits"), ('"second"', "waits"), ('"(no name)"', "ready")], live
    first, second, third = re.split("^fiber ", live, flags=re.M)[1:]
    for text, depth in (first, 1), (second, 4):
        assert text.count(" sleep_below (") == depth and re.search(r"\bentry \(.*fiber.c", text), live
    assert "not begun: 0x" in third and "<never>" in third, live
    assert "3 fibers" in live
    # The core says the same.
    for more in [[], ALONE]:
        out = gdb(*more, path, core, commands=["sidetone fibers", *look_closer("second")])
        assert part(out, "sidetone fibers") == live, out
        judge_closer(out, "sleep_below")


def test_says_what_is_missing(tmp_path):
    """A program that is no Sidetone, and no program at all."""
    out = gdb(commands=COMMANDS)
    for command in COMMANDS:
        assert "there is no process" in part(out, command), out
    other = tmp_path / "other"
    shutil.copy(shutil.which("sleep"), other)
    # Not "--args": it would take gdb's own options for the program's.
    out = gdb(str(other), commands=["starti 9", *COMMANDS, "kill"])
    for command, symbol in zip(COMMANDS, ["sched", *["debugged_server"] * 3]):
        assert re.search(rf"symbol {symbol}\b.* is missing", part(out, command)), out
