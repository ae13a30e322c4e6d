"""How the server ends: what it still does meanwhile, and what becomes of its calls."""

import subprocess

from server import environment, program
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
exten => open,1,Hangup(17)
exten => h,1,Set(DB(test/h)=ran)
"""


def start(make_server):
    server = make_server({"pjsip.conf": PJSIP, "extensions.conf": EXTENSIONS}).start()
    server.ask("channel originate Local/stay@phones extension stay@phones")
    wait_until(lambda: "2 active channels" in server.ask("core show channels"), lambda: server.ask("core show channels"), 20)
    return server


def begin(server, command):
    """A console command that takes its time."""
    return subprocess.Popen([program(), "-C", server.conf, "-rx", command], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, env=environment())


def ended(server):
    return server.process.poll() is not None


def test_gracefully(make_server):
    server = start(make_server)
    with Wire(server) as wire:
        contact = f"Contact: <sip:open@127.0.0.1:{wire.port}>\r\n"
        assert wire.ask("INVITE", "open", extra=contact).status == 486
        first = begin(server, "core stop gracefully")
        wait_until(lambda: wire.ask("INVITE", "open", extra=contact).status == 503, "new calls are refused")
        assert wire.ask("REGISTER", "open", extra=contact).status == 200
        assert "2 active channels" in server.ask("core show channels")
        assert first.poll() is None     # whoever asked waits for the end
        server.ask("core abort shutdown")
        assert first.wait(20) == 0
        assert wire.ask("INVITE", "open", extra=contact).status == 486
        convenient = begin(server, "core stop when convenient")
        assert b"Waiting for inactivity" in convenient.stdout.readline()
        assert wire.ask("INVITE", "open", extra=contact).status == 486
        last = begin(server, "core stop gracefully")
        assert convenient.wait(20) == 0
        wait_until(lambda: wire.ask("INVITE", "open", extra=contact).status == 503, "new calls are refused")
    assert not ended(server) and last.poll() is None
    server.console("channel request hangup all")
    wait_until(lambda: ended(server), server.log, 20)
    assert last.wait(20) == 0


def test_now(make_server):
    """Calls are hung up, and their h extensions run."""
    server = start(make_server)
    assert server.console("core stop now")[0] == 0
    wait_until(lambda: ended(server), server.log, 20)
    server.start()
    assert "ran" in server.ask("database get test h")
