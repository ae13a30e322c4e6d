"""The manager interface under strain: a hundred who send and never read."""

import re
import socket

import pytest

from conftest import accounts
from server import Server, free_port
from waiting import wait_until

MANY = 100
LOOKS = 20      # at the core's turns
RATIO = 10      # of the longest turn with MANY who do not read to that with one who does
STALLS = 1      # the longest that so many looks saw may be the machine's own
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
EXTENSIONS = """
[default]
exten => e,1,Answer()
 same => n,Wait(2)
"""
PILES = {
    "lists": ["ListCommands", "Command\r\nCommand: core show help", "PJSIPShowEndpoints",
              "Command\r\nCommand: pjsip show endpoints"],
    "files": ["GetConfig\r\nFilename: pjsip.conf", "GetConfigJSON\r\nFilename: pjsip.conf"],
    "calls": ["Originate\r\nChannel: Local/e@default\r\nContext: default\r\nExten: e\r\nPriority: 1\r\nAsync: true"],
}


class Manager:
    def __init__(self, port):
        self.s = socket.create_connection(("127.0.0.1", port), 20)
        self.s.settimeout(30)
        self.ask("Login\r\nUsername: adm\r\nSecret: adm\r\nEvents: on")

    def ask(self, action, tag="x"):
        self.s.sendall(f"Action: {action}\r\nActionID: {tag}\r\n\r\n".encode())
        got = b""
        while f"ActionID: {tag}\r\n".encode() not in got:
            more = self.s.recv(65536)
            assert more, f"closed instead of an answer to {action}"
            got += more
        return got.decode()


class Turns:
    """How long turns of the core take, in the first LOOKS looks."""

    def __init__(self, server):
        self.server = server
        self.seen = []
        longest(server)

    def look(self):
        if len(self.seen) < LOOKS:
            self.seen.append(longest(self.server))

    def typical(self):
        """The longest [ms], but for STALLS: a machine with other work stops us now and then."""
        return sorted(self.seen)[-STALLS - 1]


def is_gone(s):
    try:
        while s.recv(1 << 20):
            pass
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


@pytest.mark.parametrize("pile", PILES)
def test_a_hundred_who_do_not_read(tmp_path, pile):
    port = free_port()
    users = {f"u{i}": "pw" for i in range(500)}
    server = Server(tmp_path, {"pjsip.conf": accounts(**users), "extensions.conf": EXTENSIONS,
                               "manager.conf": MANAGER.replace("{manager}", str(port))}, quiet=True)
    server.start()
    try:
        good = Manager(port)
        good.ask("Events\r\nEventMask: off")
        alone = Turns(server)
        reader = Manager(port)
        reader.ask("Events\r\nEventMask: off")
        for i in range(LOOKS):
            reader.ask("\r\n\r\nAction: ".join(PILES[pile] * (10 if pile == "calls" else 3) + ["Ping"]), f"r{i}")
            alone.look()
        reader.s.close()
        turns = Turns(server)
        deaf = [Manager(port).s for _ in range(MANY)]
        data = "".join(f"Action: {a}\r\n\r\n" for a in PILES[pile]).encode() * 1000
        left = [data] * MANY
        for s in deaf:
            s.setblocking(False)
        gone = [False] * MANY
        pings = 0

        def all_gone():
            nonlocal pings
            for i, s in enumerate(deaf):
                try:
                    left[i] = left[i][s.send(left[i][:65536]):]
                except BlockingIOError:
                    pass
                except OSError:
                    gone[i] = True
            good.ask("Ping", f"p{pings}")
            pings += 1
            turns.look()
            return all(gone)

        wait_until(all_gone, lambda: f"all are cut off; {sum(gone)} of {MANY} were", 120)
        assert pings > 3
        for s in deaf:
            wait_until(lambda: is_gone(s), "it is closed", 20)
            s.close()
        # Turns are bounded by their own time, however many wait: a ratio, for on a slow or
        # busy machine both are longer.
        assert turns.typical() <= RATIO * max(alone.typical(), 1), f"turns: {turns.seen} ms; with one who reads {alone.seen} ms"
        assert re.search("^1 users connected", server.ask("manager show connected"), re.M)
    finally:
        server.stop()


def longest(server):
    text = server.ask("core show health")
    return int(re.search(r"longest since the last look +(\d+) ms", text).group(1))
