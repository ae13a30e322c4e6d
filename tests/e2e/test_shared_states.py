"""Two servers that share the states of devices and mailboxes by PUBLISH (asterisk-publication), and
what becomes of them: a restart, a wire that is cut, a wrong password, a tag that is worth nothing more."""

import itertools
import re
import socket
import threading
import time

import pytest

from server import Server, free_port
from waiting import wait_until

DEVICES = 100
MAILBOXES = 10
IN_TIME = 0.2           # [s] from a change to its news on the other server; a busy machine gets SLOW times that
SLOW = 10
PJSIP = """
[system]
type = system
timer_t1 = 100
timer_b = 3200
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{port}
[out](!)
type = outbound-publish
server_uri = sip:shared@127.0.0.1:{far}
from_uri = sip:other@127.0.0.1
expiration = {expires}
outbound_auth = out
[devices](out)
event = asterisk-devicestate
@device_state_filter = ^Custom:
[boxes](out)
event = asterisk-mwi
[out]
type = auth
username = other
password = {says}
[other]
type = endpoint
disallow = all
allow = ulaw
auth = other
[other]
type = auth
username = other
password = {wants}
[shared]
type = inbound-publication
endpoint = other
event_asterisk-devicestate = both
event_asterisk-mwi = both
[both]
type = asterisk-publication
devicestate_publish = devices
mailboxstate_publish = boxes
device_state = yes
mailbox_state = yes
"""
MANAGER = """
[general]
enabled = yes
bindaddr = 127.0.0.1
port = {manager}
[adm]
secret = adm
read = all
write = all
"""


class Manager:
    """Actions, and when which DeviceStateChange and MessageWaiting came."""

    def __init__(self, port):
        self.s = socket.create_connection(("127.0.0.1", port), 20)
        self.s.settimeout(30)
        self.rest = b""
        self.news = {}
        self.ask("Login\r\nUsername: adm\r\nSecret: adm\r\nEvents: on")

    def take(self, seconds):
        """One block as a dictionary; None: none in time."""
        self.s.settimeout(max(seconds, 0.001))
        while b"\r\n\r\n" not in self.rest:
            try:
                more = self.s.recv(65536)
            except TimeoutError:
                return None
            assert more, "the manager's connection was closed"
            self.rest += more
        block, self.rest = self.rest.split(b"\r\n\r\n", 1)
        head = dict(line.split(": ", 1) for line in block.decode().split("\r\n") if ": " in line)
        if head.get("Event") == "DeviceStateChange":
            self.news[head["Device"]] = (head["State"], time.monotonic())
        elif head.get("Event") == "MessageWaiting":
            self.news[head["Mailbox"]] = (head.get("New"), time.monotonic())
        return head

    def ask(self, action, tag="x"):
        self.s.sendall(f"Action: {action}\r\nActionID: {tag}\r\n\r\n".encode())
        while True:
            head = self.take(30)
            assert head is not None, f"no answer to {action}"
            if head.get("ActionID") == tag and "Response" in head:
                assert head["Response"] == "Success", head
                return head

    def device(self, name, state):
        self.ask(f"Setvar\r\nVariable: DEVICE_STATE({name})\r\nValue: {state}")

    def mailbox(self, name, new):
        self.ask(f"MWIUpdate\r\nMailbox: {name}\r\nNewMessages: {new}\r\nOldMessages: 0")

    def state(self, name):
        return self.ask(f"Getvar\r\nVariable: DEVICE_STATE({name})")["Value"]

    def messages(self, name):
        return self.ask(f"MailboxCount\r\nMailbox: {name}")["NewMessages"]

    def drain(self):
        while self.take(0.001):
            pass


class Wire:
    """Datagrams from whoever sends here to `port`, and what comes back; while `cut`, none."""

    def __init__(self, port):
        self.to = ("127.0.0.1", port)
        self.near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for s in (self.near, self.far):
            s.bind(("127.0.0.1", 0))
            s.settimeout(0.1)
        self.port = self.near.getsockname()[1]
        self.peer = None
        self.cut = self.over = False
        self.threads = [threading.Thread(target=self.run, args=(s,)) for s in (self.near, self.far)]
        for t in self.threads:
            t.start()

    def run(self, s):
        while not self.over:
            try:
                data, peer = s.recvfrom(65536)
            except TimeoutError:
                continue
            if s is self.near:
                self.peer = peer
            if not self.cut and self.peer:
                (self.far if s is self.near else self.near).sendto(data, self.to if s is self.near else self.peer)

    def close(self):
        self.over = True
        for t in self.threads:
            t.join()
        self.near.close()
        self.far.close()


class Side:
    """One of both: its devices are Custom:a-... or Custom:b-..., its mailboxes a-...@default."""

    def __init__(self, directory, letter):
        self.letter = letter
        self.manager_port = free_port()
        self.server = Server(directory, {"manager.conf": MANAGER.replace("{manager}", str(self.manager_port))}, quiet=True)
        with open(self.server.conf, encoding="utf-8") as f:
            conf = f.read()
        self.server.write("asterisk.conf", f"{conf}entityid = 00:16:3e:00:00:0{'ab'.index(letter) + 1}\n")
        self.m = None
        self.said = {}

    def configure(self, far, says="pw", wants="pw", expires=3600):
        text = PJSIP
        for key, value in {"far": far, "says": says, "wants": wants, "expires": expires}.items():
            text = text.replace("{" + key + "}", str(value))
        self.server.write("pjsip.conf", text)

    def start(self):
        self.server.start()
        self.m = Manager(self.manager_port)

    def devices(self):
        return [f"Custom:{self.letter}-{i:03}" for i in range(DEVICES)]

    def mailboxes(self):
        return [f"{self.letter}-{i:03}@default" for i in range(MAILBOXES)]

    def set_device(self, name, state):
        self.said[name] = state
        self.m.device(name, state)

    def set_all(self, turn):
        states = ["INUSE", "RINGING", "BUSY", "ONHOLD", "NOT_INUSE", "UNAVAILABLE"]
        for i, name in enumerate(self.devices()):
            self.set_device(name, states[(i + turn) % len(states)])
        for i, name in enumerate(self.mailboxes()):
            self.said[name] = str((i + turn) % 7)
            self.m.mailbox(name, self.said[name])

    def knows(self, name):
        return self.m.messages(name) if "@" in name else self.m.state(name)


