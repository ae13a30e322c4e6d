"""One random dialog, as the caller or as the called. The order of what it does and
the details of each message come from its generator; times and answers do not."""

import random
import re

import rtc
import stun
from sipmsg import SECURE as SECURE_LINES
from sipmsg import answer_to, authorize, change_media, media_line, sdp_text

NUMBERS = ["echo", "echo", "play", "play", "early", "ring", "ring", "prog", "prog", "moh", "mohearly", "read", "send",
           "local", "fork", "limit", "busy", "cong", "slow", "var", "stream", "nobody", "pick", "1", "new"]
ANY_STATUS = [100, 180, 183, 199, 200, 202, 204, 300, 302, 305, 380, 400, 401, 403, 404, 405, 407, 408, 410, 415, 420, 421, 422, 423,
              480, 481, 482, 484, 486, 487, 488, 489, 491, 500, 501, 503, 504, 505, 580, 600, 603, 606, 699]
ALLOW = "Allow: INVITE, ACK, CANCEL, BYE, UPDATE, PRACK, INFO, REFER, NOTIFY, OPTIONS, MESSAGE, SUBSCRIBE\r\n"
EVENTS = [("presence", "application/pidf+xml"), ("dialog", "application/dialog-info+xml"),
          ("message-summary", "application/simple-message-summary"), ("presence", "application/xpidf+xml"),
          ("refer", "message/sipfrag"), ("nothing", "text/plain"), ("presence.winfo", "application/pidf+xml")]


# What a dialog's encrypted media has; most have none.
SECURE = [("ice", "dtls", "mux"), ("ice", "dtls", "mux"), ("dtls",), ("sdes",), ("ice", "sdes", "mux"), ("ice",), ("ice", "lite", "dtls", "mux")]
WRONG_CHECKS = 0.3      # of the checks of ICE, in walks
TRICKLE = "Supported: trickle-ice, 100rel\r\nRecv-Info: trickle-ice\r\n"

EXTRAS = ["", "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\nMin-SE: 90\r\n", "Require: 100rel\r\n", "Supported: 100rel\r\n",
          "Require: 100rel\r\nSupported: timer\r\nSession-Expires: 1800\r\n",
          "Supported: timer, 100rel\r\nSession-Expires: 90;refresher=uas\r\n",
          "Supported: timer\r\nSession-Expires: 5\r\n", "Require: timer\r\nSupported: 100rel\r\n", "Require: nothing\r\n"]


