"""A SIP message as the small user agents of these tests need it: start line, headers
in their order, body. No judgement: what a server sent is kept as it came."""

import re

COMPACT = {"v": "Via", "f": "From", "t": "To", "i": "Call-ID", "m": "Contact", "c": "Content-Type", "l": "Content-Length",
           "k": "Supported", "s": "Subject", "e": "Content-Encoding", "o": "Event", "u": "Allow-Events", "r": "Refer-To",
           "b": "Referred-By", "x": "Session-Expires", "a": "Accept-Contact", "d": "Request-Disposition"}


class Message:
    def __init__(self, data):
        text = data.decode("utf-8", "replace")
        head, _, self.body = text.partition("\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        self.line = lines[0]
        self.short = False
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.strip()
            if name.lower() in COMPACT:
                name, self.short = COMPACT[name.lower()], True
            self.headers.append((name, value.strip()))
        parts = self.line.split(" ", 2)
        self.is_response = parts[0] == "SIP/2.0"
        self.status = int(parts[1]) if self.is_response else 0
        cseq = self.get("CSeq").split()
        self.cseq = int(cseq[0]) if cseq and cseq[0].isdigit() else 0
        self.method = (cseq[1] if len(cseq) > 1 else "") if self.is_response else parts[0]
        self.uri = "" if self.is_response or len(parts) < 2 else parts[1]

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name):
        return next(iter(self.all(name)), "")

    @property
    def call_id(self):
        return self.get("Call-ID")

    @property
    def branch(self):
        return parameter(self.get("Via"), "branch")

    @property
    def key(self):
        """What two copies of one message share."""
        return (self.status, self.method, self.cseq, self.branch, self.call_id, parameter(self.get("To"), "tag"),
                self.get("RSeq"))


def parameter(value, name):
    m = re.search(r";\s*%s\s*=\s*([^;,>\s]+)" % re.escape(name), value, re.I)
    return m.group(1) if m else ""


def uri_of(value):
    m = re.search(r"<([^>]*)>", value)
    return m.group(1) if m else value.split(";")[0].strip()


def write(line, headers, body=""):
    text = line + "\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers)
    return f"{text}Content-Length: {len(body.encode())}\r\n\r\n{body}"
