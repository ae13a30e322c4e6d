"""sidetone-ua when the network changes under it: the phone is in a network namespace of its own, joined with the server's
by a pair of virtual interfaces; each test is run there by the one that is seen from outside."""

import os
import signal
import subprocess
import sys

import pytest
from agent import Agent
from conftest import ACCOUNT, PJSIP
from server import free_port
from waiting import wait_until

HOST, FIRST, SECOND = "10.9.0.1", "10.9.0.2", "10.9.0.3"
INSIDE = os.environ.get("PHONE_TEST_NAMESPACE") == "1"
inside = pytest.mark.skipif(not INSIDE, reason="runs in a namespace, by test_in_a_namespace")

SETUP = 'ip link set lo up && exec "$@"'


@pytest.mark.skipif(INSIDE, reason="this is the namespace")
def test_in_a_namespace():
    if subprocess.run(["unshare", "-rn", "true"], check=False).returncode:
        pytest.skip("no network namespaces here")
    run = subprocess.run(["unshare", "-rn", "sh", "-c", SETUP, "sh", sys.executable, "-m", "pytest", "-q", "-x", __file__],
                         env={**os.environ, "PHONE_TEST_NAMESPACE": "1"}, capture_output=True, text=True, timeout=150,
                         check=False)
    assert run.returncode == 0, run.stdout[-6000:]
    assert "passed" in run.stdout, run.stdout


class There:
    """The phone's side, and what joins it with ours."""

    def __init__(self):
        for words in ("link add d0 type veth peer name d1", f"addr add {HOST}/24 dev d0", "link set d0 up"):
            subprocess.run(["ip", *words.split()], check=True)
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "600"])
        wait_until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"), "another network")
        subprocess.run(["ip", "link", "set", "d1", "netns", str(self.holder.pid)], check=True)
        self.ip("link", "set", "lo", "up")
        self.ip("link", "set", "d1", "up")
        self.ip("addr", "add", FIRST + "/24", "dev", "d1")

    def words(self, *words):
        return ["nsenter", "-t", str(self.holder.pid), "-n", *words]

    def ip(self, *words):
        subprocess.run(self.words("ip", *words), check=True)

    def move(self):
        self.ip("addr", "del", FIRST + "/24", "dev", "d1")
        self.ip("addr", "add", SECOND + "/24", "dev", "d1")

    def close(self):
        subprocess.run(["ip", "link", "del", "d0"], check=True)
        self.holder.send_signal(signal.SIGKILL)
        self.holder.wait()


@pytest.fixture
def there():
    it = There()
    yield it
    it.close()


@pytest.fixture
def server(make_server):
    text = PJSIP.replace("127.0.0.1", HOST) + ACCOUNT.format(user="1001", password="one")
    return make_server({"pjsip.conf": text}).start()


@inside
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_another_address(there, server, place, transport):
    agent = Agent(f"{place}/agent", "--uri", f"sip:1001@{HOST}:{server.port}", "--password", "one", "--server",
                  f"{transport}://{HOST}:{server.port}", "--tone", "440", wrap=there.words())
    agent.wait("registered")
    agent.type("call 600")
    agent.wait("accepted", call=1)
    agent.wait("media", media="flows")
    assert FIRST in str(server.contacts("1001"))
    there.move()
    # The drop is told, the way is made anew, and the call goes on, its sound too.
    assert agent.wait("disconnected", seconds=5)["text"] == "the network changed"
    agent.wait("connected", seconds=5)
    event = agent.wait("media", media="agreed", seconds=5)
    assert event["local"].startswith(SECOND), event
    agent.wait("media", media="flows", seconds=5)
    wait_until(lambda: SECOND in str(server.contacts("1001")), "it is registered anew", 5)
    agent.type("hangup")
    agent.wait("terminated")
    agent.type("quit")
    assert agent.end(how=None) == 0


@inside
def test_like_a_page(there, make_server, place):
    """An account for browsers: WebSocket, ICE, DTLS, one port for all."""
    ws = free_port()
    text = PJSIP.replace("127.0.0.1", HOST) + ACCOUNT.format(user="1001", password="one").replace(
        "auth = 1001", "auth = 1001\nwebrtc = yes\nallow = !all,opus,ulaw", 1)
    text += f"\n[ws]\ntype = transport\nprotocol = ws\nbind = {HOST}:{ws}\n"
    server = make_server({"pjsip.conf": text}).start()
    agent = Agent(f"{place}/agent", "--uri", f"sip:1001@{HOST}:{server.port}", "--password", "one", "--server", f"ws://{HOST}:{ws}/ws",
                  "--call", "600", "--tone", "440", "--ice", "--encryption", "dtls", "--seconds", "2", wrap=there.words())
    agent.wait("media", media="path", text="connected")
    agent.wait("media", media="flows")
    agent.wait("outcome", outcome="answered")
    assert agent.end(how=None) == 0
    assert any(e.get("codec") == "opus" and e["encryption"] == "dtls" for e in agent.events() if e.get("media") == "agreed")
