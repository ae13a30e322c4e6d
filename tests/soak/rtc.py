"""One end of encrypted media for the soak: ICE with a single host candidate, DTLS-SRTP or
SDES, at one UDP port with RTCP on it. Right in all it does, unless it is told to err."""

import base64
import re
import socket
import string

import srtp
import stun
from openssl import Dtls, Identity

CHECK = 0.05            # [s] between checks of a pair that has not answered
CONSENT = 2.5           # [s] and of one that has
SETUPS = {"active": "passive", "passive": "active"}
LETTERS = string.ascii_letters + string.digits


class Identities:
    """The certificates of all peers of a process: opened when first used."""

    def __init__(self, directory, count):
        self.paths = [(f"{directory}/phone{i}.pem", f"{directory}/phone{i}.key") for i in range(count)]
        self.open = {}

    def pick(self, rng):
        n = rng.randrange(len(self.paths))
        if n not in self.open:
            self.open[n] = Identity(*self.paths[n])
        return self.open[n]


class Peer:
    """HOW: a set of "ice", "lite", "dtls", "sdes", "mux". HEARD(packet) is called with what comes,
    in the clear. FAULTS: how many of the checks are to be wrong, of 1."""

    def __init__(self, reactor, rng, ip, how, identities, heard, faults=0.0):
        self.reactor, self.rng, self.ip, self.how, self.heard, self.faults = reactor, rng, ip, how, heard, faults
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ip, 0))
        self.sock.setblocking(False)
        self.port = self.sock.getsockname()[1]
        reactor.watch(self.sock, self.readable)
        self.identities = identities
        self.identity = identities.pick(rng) if "dtls" in how else None
        self.dtls, self.dtls_of, self.active = None, None, None
        self.setup = "actpass"                  # what we said last
        self.out = self.into = None             # directions of SRTP
        self.theirs = {}                        # what the other end said last
        self.ours, self.tag, self.keyed = {}, "1", None
        self.tie = rng.getrandbits(64)
        self.controlling = False
        self.waiting = {}                       # transaction: (address, nominates)
        self.selected, self.last_check, self.nominated = None, 0.0, False
        self.mid, self.trickle = "0", False
        self.bad = self.good = 0                # packets that could not be read, and that could
        self.restart()
        self.rekey()

    # -- what SDP says -----------------------------------------------------------
    def restart(self):
        """Other credentials of ICE; checks begin anew with the next answer."""
        self.ufrag = "".join(self.rng.choices(LETTERS, k=8))
        self.pwd = "".join(self.rng.choices(LETTERS, k=24))

    def rekey(self):
        """Other keys of SDES, or another certificate."""
        if "sdes" in self.how:
            names = self.rng.sample(list(srtp.SUITES), k=self.rng.choice([1, 2, 3]))
            self.ours = {str(i + 1): (name, self.rng.randbytes(srtp.SUITES[name][0] + srtp.SALT)) for i, name in enumerate(names)}
        elif "dtls" in self.how:
            self.identity = self.identities.pick(self.rng)

    def profile(self):
        if "dtls" in self.how:
            return "UDP/TLS/RTP/SAVPF" if "mux" in self.how else "UDP/TLS/RTP/SAVP"
        return "RTP/SAVP" if "sdes" in self.how else "RTP/AVP"

    def candidate(self):
        return f"candidate:1 1 udp 2130706431 {self.ip} {self.port} typ host"

    def lines(self, offer):
        """Attributes for the m= line, without a=."""
        out = [f"mid:{self.mid}", "rtcp-mux"] if "mux" in self.how else []
        if "ice" in self.how:
            out += [f"ice-ufrag:{self.ufrag}", f"ice-pwd:{self.pwd}", "ice-options:trickle"]
            out += [] if self.trickle else [self.candidate(), "end-of-candidates"]
        if "dtls" in self.how:
            if offer:
                self.setup = "actpass"
            elif self.active is None:
                asked = self.theirs.get("setup", "actpass")
                self.setup = SETUPS.get(asked) or self.rng.choice(["active", "passive"])
            else:
                self.setup = "active" if self.active else "passive"
            out += [f"setup:{self.setup}", f"fingerprint:{self.identity.fingerprint}"]
        for tag, (name, key) in self.ours.items():
            if offer or tag == self.tag:
                out.append(f"crypto:{tag} {name} inline:{base64.b64encode(key).decode()}")
        return out

    def where(self):
        """(address, port) for c= and m=."""
        return ("0.0.0.0", 9) if self.trickle else (self.ip, self.port)

    def session_lines(self):
        return ["ice-lite"] if "lite" in self.how else []

    def sdpfrag(self):
        """What is trickled after an offer without candidates (RFC 8840)."""
        return (f"a=ice-options:trickle\r\na=ice-ufrag:{self.ufrag}\r\na=ice-pwd:{self.pwd}\r\nm=audio 9 {self.profile()} 0\r\n"
                f"a=mid:{self.mid}\r\na={self.candidate()}\r\na=end-of-candidates\r\n")

    def learn(self, body, offer):
        """The other end's description; OFFER: theirs is one, else it answers ours."""
        session, _, media = body.partition("\r\nm=")
        media = "m=" + media.partition("\r\nm=")[0]

        def one(pattern):
            found = re.search(pattern, media, re.M) or re.search(pattern, session, re.M)
            return found.group(1) if found else ""
        port = re.search(r"^m=\w+ (\d+)", media)
        new = {"ufrag": one(r"^a=ice-ufrag:(\S+)"), "pwd": one(r"^a=ice-pwd:(\S+)"), "setup": one(r"^a=setup:(\w+)"),
               "fingerprint": one(r"^a=fingerprint:([^\r\n]+)"), "mid": one(r"^a=mid:(\S+)"),
               "at": (one(r"^c=IN IP4 (\S+)"), int(port.group(1)) if port else 0),
               "candidates": re.findall(r"^a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ", media, re.M | re.I),
               "crypto": re.findall(r"^a=crypto:(\d+) (\S+) inline:([^|\s]+)", media, re.M)}
        if not new["at"][1]:
            return
        old, self.theirs = self.theirs, new
        self.mid = new["mid"] or self.mid
        if "ice" in self.how and (new["ufrag"], self.ufrag) != (old.get("ufrag"), old.get("with")):
            self.controlling = not offer and "lite" not in self.how
            self.selected, self.nominated, self.last_check = None, False, 0.0
            self.waiting.clear()
        new["with"] = self.ufrag
        if "dtls" in self.how:
            self.learn_dtls(offer, old)
        elif "sdes" in self.how:
            self.learn_sdes(offer)

    def learn_dtls(self, offer, old):
        """A new association when either fingerprint is new, or the roles are (RFC 8842 4)."""
        new = self.theirs
        if not offer:
            self.active = new["setup"] == "passive" if new["setup"] in SETUPS else self.active
        now = (self.identity.fingerprint, new["fingerprint"])
        if offer:
            if old.get("fingerprint") and old["fingerprint"] != new["fingerprint"]:
                self.active = None
            return                      # begun when our answer is written
        self.associate(now)

    def answered(self):
        """Our answer to their offer went out."""
        if "dtls" in self.how:
            self.active = self.setup == "active"
            self.associate((self.identity.fingerprint, self.theirs.get("fingerprint")))

    def associate(self, now):
        if self.active is None or now == self.dtls_of:
            return
        self.dtls_of = now
        self.out = self.into = None
        if self.dtls:
            self.dtls.forget()
        self.dtls = Dtls(self.identity, self.active, self.transmit)
        if self.active and self.target():
            self.dtls.start()

    def learn_sdes(self, offer):
        rows = [r for r in self.theirs["crypto"] if r[1] in srtp.SUITES]
        if offer:
            known = {name: (tag, key) for tag, (name, key) in self.ours.items()}
            row = next((r for r in rows if r[1] in known), rows[0] if rows else None)
            if not row:
                return
            own = known.get(row[1], (None, None))[1] or self.rng.randbytes(srtp.SUITES[row[1]][0] + srtp.SALT)
            self.ours, self.tag = {row[0]: (row[1], own)}, row[0]
        elif rows and self.ours.get(rows[0][0], ("",))[0] == rows[0][1]:        # else it answers a line that was slipped in
            row, self.tag = rows[0], rows[0][0]
        else:
            return
        name, own = self.ours[self.tag]
        keys = (name, own, row[2])
        if keys != self.keyed:
            self.keyed = keys
            self.out, self.into = srtp.Way(name, own), srtp.Way(name, base64.b64decode(row[2] + "=="))

    # -- packets ------------------------------------------------------------------
    def target(self):
        """Where packets go; None: ICE has no pair yet."""
        if "ice" in self.how and self.theirs.get("ufrag"):
            return self.selected
        at = self.theirs.get("at", ("", 0))
        return at if at[1] and at[0] not in ("", "0.0.0.0") else None

    def secure(self):
        return "dtls" in self.how or "sdes" in self.how

    def ready(self):
        return self.target() is not None and (self.out is not None or not self.secure())

    def transmit(self, data, to=None):
        to = to or self.target()
        if to:
            try:
                self.sock.sendto(data, to)
            except OSError:
                pass

    def send(self, packet):
        """RTP, or RTCP by its type."""
        if not self.ready():
            return False
        control = 192 <= packet[1] < 224
        if self.out:
            packet = self.out.protect_rtcp(packet) if control else self.out.protect(packet)
        self.transmit(packet)
        return True

    def readable(self):
        for _ in range(64):
            try:
                data, source = self.sock.recvfrom(4096)
            except BlockingIOError:
                return
            except OSError:
                continue
            if data and data[0] < 4:
                self.stun(data, source)
            elif data and 20 <= data[0] < 64:
                if self.dtls and self.dtls.ssl:
                    self.dtls.receive(data)
                    self.take_keys()
            elif len(data) >= 12 and data[0] >> 6 == 2:
                self.packet(data)

    def take_keys(self):
        if self.dtls.keys and not self.out:
            self.out, self.into = srtp.of_dtls(self.dtls.suite, self.dtls.keys, self.dtls.active)

    def packet(self, data):
        if 192 <= data[1] < 224:
            return
        if self.secure():
            data = self.into.unprotect(data) if self.into else None
        if data:
            self.good += 1
            self.heard(data)
        else:
            self.bad += 1

    # -- ICE ------------------------------------------------------------------------
    def stun(self, data, source):
        m = stun.parse(data)
        if m is None or "ice" not in self.how:
            return
        kind, transaction, found = m
        if kind == stun.REQUEST:
            self.answer_check(data, source, transaction, found)
        elif transaction in self.waiting:
            at, nominates = self.waiting.pop(transaction)
            if kind == stun.SUCCESS and stun.signed_by(data, found, self.theirs["pwd"]):
                self.pair(at)
                self.nominated |= nominates
            elif kind == stun.ERROR and found.get(stun.ERROR_CODE, b"")[2:4] == b"\x04\x57":
                self.controlling = not self.controlling         # 487

    def answer_check(self, data, source, transaction, found):
        name = found.get(stun.USERNAME, b"").decode("utf-8", "replace")
        if name.partition(":")[0] != self.ufrag or not stun.signed_by(data, found, self.pwd):
            return
        if self.rng.random() < self.faults / 4:
            self.sock.sendto(stun.build(stun.ERROR, transaction, [(stun.ERROR_CODE, self.rng.choice(
                [b"\0\0\x04\x57Role", b"\0\0\x04\x01No", b"\0\0\x05\0Error"]))], self.pwd), source)
            return
        self.sock.sendto(stun.build(stun.SUCCESS, transaction, [(stun.XOR_MAPPED, stun.xor_mapped(source))], self.pwd), source)
        if not self.controlling and (stun.USE_CANDIDATE in found or "lite" in self.how):
            self.pair(source)
        elif self.theirs.get("ufrag"):
            self.check(source)

    def pair(self, at):
        if self.selected is None:
            self.selected = at
            if self.dtls and self.active and not self.dtls.keys:
                self.dtls.start()

    def check(self, at, fault=None):
        """A check to AT; FAULT: as stun.build() knows them."""
        transaction = self.rng.randbytes(12)
        nominates = self.controlling
        name = f"{self.theirs['ufrag']}{'x' if fault == 'name' else ''}:{self.ufrag}"
        role = stun.CONTROLLING if self.controlling else stun.CONTROLLED
        parts = [(stun.USERNAME, name.encode()), (stun.PRIORITY, (1862270975).to_bytes(4, "big")), (role, self.tie.to_bytes(8, "big"))]
        if nominates:
            parts.append((stun.USE_CANDIDATE, b""))
        if fault is None:
            self.waiting[transaction] = (at, nominates)
        self.transmit(stun.build(stun.REQUEST, transaction, parts, self.theirs["pwd"], fault), at)

    def candidates(self):
        return [(ip, int(port)) for ip, port in self.theirs.get("candidates", [])] or [self.theirs.get("at", ("", 0))]

    def tick(self):
        """Each 20 ms or so: checks that are due, and DTLS's own repetitions."""
        if self.dtls and self.dtls.ssl and self.target():
            self.dtls.tick()
            self.take_keys()
        if "ice" not in self.how or "lite" in self.how or not self.theirs.get("ufrag"):
            return
        gap = CONSENT if self.selected and (self.nominated or not self.controlling) else CHECK
        if self.reactor.now - self.last_check < gap:
            return
        self.last_check = self.reactor.now
        if len(self.waiting) > 64:
            self.waiting.clear()
        for at in [self.selected] if self.selected else self.candidates()[:4]:
            if at[1] and at[0]:
                wrong = self.rng.random() < self.faults
                self.check(at, self.rng.choice(stun.FAULTS) if wrong else None)

    def close(self, politely=True):
        if self.dtls:
            (self.dtls.close if politely else self.dtls.forget)()
        self.reactor.forget(self.sock)
        self.sock.close()
