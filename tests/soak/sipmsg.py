"""SIP messages for the soak: parsed leniently, built from parts, digest answered,
SDP put together from lines that may be wrong."""

import hashlib
import re

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "c": "content-type",
           "o": "event", "r": "refer-to", "u": "allow-events"}


class Message:
    """What came from the server. `status` 0: a request."""

    def __init__(self, data):
        self.text = data.decode("utf-8", "replace")
        head, _, self.body = self.text.partition("\r\n\r\n")
        lines = head.split("\r\n")
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self.headers.setdefault(COMPACT.get(name, name), []).append(value.strip())
        first = lines[0].split(" ", 2)
        if lines[0].startswith("SIP/2.0 "):
            self.status, self.method, self.uri = int(first[1]), "", ""
        else:
            self.status, self.method, self.uri = 0, first[0], first[1] if len(first) > 1 else ""
        number, _, method = self.one("cseq").partition(" ")
        self.cseq = int(number) if number.isdigit() else 0
        self.cseq_method = method.strip()
        self.call_id = self.one("call-id")

    def one(self, name):
        return self.headers.get(name, [""])[0]

    def tag(self, name):
        found = re.search(r";\s*tag=([^;\s>]+)", self.one(name))
        return found.group(1) if found else ""

    def branch(self):
        found = re.search(r";\s*branch=([^;\s,]+)", self.one("via"))
        return found.group(1) if found else ""

    def contact(self):
        found = re.search(r"<([^>]*)>", self.one("contact"))
        return found.group(1) if found else self.one("contact").partition(";")[0]

    def media(self):
        """Where the peer wants each m= line's packets: [(type, port)]."""
        return [(t, int(p)) for t, p in re.findall(r"^m=(\w+) (\d+)", self.body, re.M)]


def answer_to(request, status, tag, extra="", body="", reason="Soak", ctype="application/sdp"):
    """The bytes of a response to REQUEST."""
    out = [f"SIP/2.0 {status} {reason}"]
    out += [f"Via: {v}" for v in request.headers.get("via", [])]
    out += [f"Record-Route: {v}" for v in request.headers.get("record-route", [])]
    to = request.one("to")
    if tag and ";tag=" not in to and status > 100:
        to += f";tag={tag}"
    out += [f"From: {request.one('from')}", f"To: {to}", f"Call-ID: {request.call_id}", f"CSeq: {request.one('cseq')}"]
    head = "\r\n".join(out) + "\r\n" + extra
    if body:
        head += f"Content-Type: {ctype}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def authorize(user, password, method, uri, message, counts):
    """The Authorization line that answers the MD5 challenge in MESSAGE, or "".
    COUNTS: how often each nonce was used."""
    name = "www-authenticate" if "www-authenticate" in message.headers else "proxy-authenticate"
    for challenge in message.headers.get(name, []):
        part = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge))
        if part.get("algorithm", "MD5").upper() != "MD5" or "nonce" not in part:
            continue
        ha1, ha2 = md5(f"{user}:{part.get('realm', '')}:{password}"), md5(f"{method}:{uri}")
        counts[part["nonce"]] = nc = counts.get(part["nonce"], 0) + 1
        extra = f', opaque="{part["opaque"]}"' if "opaque" in part else ""
        if "qop" in part:
            response = md5(f"{ha1}:{part['nonce']}:{nc:08x}:5043:auth:{ha2}")
            extra += f', qop=auth, nc={nc:08x}, cnonce="5043"'
        else:
            response = md5(f"{ha1}:{part['nonce']}:{ha2}")
        header = "Authorization" if name[0] == "w" else "Proxy-Authorization"
        return (f'{header}: Digest username="{user}", realm="{part.get("realm", "")}", nonce="{part["nonce"]}", '
                f'uri="{uri}", response="{response}", algorithm=MD5{extra}\r\n')
    return ""


# ---- SDP -------------------------------------------------------------------

FORMATS = {0: "PCMU/8000", 8: "PCMA/8000", 9: "G722/8000", 3: "GSM/8000", 18: "G729/8000", 10: "L16/44100/2", 13: "CN/8000",
           101: "telephone-event/8000", 96: "opus/48000/2", 97: "L16/16000", 98: "telephone-event/48000", 99: "nothing/1"}
USUAL = [["9", "0", "8", "3", "101"], ["0", "8", "101"], ["8", "0", "9"], ["0", "101"], ["9", "101"], ["9"], ["0"], ["8", "101"]]
KINDS = [*USUAL, ["8"], ["0", "8"], ["3"],
         ["18"], ["99"], ["96", "98"], ["97"], ["0", "13"], ["101"], ["10"], ["0"] * 3, ["127"], ["300"], []]
# What encrypted media and ICE say, by somebody who errs.
SECURE = ["setup:actpass", "setup:active", "setup:passive", "setup:holdconn", "setup:x", "fingerprint:sha-256 " + ":".join(["AB"] * 32),
          "fingerprint:sha-1 " + ":".join(["AB"] * 20), "fingerprint:sha-256 AB:CD", "fingerprint:md5 00", "fingerprint:", "tls-id:" + "a" * 20,
          "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40, "crypto:2 AES_CM_128_HMAC_SHA1_32 inline:" + "B" * 40 + "|2^20|1:4",
          "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA", "crypto:3 AEAD_AES_128_GCM inline:" + "C" * 38 + "==", "crypto:4 F8 inline:x",
          "crypto:99999999999 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + " UNENCRYPTED_SRTP", "crypto:",
          "ice-ufrag:abcd", "ice-ufrag:x", "ice-pwd:" + "p" * 22, "ice-pwd:short", "ice-pwd:" + "p" * 300, "ice-options:trickle ice2", "ice-lite",
          "ice-mismatch", "end-of-candidates", "remote-candidates:1 127.0.0.1 9", "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host",
          "candidate:2 1 tcp 1 127.0.0.1 9 typ host tcptype active", "candidate:3 1 udp 1 x.local 9 typ host", "candidate:4 2 udp 1 ::1 9 typ host",
          "candidate:5 1 udp 1 127.0.0.1 9 typ srflx raddr 127.0.0.1 rport 8", "candidate:6 257 udp 0 127.0.0.1 65535 typ relay", "candidate:",
          "mid:0", "mid:1", "mid:", "rtcp-mux", "rtcp-mux-only", "rtcp-rsize", "bundle-only", "msid:a b", "rtcp-fb:* nack pli", "rtcp-fb:* ccm fir",
          "extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid", "ssrc-group:FID 1 2", "rid:h send", "simulcast:send h", "sctp-port:5000"]
