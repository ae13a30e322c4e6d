"""A small SIP user agent over UDP or TCP that does what a scenario's steps say, and no more
than the habits in `auto` by itself. Everything that arrives is kept in `log`."""

import asyncio
import hashlib
import re

import sdp
from message import Message, parameter, uri_of, write

HABITS = {"ack", "BYE", "CANCEL", "OPTIONS", "NOTIFY", "INFO", "UPDATE", "reinvite", "MESSAGE", "REFER", "PRACK", "auth"}


class Dialog:
    def __init__(self, agent, call_id, local, remote, target):
        self.call_id, self.local, self.remote, self.target = call_id, local, remote, target
        self.routes, self.cseq, self.version = [], 1, 0
        self.invite = None          # the INVITE of ours, as (text, branch), for ACK and CANCEL
        self.invite_cseq = 1
        self.received = None        # the INVITE of theirs that waits for our answer
        self.state = "early"
        self.offer = ""             # the description in the last 2xx, for an ACK with sdp=auto

    def description(self, agent, words):
        self.version += 1
        return sdp.make(words, agent.ip, agent.serial, self.version)


class Agent(asyncio.DatagramProtocol):
    def __init__(self, name, user, ip, port, server, tell):
        self.name, self.user, self.ip, self.port, self.server = name, user, ip, port, server
        self.tell = tell                       # called whenever something arrived
        self.log, self.seen = [], set()
        self.cursor = 0
        self.dialogs, self.sent = [], {}
        self.auto = set(HABITS)
        self.serial, self.count = 7000, 0
        self.last = b""
        self.pending = {}                      # the last request of each method that was not answered
        self.credentials = None
        self.transport = self.stream = self.listener = None
        self.protocol = "UDP"

    # -- the wire -----------------------------------------------------------
    async def open(self):
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(self.ip, self.port))

    async def open_tcp(self, port):
        """From now on by TCP, on a connection of ours."""
        reader, self.stream = await asyncio.open_connection("127.0.0.1", port, local_addr=(self.ip, 0))
        self.protocol = "TCP"
        asyncio.ensure_future(self.read(reader))

    async def read(self, reader):
        data = b""
        while True:
            chunk = await reader.read(65536)
            if not chunk:
                return
            data = (data + chunk).lstrip(b"\r\n")
            while b"\r\n\r\n" in data:
                head, _, rest = data.partition(b"\r\n\r\n")
                m = re.search(rb"\r\n(?:Content-Length|l)\s*:\s*(\d+)", head, re.I)
                length = int(m.group(1)) if m else 0
                if len(rest) < length:
                    break
                self.arrived(head + b"\r\n\r\n" + rest[:length])
                data = rest[length:].lstrip(b"\r\n")

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        if data.strip(b"\r\n\0 "):
            self.arrived(data)

    def error_received(self, exc):
        pass

    def close(self):
        if self.transport:
            self.transport.close()
        if self.stream:
            self.stream.close()

    def send(self, text, to=None):
        self.last = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        if self.stream and to is None:
            self.stream.write(self.last)
        elif self.transport and not self.transport.is_closing():
            self.transport.sendto(self.last, to or self.server)

    # -- what arrives -------------------------------------------------------
    def arrived(self, data):
        msg = Message(data)
        if msg.key in self.seen:
            self.repeated(msg)
            return
        self.seen.add(msg.key)
        self.log.append(msg)
        try:
            (self.response if msg.is_response else self.request)(msg)
        finally:
            self.tell()

    def repeated(self, msg):
        if msg.is_response and msg.method == "INVITE" and 200 <= msg.status < 300:
            d = self.find(msg)
            if d and "ack" in self.auto and d.state == "up":
                self.ack(d)

    def find(self, msg):
        return next((d for d in reversed(self.dialogs) if d.call_id == msg.call_id), None)

    def response(self, msg):
        sent = self.sent.get(msg.branch)
        d = self.find(msg)
        if not sent or not d:
            return
        tag = parameter(msg.get("To"), "tag")
        if msg.method == "INVITE":
            if msg.status > 100 and tag and msg.status < 300:
                fork = next((x for x in self.dialogs if x.call_id == msg.call_id and parameter(x.remote, "tag") == tag), None)
                d = fork or d
                d.remote = msg.get("To")
                if msg.get("Contact"):
                    d.target = uri_of(msg.get("Contact"))
                if d.state == "early":
                    d.routes = [v for r in msg.all("Record-Route") for v in r.split(",")][::-1]
            if msg.status < 200:
                if msg.get("RSeq") and "PRACK" in self.auto:
                    self.in_dialog("PRACK", d, {"h": [f"RAck: {msg.get('RSeq')} {msg.cseq} INVITE"]})
            elif msg.status < 300:
                d.state, d.offer = "up", msg.body
                if "ack" in self.auto:
                    self.ack(d)
            else:
                d.state = d.state if d.state == "up" else "over"
                self.ack_failure(sent, msg)
        elif msg.method == "SUBSCRIBE" and msg.status < 300 and tag:
            d.remote, d.state = msg.get("To"), "sub"
            d.target = uri_of(msg.get("Contact")) or d.target
        if msg.status in (401, 407) and "auth" in self.auto and self.credentials and not sent.get("tried"):
            self.again(sent, msg, d)

    def ack_failure(self, sent, msg):
        head = sent["text"].split("\r\n\r\n")[0].split("\r\n")
        keep = [h for h in head[1:] if re.match(r"(Via|v|From|f|Call-ID|i|Max-Forwards|Route)\s*:", h, re.I)]
        lines = [head[0].replace("INVITE", "ACK", 1)] + keep + [f"To: {msg.get('To')}", f"CSeq: {msg.cseq} ACK",
                                                               "Content-Length: 0"]
        if "ack" in self.auto:
            self.send("\r\n".join(lines) + "\r\n\r\n")

    def again(self, sent, msg, d):
        """The same request with credentials and the next number."""
        name = "WWW-Authenticate" if msg.status == 401 else "Proxy-Authenticate"
        self.cseq_up(d)
        user, password = self.credentials
        method, uri = sent["text"].split(" ", 2)[:2]
        value = digest(msg.get(name), method, uri, user, password)
        if not value:
            return
        text = re.sub(r"(?m)^CSeq: \d+", f"CSeq: {d.cseq}", sent["text"])
        header = "Authorization" if msg.status == 401 else "Proxy-Authorization"
        text = text.replace("\r\nContent-Length", f"\r\n{header}: {value}\r\nContent-Length", 1)
        branch = self.branch()
        text = text.replace(sent["branch"], branch)
        self.sent[branch] = {"text": text, "branch": branch, "tried": True}
        if method == "INVITE":
            d.invite, d.invite_cseq, d.state = self.sent[branch], d.cseq, "early"
        self.send(text)

    def cseq_up(self, d):
        d.cseq += 1

    def request(self, msg):
        d = self.find(msg)
        if msg.method == "ACK":
            return
        self.pending[msg.method] = msg
        if msg.method == "INVITE" and not parameter(msg.get("To"), "tag"):
            d = Dialog(self, msg.call_id, self.with_tag(msg.get("To")), msg.get("From"), uri_of(msg.get("Contact")))
            d.routes = [v for r in msg.all("Record-Route") for v in r.split(",")]
            d.received, d.cseq = msg, 100
            self.dialogs.append(d)
            return
        if msg.method == "CANCEL" and "CANCEL" in self.auto:
            self.reply(msg, 200)
            if d and d.received and d.state == "early":
                self.reply(d.received, 487)
                d.state = "over"
            return
        if msg.method == "INVITE":
            if d:
                d.received = msg
                d.target = uri_of(msg.get("Contact")) or d.target
            if "reinvite" in self.auto and d:
                self.reply(msg, 200, {"sdp": "auto"})
            return
        if msg.method in self.auto:
            if msg.method == "BYE" and d:
                d.state = "over"
            self.reply(msg, 202 if msg.method == "REFER" else 200,
                       {"sdp": "auto"} if msg.method == "UPDATE" and msg.body else {})

    # -- what is sent -------------------------------------------------------
    def branch(self):
        self.count += 1
        return f"z9hG4bK{self.user}{self.count}x"

    def with_tag(self, value):
        self.count += 1
        return value if parameter(value, "tag") else f"{value};tag={self.user}t{self.count}"

    @property
    def contact(self):
        return f"<sip:{self.user}@{self.ip}:{self.port}{';transport=tcp' if self.protocol == 'TCP' else ''}>"

    def body_of(self, d, args, extra):
        if args.get("sdp") == "auto" and d.offer:
            d.version += 1
            extra.append(("Content-Type", "application/sdp"))
            return sdp.answer(d.offer, self.ip, self.serial, d.version)
        if args.get("sdp", "none") not in ("none", "auto"):
            extra.append(("Content-Type", "application/sdp"))
            return d.description(self, args["sdp"])
        if "body" in args:
            extra.append(("Content-Type", args.get("ct", "text/plain")))
            return args["body"].replace("\\n", "\r\n")
        return ""

    def out(self, method, uri, d, args):
        """Send METHOD in D, which may be a new one."""
        branch = self.branch()
        headers = [("Via", f"SIP/2.0/{self.protocol} {args.get('via', f'{self.ip}:{self.port}')};rport;branch={branch}"),
                   ("Max-Forwards", args.get("mf", "70")), ("From", d.local), ("To", d.remote), ("Call-ID", d.call_id),
                   ("CSeq", f"{d.invite_cseq if method in ('ACK', 'CANCEL') else d.cseq} {method}")]
        headers += [("Route", r.strip()) for r in d.routes]
        if method in ("INVITE", "SUBSCRIBE", "UPDATE", "REFER", "NOTIFY", "OPTIONS", "REGISTER") and args.get("contact") != "none":
            headers.append(("Contact", args.get("contact", self.contact)))
        extra = [tuple(p.strip() for p in h.split(":", 1)) for h in args.get("h", [])]
        body = self.body_of(d, args, extra)
        text = write(f"{method} {uri} SIP/2.0", headers + extra, body)
        for change in args.get("mut", []):
            text = mutate(text, change)
        self.sent[branch] = {"text": text, "branch": branch}
        if method == "INVITE":
            d.invite, d.invite_cseq = self.sent[branch], d.cseq
        self.send(text)

    def start(self, method, uri, args):
        self.count += 1
        local = args.get("from", f"<sip:{self.user}@{self.ip}>")
        d = Dialog(self, f"{self.user}-{self.count}", f"{local};tag={self.user}f{self.count}", args.get("to", f"<{uri}>"), uri)
        self.dialogs.append(d)
        self.out(method, uri, d, args)
        return d

    def in_dialog(self, method, d, args):
        if method not in ("ACK", "CANCEL"):
            self.cseq_up(d)
        if method == "BYE":
            d.state = "over"
        self.out(method, args.get("uri", d.target), d, args)

    def ack(self, d, args=None):
        self.out("ACK", d.target, d, args or {})

    def cancel(self, d):
        text = d.invite["text"]
        head = text.split("\r\n\r\n")[0].split("\r\n")
        keep = [h for h in head[1:] if re.match(r"(Via|From|To|Call-ID|Max-Forwards|Route)\s*:", h, re.I)]
        self.send("\r\n".join([head[0].replace("INVITE", "CANCEL", 1)] + keep +
                              [f"CSeq: {d.invite_cseq} CANCEL", "Content-Length: 0"]) + "\r\n\r\n")

    def reply(self, msg, status, args=None, reason=None):
        args = args or {}
        d = self.find(msg)
        to = msg.get("To")
        if status > 100:
            if d and msg.method == "INVITE" and d.received is msg:
                to = d.local if not parameter(to, "tag") else to
                if args.get("fork"):
                    to = to.replace("t", "fork" + args["fork"], 1) if False else re.sub(r"tag=", "tag=fork" + args["fork"], to)
            elif not parameter(to, "tag"):
                to = self.with_tag(to)
        headers = [("Via", v) for v in msg.all("Via")] + [("Record-Route", v) for v in msg.all("Record-Route")]
        headers += [("From", msg.get("From")), ("To", to), ("Call-ID", msg.call_id), ("CSeq", msg.get("CSeq"))]
        extra = [tuple(p.strip() for p in h.split(":", 1)) for h in args.get("h", [])]
        if args.get("contact") != "none" and status > 100 and (msg.method in ("INVITE", "UPDATE", "SUBSCRIBE") or "contact" in args):
            if status < 300 or "contact" in args:
                headers.append(("Contact", args.get("contact", self.contact)))
        body = ""
        if args.get("sdp") == "auto" and d:
            d.version += 1
            extra.append(("Content-Type", "application/sdp"))
            body = sdp.answer(msg.body, self.ip, self.serial, d.version) if "m=" in msg.body else \
                sdp.make("ulaw,tel", self.ip, self.serial, d.version)
        elif d:
            body = self.body_of(d, args, extra)
        text = write(f"SIP/2.0 {status} {reason or REASONS.get(status, 'Some')}", headers + extra, body)
        for change in args.get("mut", []):
            text = mutate(text, change)
        if d and msg.method == "INVITE" and status >= 200 and d.state == "early":
            d.state = "up" if status < 300 else "over"
        self.send(text)


