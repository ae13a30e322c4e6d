"""The manager interface under strain: a hundred who send and never read."""

import re
import socket

import pytest

from conftest import accounts
from server import Server, free_port
from waiting import wait_until

MANY = 100
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
        longest(server)
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
            return all(gone)

        wait_until(all_gone, lambda: f"all are cut off; {sum(gone)} of {MANY} were", 120)
        assert pings > 3
        for s in deaf:
            wait_until(lambda: is_gone(s), "it is closed", 20)
            s.close()
        turn = longest(server)
        assert turn < 1000, f"a turn of the core took {turn} ms"
        assert re.search("^1 users connected", server.ask("manager show connected"), re.M)
    finally:
        server.stop()


def longest(server):
    text = server.ask("core show health")
    return int(re.search(r"longest since the last look +(\d+) ms", text).group(1))
