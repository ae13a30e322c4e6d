"""A manager and a console that meddle: random actions on channels that are alive just
now, in an order that no operator would choose."""

import random
import re
import socket
import time

from reactor import OVER, UP

PATIENCE = 8.0          # [s] for the answer to an action

# What is done, with {c} and {d} for channels, {n} for a number to dial, {w} for a phone.
ACTIONS = [
    "Hangup\nChannel: {c}\nCause: {k}", "Redirect\nChannel: {c}\nContext: soak\nExten: {n}\nPriority: 1",
    "Redirect\nChannel: {c}\nExtraChannel: {d}\nContext: soak\nExten: {n}\nPriority: 1\nExtraContext: soak\nExtraExten: {m}\n"
    "ExtraPriority: 1",
    "Bridge\nChannel1: {c}\nChannel2: {d}\nTone: no", "Atxfer\nChannel: {c}\nContext: soak\nExten: {n}",
    "BlindTransfer\nChannel: {c}\nContext: soak\nExten: {n}", "CancelAtxfer\nChannel: {c}", "PlayDTMF\nChannel: {c}\nDigit: {g}",
    "Setvar\nChannel: {c}\nVariable: CONNECTEDLINE(num)\nValue: 4711", "Setvar\nChannel: {c}\nVariable: X\nValue: {n}",
    "Getvar\nChannel: {c}\nVariable: CHANNEL(pjsip,call-id)", "Getvar\nChannel: {c}\nVariable: CHANNEL(rtcp,all)",
    "Status\nChannel: {c}", "SendText\nChannel: {c}\nMessage: hello", "AbsoluteTimeout\nChannel: {c}\nTimeout: 1",
    "Originate\nChannel: PJSIP/{w}\nContext: soak\nExten: {n}\nPriority: 1\nTimeout: 2000\nAsync: true",
    "Originate\nChannel: Local/{n}@soak\nContext: soak\nExten: {m}\nPriority: 1\nAsync: true",
    "Originate\nChannel: PJSIP/{w}\nApplication: Playback\nData: tune\nTimeout: 1000\nAsync: true",
    "LocalOptimizeAway\nChannel: {c}", "MuteAudio\nChannel: {c}\nDirection: all\nState: on", "BridgeDestroy\nBridgeUniqueid: {c}",
    "PJSIPQualify\nEndpoint: {w}", "PJSIPNotify\nEndpoint: {w}\nVariable: Event=x", "PJSIPNotify\nURI: sip:{w}@127.0.0.1:9\nVariable: Event=x",
    "PJSIPNotify\nchannel: {c}\nVariable: Event=x", "MWIUpdate\nMailbox: box\nNewMessages: {k}\nOldMessages: 1", "MessageSend\nTo: pjsip:{w}\nBody: hello",
    "Reload\nModule: res_pjsip.so", "CoreShowChannels", "PJSIPShowEndpoint\nEndpoint: {w}", "PJSIPShowContacts", "PJSIPShowSubscriptionsInbound",
    "DBPut\nFamily: soak\nKey: {n}\nVal: 1", "DBDelTree\nFamily: soak", "ExtensionState\nContext: soak\nExten: 1001", "Events\nEventMask: {e}",
    "Command\nCommand: devstate change Custom:lamp {s}", "Command\nCommand: channel request hangup {c}", "Command\nCommand: bridge show all",
    "Command\nCommand: channel redirect {c} soak,{n},1", "Command\nCommand: channel originate Local/{n}@soak application Playback tune",
    "Command\nCommand: core show channel {c}", "Command\nCommand: dialplan reload", "Command\nCommand: bridge kick all {c}",
    "Command\nCommand: pjsip send notify x endpoint {w}", "Command\nCommand: core show channels", "Command\nCommand: pjsip show channels",
]
NUMBERS = ["echo", "play", "ring", "prog", "moh", "read", "local", "fork", "limit", "dw1", "dt2", "busy", "var", "slow", "nobody"]


class Manager:
    def __init__(self, c):
        self.c, self.stats = c, c.stats
        self.rng = random.Random(f"{c.seed}:managing:{c.number}")
        self.sock, self.buffer, self.serial = None, b"", 0
        self.channels = []

    def connect(self):
        self.close()
        self.buffer = b""
        try:
            self.sock = socket.create_connection(("127.0.0.1", self.c.options.manager), 2)
            self.sock.settimeout(0.2)
        except OSError:
            self.sock = None
            return
        self.ask("Login\nUsername: adm\nSecret: adm")

    def close(self):
        if self.sock:
            self.sock.close()
        self.sock = None

    def ask(self, action):
        """Send it and read until its answer is there; events in between are read past.
        None: no answer, or the connection is gone."""
        self.serial += 1
        mark = f"ActionID: s{self.serial}\r\n"
        generation, until = self.c.shared.generation.value, time.monotonic() + PATIENCE
        try:
            self.sock.sendall(("Action: " + action.replace("\n", "\r\n") + f"\r\n{mark}\r\n").encode())
            while time.monotonic() < until:
                at = self.buffer.find(mark.encode())
                end = self.buffer.find(b"\r\n\r\n", at) if at >= 0 else -1
                if end >= 0:
                    said, self.buffer = self.buffer[:end].decode(errors="replace"), self.buffer[end:]
                    return said
                self.buffer = self.buffer[-2000000:]
                try:
                    data = self.sock.recv(1 << 18)
                except TimeoutError:
                    self.c.reactor.turn(0)
                    if self.c.reactor.seen != UP:
                        return None
                    continue
                if not data:
                    raise ConnectionError
                self.buffer += data
        except OSError:
            self.close()
            return None
        if generation == self.c.shared.generation.value and self.c.shared.state.value == UP:
            self.stats["stuck"] += 1
            self.stats.event("stuck", f"no answer in {PATIENCE:g} s to the manager's {action.splitlines()[0]}\n{action}")
        self.close()
        return None

    def look(self):
        """Which channels there are."""
        said = self.ask("Command\nCommand: core show channels concise")
        if said:
            # The canary and the phones that judge their calls are left alone.
            self.channels = re.findall(r"Output: ((?!PJSIP/p\d|PJSIP/canary)[^!\s]+)!", said)

    def act(self):
        rng = self.rng
        if rng.random() < 0.2 or not self.channels:
            self.look()
        if not self.sock:
            return
        pick = [rng.choice(self.channels) if self.channels else "PJSIP/none" for _ in "cd"]
        action = rng.choice(ACTIONS)
        phone = f"{rng.choice('wwt')}{rng.randrange(8)}"
        words = {"c": pick[0], "d": pick[1], "n": rng.choice(NUMBERS), "m": rng.choice(NUMBERS), "w": phone,
                 "k": rng.choice([0, 16, 17, 34, 127]), "g": rng.choice("0159*#ABCD"), "e": rng.choice(["on", "off", "call", "call,system"]),
                 "s": rng.choice(["INUSE", "NOT_INUSE", "RINGING", "ONHOLD"])}
        self.stats["actions"] += 1
        self.ask(action.format(**words))


def work(c):
    m = Manager(c)
    while c.shared.state.value != OVER:
        c.reactor.turn(min(0.4, m.rng.expovariate(1 / 0.08)))
        if c.reactor.seen != UP:
            m.close()
        elif m.sock is None:
            m.connect()
        else:
            m.act()
    m.close()
    c.reactor.turn(0)