class Dialog:
    """W: its walker. SEED: of its generator. INVITE: the request that began it,
    when the server called."""

    def __init__(self, w, name, seed, invite):
        self.w, self.name, self.invite_in = w, name, invite
        self.rng = random.Random(seed)
        self.over = self.up = False
        self.version = self.cseq = 1
        self.cseq = self.rng.choice([0, 1, 1, 1, 100, 2147483600])
        self.lines, self.peer_media = [], []
        self.invites = {}               # branch and extra of our INVITEs that wait, by CSeq
        self.last = None                # the last 2xx of ours, or request: bytes
        self.steps = self.rng.choice([1, 2, 3, 4, 6, 8, 12, 20])
        self.rseq = self.rng.randrange(1, 1 << 20)
        self.acked = False
        self.event = None
        self.rtc = None                 # the end of encrypted media, made with the first offer or answer
        if invite is None:
            self.call_id = f"s{w.seed}-{w.number}-{w.generation}-{name.replace(':', '-')}"
            self.local = f"<sip:{w.user}@{w.host}>;tag=l{self.rng.getrandbits(32):x}"
            self.remote, self.remote_tag = "", ""
            self.target = ""
        else:
            self.call_id = invite.call_id
            self.remote, self.remote_tag = invite.one("from"), invite.tag("from")
            self.local_tag = f"l{self.rng.getrandbits(32):x}"
            self.local = invite.one("to") + f";tag={self.local_tag}"
            self.target = invite.contact()

    # -- parts ----------------------------------------------------------------
    def headers(self, method, cseq, extra="", wrong=None):
        """From, To, Call-ID, CSeq, Contact. WRONG: which part is to be wrong."""
        local, remote, call_id = self.local, self.remote, self.call_id
        if wrong == "from":
            local = re.sub("tag=.*", "tag=wrong", local)
        elif wrong == "to":
            remote = re.sub("tag=.*", "tag=wrong", remote)
        elif wrong == "none":
            remote = re.sub(";tag=.*", "", remote)
        elif wrong == "call":
            call_id += "x"
        return (f"From: {local}\r\nTo: {remote}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n"
                f"Contact: <{self.w.contact()}>\r\n{ALLOW}{extra}")

    def ask(self, method, extra="", body="", ctype="application/sdp", wrong=None, cseq=None, done=None, expect=True):
        """A request inside the dialog, or what there is of it."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        w = self.w
        uri = self.target or f"sip:{w.host}"
        branch = w.request(self, method, uri, self.headers(method, cseq, extra, wrong), body, ctype, expect, done or (lambda m: None))
        return branch

    def offer(self):
        """An offer, most often a change of the last one."""
        w, rng = self.w, self.rng
        if not self.lines:
            self.lines = [media_line(rng, w.ip, w.media_port)]
            if rng.random() < 0.4:
                self.secure_line(self.lines[0], True)
            if rng.random() < 0.25:
                change_media(rng, self.lines, w.ip, w.media_port)
        else:
            if self.rtc and rng.random() < 0.8:
                rng.choice([self.rtc.restart, self.rtc.rekey, self.nothing, self.nothing])()
                self.secure_line(self.lines[0], True)
            for _ in range(rng.choice([0, 1, 1, 1, 2, 3]) if self.rtc is None else rng.choice([0, 0, 1])):
                change_media(rng, self.lines, w.ip, w.media_port)
        del self.lines[24:]
        self.version += rng.choice([0, 1, 1, 1])
        return sdp_text(rng, self.lines, w.ip, self.version)

    def answer(self, body):
        """An answer to the offer BODY, right or wrong."""
        w, rng = self.w, self.rng
        lines = []
        for kind, port, proto, formats in re.findall(r"^m=(\w+) (\d+) (\S+) ([^\r\n]*)", body, re.M):
            line = {"kind": kind, "port": w.media_port if port != "0" and rng.random() < 0.9 else 0, "proto": proto,
                    "formats": formats.split()[:rng.choice([1, 1, 2, 9])], "ip": w.ip, "more": [], "way": "sendrecv"}
            lines.append(line)
        if lines and lines[0]["port"] and re.search("^a=(fingerprint|crypto|ice-ufrag):", body, re.M) and rng.random() < 0.8:
            how = {"dtls": "a=fingerprint:", "sdes": "a=crypto:", "ice": "a=ice-ufrag:", "mux": "a=rtcp-mux"}
            self.secure_line(lines[0], False, tuple(k for k, v in how.items() if v in body), body)
        if rng.random() < 0.25:
            change_media(rng, lines, w.ip, w.media_port)
        self.lines = lines
        self.version += 1
        return sdp_text(rng, lines, w.ip, self.version)

    def secure_line(self, line, offer, how=None, body=""):
        """Make LINE that of the dialog's encrypted media. BODY: the offer that it answers."""
        w, rng = self.w, self.rng
        if self.rtc is None:
            self.rtc = rtc.Peer(w.reactor, random.Random(rng.getrandbits(48)), w.ip, set(how or rng.choice(SECURE)), w.identities,
                                self.heard, WRONG_CHECKS)
            self.rtc.trickle = "ice" in self.rtc.how and rng.random() < 0.3
            w.stats["secure_dialogs"] += 1
        if body:
            self.rtc.learn(body, True)
        line["ip"], line["port"] = self.rtc.where()
        line["more"] = self.rtc.lines(offer)
        if offer:
            line["proto"] = self.rtc.profile()
        else:
            self.rtc.answered()

    def heard(self, packet):
        self.w.stats["secure_heard"] += 1

    # -- beginnings -------------------------------------------------------------
    def begin(self):
        w, r = self.w, self.rng.random()
        w.reactor.at(30, self.finish)
        number = self.rng.choice(w.numbers)
        if self.rng.random() < 0.35:
            number = f"d{self.rng.choice('wwt')}{self.rng.randrange(8)}"
        self.target = f"sip:{number}@{w.host}"
        self.remote = f"<{self.target}>"
        if r < 0.74:
            self.invite()
            w.reactor.at(self.pause(), self.step)
        elif r < 0.86:
            self.subscribe()
            w.reactor.at(self.pause(), self.step)
        elif r < 0.92:
            self.register()
        elif r < 0.97:
            self.single()
        else:
            self.garbage()

    def pause(self):
        return min(3.0, self.w.reactor.lag + self.rng.choice([0.002, 0.02, 0.1, 0.3, 0.6]) * self.rng.expovariate(1))

    def invite(self, body=None, auth="", extra=None, proved=False):
        """AUTH: credentials; PROVED: they answer a challenge of this very request."""
        rng, w = self.rng, self.w
        if body is None:
            body = "" if rng.random() < 0.1 else self.offer()
        if extra is None:
            extra = "Supported: 100rel, timer, replaces\r\n" if rng.random() < 0.6 else rng.choice(EXTRAS)
            extra += TRICKLE if self.rtc and self.rtc.trickle else ""
        if not auth and not self.up and w.challenge and rng.random() < 0.8:
            auth = authorize(w.user, w.password, "INVITE", self.target, w.challenge, w.counts)
        self.cseq += 1
        cseq = self.cseq

        def done(m):
            self.on_invite(m, cseq, body, extra, proved)
        uri = self.target
        branch = w.request(self, "INVITE", uri, self.headers("INVITE", cseq, extra + auth), body, done=done)
        self.invites[cseq] = (branch, uri, extra + auth)

    def ack(self, cseq, branch=None, body=""):
        """ACK of a 2xx (without BRANCH) or of a refusal."""
        w = self.w
        uri = self.target if branch is None else self.invites.get(cseq, ("", self.target))[1]
        w.request(self, "ACK", uri, self.headers("ACK", cseq), body, expect=False, branch=branch)

    def on_invite(self, m, cseq, body, extra, proved):
        w, rng = self.w, self.rng
        branch = self.invites.get(cseq, ("",))[0]
        if m.status < 200:
            if m.tag("to") and not self.remote_tag:
                self.learn(m)
            if "100rel" in m.one("require"):
                self.prack(m, cseq)
            return
        if m.status >= 300:
            if rng.random() < 0.96:
                keep = self.remote
                self.remote = m.one("to")
                self.ack(cseq, branch)
                self.remote = keep
            self.invites.pop(cseq, None)
            if m.status in (401, 407) and not proved and not self.over:
                auth = authorize(w.user, w.password, "INVITE", self.target, m, w.counts)
                if auth:
                    w.challenge = m
                    self.invite(body, auth, extra, True)
                    return
            if not self.up:
                self.finish()
            return
        self.learn(m)
        self.up = True
        self.confirm(cseq, body, m)
        self.invites.pop(cseq, None)

    def confirm(self, cseq, body, m):
        """The ACK of a 2xx: at once, late, twice, wrong or never."""
        rng, w = self.rng, self.w
        answer = "" if body else self.answer(m.body)
        r = rng.random()
        if r < 0.82:
            self.ack(cseq, None, answer)
        elif r < 0.90:
            w.reactor.at(rng.uniform(0.1, 3), self.ack, cseq, None, answer)
        elif r < 0.95:
            for _ in range(rng.randrange(2, 5)):
                self.ack(cseq, None, answer)
        elif r < 0.97:
            self.ack(cseq + rng.choice([1, -1, 7]), None, answer)

    def final_again(self, m):
        if m.status < 300 and self.rng.random() < 0.7 and self.remote:
            self.ack(m.cseq)

    def learn(self, m):
        self.remote, self.remote_tag = m.one("to"), m.tag("to")
        self.target = m.contact() or self.target
        if m.body:
            self.peer_media = m.media()
            if self.rtc:
                self.rtc.learn(m.body, False)

    def prack(self, m, cseq):
        rng, rseq = self.rng, m.one("rseq")
        r = rng.random()
        if r < 0.2:
            return
        right = f"RAck: {rseq} {cseq} INVITE\r\n"
        if r < 0.4:
            right = rng.choice([f"RAck: 1 {cseq} INVITE\r\n", f"RAck: {rseq} {cseq + 1} INVITE\r\n", "RAck: x\r\n", "",
                                f"RAck: {rseq} {cseq} UPDATE\r\n", f"RAck: 4294967295 {cseq} INVITE\r\n"])
        body = self.offer() if rng.random() < 0.15 else ""
        for _ in range(rng.choice([1, 1, 1, 2])):
            self.ask("PRACK", right, body)

    def subscribe(self):
        rng, w = self.rng, self.w
        event, accept = rng.choice(EVENTS)
        number = rng.choice(["1001", "1002", "1003", "1004", "friends", "more", w.user, "nobody"])
        self.target = f"sip:{number}@{w.host}"
        self.remote = f"<{self.target}>"
        self.event = event
        extra = (f"Event: {event}\r\nAccept: {accept}\r\nExpires: {rng.choice([0, 1, 2, 5, 8])}\r\n" +
                 ("Supported: eventlist\r\nAccept: application/rlmi+xml, multipart/related\r\n" if rng.random() < 0.5 else ""))

        def done(m, proved=False):
            if m.status in (401, 407) and not proved:
                auth = authorize(w.user, w.password, "SUBSCRIBE", uri, m, w.counts)
                if auth:
                    self.ask("SUBSCRIBE", extra + auth, done=lambda m: done(m, True))
            elif 200 <= m.status < 300:
                self.learn(m)
                self.up = True
            elif m.status >= 300:
                self.finish()
        uri = self.target
        self.ask("SUBSCRIBE", extra, done=done)

    def register(self):
        """A registration of any shape: several contacts, all of them away, odd times."""
        rng, w = self.rng, self.w
        uri = self.target = f"sip:{w.host}"
        self.remote = f"<sip:{w.user}@{w.host}>"
        own = f"sip:{w.user}@{w.ip}:{w.wire.port}"
        contacts = rng.choice([f"<{own}>;expires={rng.choice([0, 1, 2, 30, 4294967295])}", "*", f"<{own}>, <{own}>;expires=1",
                               f"<{own};x=1>;expires=1, <{own};x=2>;expires=0;q=0.5", "", f"<sip:{w.user}@192.0.2.1>;expires=1",
                               "<sip:x@127.0.0.1:1>;+sip.instance=\"<urn:uuid:1>\";reg-id=1;expires=1"])
        extra = (f"Expires: {0 if contacts == '*' else rng.choice([0, 1, 60])}\r\n" + (f"Contact: {contacts}\r\n" if contacts else ""))

        def send(auth=""):
            self.cseq += 1
            w.request(self, "REGISTER", uri, f"From: {self.local}\r\nTo: {self.remote}\r\nCall-ID: {self.call_id}\r\n"
                      f"CSeq: {self.cseq} REGISTER\r\n{extra}{auth}", done=lambda m: done(m, auth))

        def done(m, auth):
            if m.status == 401 and not auth:
                line = authorize(w.user, w.password, "REGISTER", uri, m, w.counts)
                if line:
                    send(line)
                    return
            if m.status >= 200:
                self.finish()
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            send()

    def single(self):
        """A request without a dialog."""
        rng, w = self.rng, self.w
        method = rng.choice(["OPTIONS", "MESSAGE", "INFO", "NOTIFY", "PUBLISH", "BYE", "CANCEL", "UPDATE", "PRACK", "REFER", "FOO",
                             "INVITE"])
        body = rng.choice(["", "hello", self.offer()])
        uri = self.target

        def done(m, proved=False):
            if m.status in (401, 407) and not proved:
                auth = authorize(w.user, w.password, method, uri, m, w.counts)
                if method == "INVITE":
                    self.ack(m.cseq, m.branch())
                elif auth:
                    self.ask(method, auth, body, "text/plain", done=lambda m: done(m, True))
            elif m.status >= 200:
                if method == "INVITE":
                    self.ack(m.cseq, None if m.status < 300 else m.branch())
                self.finish()
        self.ask(method, rng.choice(["", "Event: message-summary\r\n", "Refer-To: <sip:echo@x>\r\n"]), body,
                 rng.choice(["text/plain", "application/sdp"]), done=done)

    def garbage(self):
        """A message with bytes that were changed. Over TCP it would only end the connection."""
        w, rng = self.w, self.rng
        self.finish()
        if w.wire.protocol != "UDP":
            return
        via = f"SIP/2.0/UDP {w.ip}:{w.wire.port};branch=z9hG4bK{rng.getrandbits(40):x}"
        data = bytearray(f"INVITE {self.target} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\n{self.headers('INVITE', 1)}"
                         f"Content-Type: application/sdp\r\n\r\n{self.offer()}".encode())
        for _ in range(rng.choice([1, 3, 20])):
            i = rng.randrange(len(data) + 1) - 1
            if i < 0:
                continue
            how = rng.randrange(4)
            if how == 0:
                data[i] = rng.randrange(256)
            elif how == 1:
                del data[i:i + rng.randrange(1, 30)]
            elif how == 2:
                data[i:i] = rng.choice([b"\r\n", b";", b"\0", b'"', b"4294967296", b"%", b"<", b" "]) * rng.choice([1, 1, 50])
            else:
                data = data[:max(1, i)]
        w.send(bytes(data), self.name)

    # -- in the middle ------------------------------------------------------------
    def step(self):
        """The next thing, whatever state the dialog is in."""
        w, rng = self.w, self.rng
        if self.over or w.stopping:
            return
        self.steps -= 1
        if self.steps <= 0:
            self.end()
            return
        if self.event:
            self.step_subscription()
        else:
            rng.choice(STEPS)(self)
        if not self.over:
            w.reactor.at(self.pause(), self.step)

    def step_subscription(self):
        rng = self.rng
        self.ask(rng.choice(["SUBSCRIBE", "SUBSCRIBE", "SUBSCRIBE", "NOTIFY", "BYE", "OPTIONS", "MESSAGE"]),
                 f"Event: {rng.choice([self.event, self.event, 'dialog'])}\r\nExpires: {rng.choice([0, 1, 2, 8])}\r\n",
                 wrong=rng.choice([None] * 8 + ["from", "to", "call"]))

    def reinvite(self):
        self.invite()

    def update(self):
        extra = self.rng.choice(["", "Supported: timer\r\nSession-Expires: 90\r\n"])
        self.ask("UPDATE", extra, self.offer() if self.rng.random() < 0.8 else "")

    def cancel(self):
        if not self.invites:
            return
        cseq = self.rng.choice(list(self.invites))
        branch, uri, _ = self.invites[cseq]
        to = self.remote if self.rng.random() < 0.1 or not self.remote_tag else re.sub(";tag=.*", "", self.remote)
        self.w.request(self, "CANCEL", uri, f"From: {self.local}\r\nTo: {to}\r\nCall-ID: {self.call_id}\r\nCSeq: {cseq} CANCEL\r\n",
                       done=lambda m: None, branch=branch)

    def bye(self):
        self.ask("BYE", "", wrong=self.rng.choice([None] * 9 + ["to"]))
        if self.rng.random() < 0.6:
            self.finish()

    def info(self):
        relay = "application/dtmf-relay"
        body, ctype = self.rng.choice([
            ("Signal=5\r\nDuration=160\r\n", relay), ("#", "application/dtmf"), ("", ""), ("Signal=\r\n", relay),
            ("Signal=*2\r\nDuration=99999999999\r\n", relay), ("Signal=#\r\nDuration=100\r\n", relay),
            ("<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></media_control>",
             "application/media_control+xml")])
        self.ask("INFO", "", body, ctype or "text/plain")

    def refer(self):
        w, rng = self.w, self.rng
        others = [d for d in w.dialogs.values() if d is not self and d.remote_tag and d.up]
        to = rng.choice(["<sip:echo@{h}>", "<sip:dw1@{h}>", "<sip:nobody@{h}>", "sip:ring@{h}", "<sip:echo@{h};method=BYE>", "<>",
                         "<tel:1>", "<sip:{h}>"]).replace("{h}", w.host)
        if others and rng.random() < 0.6:
            d = rng.choice(others)
            lt = d.local.rpartition("tag=")[2]
            replaces = f"{d.call_id}%3Bto-tag%3D{d.remote_tag}%3Bfrom-tag%3D{lt}" + rng.choice(["", "%3Bearly-only"])
            to = f"<sip:{rng.choice(['echo', 'ring', 'dw2'])}@{w.host}?Replaces={replaces}>"
        extra = rng.choice(["", f"Referred-By: <sip:{w.user}@{w.host}>\r\n", "Refer-Sub: false\r\n"])
        self.ask("REFER", f"Refer-To: {to}\r\n{extra}")

    def other(self):
        extra = self.rng.choice(["", "Event: refer\r\nSubscription-State: terminated\r\n", "Event: dialog\r\n"])
        self.ask(self.rng.choice(["MESSAGE", "OPTIONS", "NOTIFY", "SUBSCRIBE", "PUBLISH", "REGISTER", "FOO"]), extra,
                 self.rng.choice(["", "text"]), "text/plain")

    def wrong(self):
        """In the dialog of somebody else, or out of its order."""
        rng = self.rng
        method = rng.choice(["BYE", "UPDATE", "INFO", "OPTIONS", "PRACK", "REFER"])
        if rng.random() < 0.5:
            self.ask(method, wrong=rng.choice(["from", "to", "none", "call"]))
        else:
            self.ask(method, cseq=rng.choice([0, 1, max(0, self.cseq - 1), self.cseq, self.cseq + 1000000, 2147483647, 4294967295,
                                              4294967296]))

    def ack_again(self):
        self.ack(self.cseq + self.rng.choice([0, 0, -1, 1]), None, self.offer() if self.rng.random() < 0.2 else "")

    def repeat(self):
        """The last messages once more, as a wire that doubles packets would."""
        sent = [t for t in list(self.w.trace)[-40:] if f" > {self.w.user} {self.name}\n" in t[:80]]
        if sent and self.w.wire.protocol == "UDP":
            self.w.send(self.rng.choice(sent[-4:]).partition("\n")[2][:-1].encode(), self.name)

    def trickle(self):
        """Candidates by INFO: those of an offer that had none, or others (RFC 8840)."""
        rng = self.rng
        if self.rtc is None or "ice" not in self.rtc.how:
            return
        self.rtc.trickle = False
        body = self.rtc.sdpfrag()
        how = rng.randrange(8)
        if how == 0:
            body = body.replace(self.rtc.ufrag, "gone")
        elif how == 1:
            body = body.replace("a=mid:", "a=mid:9")
        elif how == 2:
            body = body[:rng.randrange(len(body))]
        elif how == 3:
            body += "".join(f"a={x}\r\n" for x in rng.sample(SECURE_LINES, 3))
        elif how == 4:
            body = body.replace("a=end-of-candidates\r\n", f"a={self.rtc.candidate()}\r\n" * rng.choice([1, 40]))
        self.w.stats["trickled"] += 1
        self.ask("INFO", "Info-Package: trickle-ice\r\nContent-Disposition: Info-Package\r\n", body, "application/trickle-ice-sdpfrag")

    def checks(self):
        """What others send to the ports of media: checks with a fault, handshakes that begin, rubbish of each kind."""
        w, rng = self.w, self.rng
        for _, port in self.peer_media:
            at = (w.server[0], port)
            if not port:
                continue
            if self.rtc and "ice" in self.rtc.how and self.rtc.theirs.get("ufrag") and rng.random() < 0.6:
                self.rtc.check(at, rng.choice(stun.FAULTS))
                continue
            kind = rng.choice([stun.REQUEST, stun.INDICATION, stun.SUCCESS, stun.ERROR, 0x0003, 0x0113])
            data = rng.choice([stun.build(kind, rng.randbytes(12), [(stun.USERNAME, b"a:b"), (stun.PRIORITY, bytes(4))], "pw"),
                               b"\x16\xfe\xfd" + bytes(8) + b"\x00\x40\x01" + rng.randbytes(63), b"\x16\xfe\xff" + rng.randbytes(40),
                               b"\x15\xfe\xfd" + rng.randbytes(15), b"\x40\x00\x00\x10" + rng.randbytes(16), rng.randbytes(30)])
            try:
                w.media.sendto(data, at)
            except OSError:
                pass

    def cut(self):
        """Its walker's connection goes: other dialogs lose theirs too."""
        if self.w.wire.protocol != "UDP" and self.rng.random() < 0.2:
            self.w.stats["connections_cut"] += 1
            self.w.wire.close()

    def sound(self):
        if self.rtc:
            self.rtc_sound()
        for _, port in self.peer_media:
            if port:
                self.w.rtp(self.rng, self.w.server[0], port)

    def rtc_sound(self):
        """Some packets as they should be, if the way is there."""
        rng = self.rng
        ssrc, first = rng.getrandbits(32), rng.getrandbits(16)
        for i in range(rng.randrange(1, 12)):
            packet = bytes([0x80, rng.choice([0, 0, 8, 9, 96, 101])]) + ((first + i) & 0xffff).to_bytes(2, "big") + bytes(4)
            self.rtc.send(packet + ssrc.to_bytes(4, "big") + b"\xf8\xff\xfe" + bytes(157))
        self.rtc.send(b"\x81" + rng.choice([b"\xc8", b"\xc9", b"\xce", b"\xcd"]) + b"\x00\x07" + ssrc.to_bytes(4, "big") + rng.randbytes(24))

    def replaces(self):
        """A new call that takes this one over."""
        w, rng = self.w, self.rng
        if not self.remote_tag:
            return
        name = f"{self.name}r{self.steps}"
        d = Dialog(w, name, rng.getrandbits(48), None)
        d.steps = 3
        w.dialogs[d.call_id] = d
        d.target = f"sip:echo@{w.host}"
        d.remote = f"<{d.target}>"
        d.invite(extra=f"Replaces: {self.call_id};to-tag={self.remote_tag};from-tag={self.local.rpartition('tag=')[2]}\r\n")
        w.reactor.at(d.pause(), d.step)

    def nothing(self):
        pass

    # -- the server asks -------------------------------------------------------------
    def incoming(self, m):
        handler = {"INVITE": self.on_call, "CANCEL": self.on_cancel, "BYE": self.on_bye, "ACK": self.on_ack,
                   "UPDATE": self.on_offer}.get(m.method, self.on_other)
        if m.method == "INVITE" and m.tag("to"):
            handler = self.on_offer
        handler(m)

    def reply(self, m, status, extra="", body=""):
        data = answer_to(m, status, getattr(self, "local_tag", ""), f"Contact: <{self.w.contact()}>\r\n{ALLOW}{extra}", body)
        self.w.send(data, self.name)
        return data

    def on_call(self, m):
        """The server calls: the whole story of the answer is decided here."""
        w, rng = self.w, self.rng
        if self.last is not None:
            if rng.random() < 0.7:
                w.send(self.last, self.name)
            return
        r = rng.random()
        self.last = b""
        if r < 0.04:
            w.reactor.at(4, self.finish)
            return
        at = 0.0
        for _ in range(rng.choice([0, 1, 1, 2, 3])):
            at += self.pause()
            w.reactor.at(at, self.provisional, m)
        at += self.pause()
        if r < 0.65:
            w.reactor.at(at, self.accept, m)
        elif r < 0.90:
            w.reactor.at(at, self.refuse, m)
        else:
            w.reactor.at(6, self.refuse, m)

    def provisional(self, m):
        rng = self.rng
        if self.over or self.up:
            return
        status = rng.choice([100, 180, 180, 181, 183, 183, 199])
        extra, body = "", ""
        if rng.random() < 0.3:
            self.rseq += rng.choice([1, 1, 1, 0, 2, -1])
            extra = f"Require: 100rel\r\nRSeq: {self.rseq}\r\n"
        if status != 100 and rng.random() < 0.4:
            body = self.answer(m.body) if m.body else self.offer()
        self.last = self.reply(m, status, extra, body)

    def accept(self, m):
        if self.over:
            return
        self.up = True
        body = self.answer(m.body) if m.body else self.offer()
        if self.rng.random() < 0.05:
            body = ""
        self.peer_media = m.media()
        extra = self.rng.choice(["", "", "Supported: timer\r\nRequire: timer\r\nSession-Expires: 90;refresher=uas\r\n"])
        self.last = self.reply(m, self.rng.choice([200] * 9 + [202]), extra, body)
        self.w.reactor.at(0.5, self.accept_again, 1.0)
        if self.rng.random() < 0.05:
            # A fork: a second answer with another tag.
            self.local_tag += "x"
            self.reply(m, 200, "", body)
            self.local_tag = self.local_tag[:-1]
        self.w.reactor.at(self.pause(), self.step)

    def accept_again(self, gap):
        if not self.acked and not self.over and gap < 9:
            self.w.send(self.last, self.name)
            self.w.reactor.at(gap, self.accept_again, gap * 2)

    def refuse(self, m):
        if self.over:
            return
        status = self.rng.choice(ANY_STATUS[7:])
        extra = {3: f"Contact: <sip:{self.rng.choice(['echo', 'dw3', 'x'])}@{self.w.host}>\r\n"}.get(status // 100, "")
        if status in (401, 407):
            extra = f'{"WWW" if status == 401 else "Proxy"}-Authenticate: Digest realm="x", nonce="y"\r\n'
        self.last = self.reply(m, status, extra)
        self.finish()

    def on_cancel(self, m):
        if self.rng.random() < 0.95:
            self.reply(m, self.rng.choice([200] * 9 + [481]))
        if not self.up and self.invite_in is not None:
            self.last = self.reply(self.invite_in, self.rng.choice([487] * 9 + [486, 200, 180]))
        self.finish()

    def on_bye(self, m):
        if self.rng.random() < 0.95:
            self.reply(m, self.rng.choice([200] * 12 + [481, 500, 401, 302]))
        self.finish()

    def on_ack(self, m):
        self.acked = True

    def on_offer(self, m):
        r = self.rng.random()
        if r < 0.05:
            return
        if r < 0.75:
            self.reply(m, 200, "", self.answer(m.body) if m.body else self.offer() if m.method == "INVITE" else "")
        elif r < 0.85:
            self.reply(m, self.rng.choice([100, 180]))
            self.w.reactor.at(self.pause(), self.reply, m, 200, "", self.answer(m.body))
        else:
            self.reply(m, self.rng.choice(ANY_STATUS[4:]))

    def on_other(self, m):
        if self.rng.random() < 0.95:
            self.reply(m, 200 if self.rng.random() < 0.85 else self.rng.choice(ANY_STATUS))

    # -- ends --------------------------------------------------------------------------
    def end(self):
        """The last step: hang up in order, most often. Some leave without a word."""
        if self.over:
            return
        r = self.rng.random()
        if self.event:
            if self.up:
                self.ask("SUBSCRIBE", f"Event: {self.event}\r\nExpires: 0\r\n", expect=False)
        elif self.w.stopping or r < 0.9:
            if self.up:
                self.ask("BYE", expect=not self.w.stopping)
            else:
                self.cancel()
        self.finish()

    def finish(self):
        """Nothing more begins here; what comes late is still answered for a while."""
        if not self.over:
            self.over = True
            self.w.reactor.at(2.0, self.drop)

    def drop(self):
        """Nobody answers for it any more."""
        self.w.dialogs.pop(self.call_id, None)
        if self.rtc:
            self.rtc.close(self.rng.random() < 0.5)
            self.rtc = None


STEPS = ([Dialog.reinvite] * 6 + [Dialog.update] * 5 + [Dialog.cancel] * 2 + [Dialog.bye] * 2 + [Dialog.info] * 3 +
         [Dialog.refer] * 2 + [Dialog.other] * 2 + [Dialog.wrong] * 2 + [Dialog.ack_again] * 2 + [Dialog.repeat] * 2 + [Dialog.sound] * 5 +
         [Dialog.replaces] + [Dialog.nothing] * 4 + [Dialog.trickle] * 3 + [Dialog.checks] * 3 + [Dialog.cut])