REASONS = {100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress", 200: "OK",
           202: "Accepted", 302: "Moved Temporarily", 301: "Moved Permanently", 404: "Not Found", 408: "Request Timeout",
           480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 486: "Busy Here", 487: "Request Terminated",
           488: "Not Acceptable Here", 491: "Request Pending", 500: "Server Internal Error", 503: "Service Unavailable",
           600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 403: "Forbidden"}


def mutate(text, change):
    """CHANGE is s/PATTERN/REPLACEMENT/ with any separator; patterns see lines."""
    _, pattern, new, *_ = change.split(change[0] if change[0] != "s" else change[1])
    return re.sub(pattern, new.replace("\\r\\n", "\r\n"), text, count=1, flags=re.M)


def digest(challenge, method, uri, user, password):
    p = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge))
    hash_of = {"SHA-256": hashlib.sha256}.get(p.get("algorithm", "MD5").upper(), hashlib.md5)

    def h(text):
        return hash_of(text.encode()).hexdigest()
    ha1, ha2 = h(f"{user}:{p.get('realm')}:{password}"), h(f"{method}:{uri}")
    out = [f'username="{user}"', f'realm="{p.get("realm")}"', f'nonce="{p.get("nonce")}"', f'uri="{uri}"']
    nonce = p.get("nonce")
    if "qop" in p:
        out += [f'response="{h(f"{ha1}:{nonce}:00000001:abc:auth:{ha2}")}"', "qop=auth", "nc=00000001", 'cnonce="abc"']
    else:
        out.append(f'response="{h(f"{ha1}:{nonce}:{ha2}")}"')
    out += [f'algorithm={p.get("algorithm", "MD5")}'] + ([f'opaque="{p["opaque"]}"'] if "opaque" in p else [])
    return "Digest " + ", ".join(out)