DIRECTIONS = ["sendrecv", "sendrecv", "sendrecv", "sendonly", "recvonly", "inactive"]


def media_line(rng, ip, port, kind="audio"):
    """One m= line with its attributes: a dict that the walk changes."""
    if kind == "image":
        return {"kind": kind, "port": port, "proto": "udptl", "formats": ["t38"], "ip": ip, "more": ["T38FaxVersion:0"], "way": ""}
    return {"kind": kind, "port": port, "proto": "RTP/AVP", "formats": list(rng.choice(USUAL)), "ip": ip, "more": [],
            "way": "sendrecv"}


def change_media(rng, lines, ip, port):
    """Change the list of m= lines in one of the ways that a peer may, or may not."""
    how = rng.randrange(16)
    line = rng.choice(lines) if lines else None
    if how == 0 or line is None:
        lines.append(media_line(rng, ip, port, rng.choice(["audio", "audio", "video", "image", "text", "application"])))
    elif how == 1:
        lines.remove(line)
    elif how == 2:
        line["kind"] = rng.choice(["audio", "video", "image", "text", "application"])
    elif how == 3:
        line["port"] = 0
    elif how == 4:
        line["port"] = port
    elif how == 5:
        rng.shuffle(lines)
    elif how == 6:
        line["formats"] = list(rng.choice(KINDS))
    elif how == 7:
        line["way"] = rng.choice(DIRECTIONS)
    elif how == 8:
        line["ip"] = rng.choice(["0.0.0.0", ip, ip, "127.0.0.99", "192.0.2.1"])
    elif how == 9:
        # The audio line refused, and another in its place: what a fax machine sends.
        lines.insert(0, media_line(rng, ip, 0, rng.choice(["audio", "video", "image"])))
    elif how == 10:
        line["proto"] = rng.choice(["RTP/AVP", "RTP/AVPF", "RTP/SAVP", "udptl", "UDP/TLS/RTP/SAVPF", "TCP"])
    elif how == 11:
        line["more"] = rng.sample(["ptime:20", "ptime:0", "ptime:10", "ptime:60", "ptime:4000", "maxptime:1", "rtcp-mux",
                                   "rtcp:9", "mid:0", "ssrc:1 cname:a", "setup:actpass", "fmtp:101 0-15", "rtpmap:0 PCMU/0",
                                   "rtpmap:9 G722/16000", "fmtp:9 x=y", "candidate:1 1 UDP 1 127.0.0.1 9 typ host"], 3)
    elif how == 12:
        lines.append(media_line(rng, ip, 0, "audio"))
    elif how == 13:
        line["more"] = line["more"] + rng.sample(SECURE, rng.choice([1, 1, 2, 6]))
    elif how == 14 and line["more"]:
        line["more"] = [m for m in line["more"] if rng.random() < 0.7]
    else:
        lines.extend(dict(line) for _ in range(rng.choice([1, 2, 20])))


def sdp_text(rng, lines, ip, version):
    """The session of LINES; now and then with a wrong detail."""
    odd = rng.random()
    out = ["v=0", f"o=- 7 {version} IN IP4 {ip}", "s=-"]
    if odd > 0.05:
        out.append(f"c=IN IP4 {ip}")
    out.append("t=0 0")
    if odd > 0.97:
        out.append(rng.choice(["a=group:BUNDLE 0 1", "a=group:BUNDLE 0", "a=group:BUNDLE 1 0 1", "a=group:BUNDLE", "a=ice-lite", "a=group:LS 0"]))
    for m in lines:
        out.append(f"m={m['kind']} {m['port']} {m['proto']} {' '.join(m['formats'])}")
        if m["ip"] != ip:
            out.append(f"c=IN IP4 {m['ip']}")
        out += [f"a=rtpmap:{f} {FORMATS[int(f)]}" for f in m["formats"] if f.isdigit() and int(f) in FORMATS]
        out += [f"a={a}" for a in m["more"]]
        if m["way"] and m["way"] != "sendrecv":
            out.append(f"a={m['way']}")
    text = "\r\n".join(out) + "\r\n"
    if 0.05 < odd < 0.06:
        text = text[:rng.randrange(len(text))]
    return text


def simple_sdp(ip, port, formats=(0, 101), way="", profile="RTP/AVP", lines=(), session=(), version=1):
    """A session that any phone would send. LINES: attributes of the m= line, SESSION: of all."""
    rows = "".join(f"a=rtpmap:{f} {FORMATS[f]}\r\n" for f in formats) + "".join(f"a={x}\r\n" for x in lines)
    return (f"v=0\r\no=- 1 {version} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n" + "".join(f"a={x}\r\n" for x in session) +
            f"m=audio {port} {profile} {' '.join(map(str, formats))}\r\n{rows}" + (f"a={way}\r\n" if way else ""))