class Pair:
    def __init__(self, place, wire=False, **kw):
        self.a, self.b = Side(place / "a", "a"), Side(place / "b", "b")
        self.wire = Wire(self.b.server.port) if wire else None
        self.kw = kw
        self.configure()

    def configure(self):
        self.a.configure(self.wire.port if self.wire else self.b.server.port, **self.kw)
        self.b.configure(self.a.server.port, **self.kw)

    def start(self):
        self.b.start()
        self.a.start()
        return self

    def wrong(self):
        """What one does not know of the other, or not rightly."""
        return [f"{x.letter} says {name} is {state}, {y.letter} hears {y.knows(name)}"
                for x, y in ((self.a, self.b), (self.b, self.a)) for name, state in x.said.items()
                if y.knows(name) != state]

    def all_right(self, seconds=20):
        wait_until(lambda: not self.wrong(), lambda: "\n".join(["each has what the other said"] + self.wrong()[:5]), seconds)

    def close(self):
        if self.wire:
            self.wire.close()
        for x in (self.a, self.b):
            x.server.stop()


@pytest.fixture
def pair(tmp_path):
    made = []

    def make(**kw):
        made.append(Pair(tmp_path, **kw))
        return made[-1].start()

    for letter in "ab":
        (tmp_path / letter).mkdir()
    yield make
    for p in made:
        p.close()


def delay(x, y, name):
    """How long after `x` says another state `y` hears of it [s]."""
    state = "INUSE" if x.said[name] == "BUSY" else "BUSY"
    y.m.drain()
    y.m.news.pop(name, None)
    begun = time.monotonic()
    x.set_device(name, state)
    while y.m.news.get(name, (None,))[0] != state:
        assert time.monotonic() - begun < 10, f"{name} {state} did not come"
        y.m.take(1)
    return y.m.news[name][1] - begun


def test_all_states_both_ways_and_soon(pair):
    p = pair()
    p.a.set_all(0)
    p.b.set_all(3)
    p.all_right()
    delays = sorted(delay(x, y, name) for x, y in ((p.a, p.b), (p.b, p.a)) for name in x.devices()[:10] * 2)
    assert delays[len(delays) // 2] < IN_TIME, delays
    assert delays[-1] < IN_TIME * SLOW, delays
    # All at once: what has been overtaken need not be said, the last one must.
    for turn in range(1, 4):
        p.a.set_all(turn)
    p.all_right()
    # Nobody says what it has heard: who asks one server hears its own only.
    assert all(p.a.server.ask("pjsip show publications outbound").count(e) == 1
               for e in ("asterisk-devicestate", "asterisk-mwi"))


@pytest.mark.parametrize("how", ["in order", "at once"])
def test_restart(pair, how):
    p = pair()
    p.a.set_all(0)
    p.b.set_all(2)
    p.all_right()
    if how == "in order":
        p.b.server.stop()
    else:
        p.b.server.kill()
    for i, name in enumerate(p.a.devices()[:20]):
        p.a.set_device(name, "BUSY" if i % 2 else "INUSE")
    p.b.start()
    p.all_right(40)
    p.b.set_device(p.b.devices()[0], "ONHOLD")
    p.all_right()


def test_cut_wire(pair):
    """The publication ends meanwhile, so its tag is worth nothing when the wire is whole again."""
    p = pair(wire=True, expires=4)
    p.a.set_all(0)
    p.all_right()
    p.wire.cut = True
    for i, name in enumerate(p.a.devices()):
        p.a.set_device(name, "RINGING" if i % 3 else "BUSY")
    wait_until(lambda: "refused" in p.a.server.ask("pjsip show publications outbound"), "the wire is felt to be cut", 20)
    wait_until(lambda: "asterisk-devicestate" not in p.b.server.ask("pjsip show publications inbound"), "the publication has ended", 20)
    p.wire.cut = False
    p.all_right(40)
    counters = p.b.server.ask("pjsip show counters")
    assert all(re.search(rf"  \.\.\. {what} +[1-9]", counters) for what in ("refused", "not renewed in time")), counters


def test_wrong_password(pair):
    p = pair()
    p.a.set_all(0)
    p.all_right()
    p.kw["says"] = "wrong"
    p.configure()
    p.a.server.ask("module reload res_pjsip.so")
    first = p.a.devices()[0]
    states = itertools.cycle(("BUSY", "ONHOLD"))

    def given_up():
        p.a.set_device(first, next(states))
        return re.search(r"devices +asterisk-devicestate .* refused +401 +0 ", p.a.server.ask("pjsip show publications outbound"))

    wait_until(given_up, lambda: p.a.server.ask("pjsip show publications outbound"), 20, every=0.2)
    p.a.set_device(first, "RINGING")
    p.a.set_device(p.a.devices()[1], "BUSY")
    assert p.b.knows(first) != "RINGING"
    p.kw["says"] = "pw"
    p.configure()
    p.a.server.ask("module reload res_pjsip.so")
    p.all_right()
