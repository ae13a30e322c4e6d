"""A few SIP messages by hand: for what no phone would send."""

import hashlib
import itertools
import re
import socket

_serial = itertools.count(1)


class Answer:
    """A response: status, reason, headers (lower case, first value), text."""

    def __init__(self, data):
        self.text = data.decode("utf-8", "replace")
        head, _, self.body = self.text.partition("\r\n\r\n")
        lines = head.split("\r\n")
        m = re.match(r"SIP/2\.0 (\d{3}) (.*)", lines[0])
        assert m, f"not a response: {self.text[:200]}"
        self.status, self.reason = int(m.group(1)), m.group(2)
        self.headers = {}
        self.contacts = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers.setdefault(name.strip().lower(), value.strip())
            if name.strip().lower() == "contact":
                self.contacts += re.findall(r"<([^>]*)>", value)


def credentials(answer, method, uri, user, password):
    """The header line that ANSWER, a 401, asks for."""
    challenge = dict(re.findall(r'(\w+)="?([^",]*)"?', answer.headers["www-authenticate"]))

    def md5(text):
        return hashlib.md5(text.encode()).hexdigest()
    ha1 = md5(f"{user}:{challenge['realm']}:{password}")
    response = md5(f"{ha1}:{challenge['nonce']}:00000001:e2e:auth:{md5(method + ':' + uri)}")
    auth = (f'Authorization: Digest username="{user}",realm="{challenge["realm"]}",nonce="{challenge["nonce"]}",'
            f'uri="{uri}",response="{response}",algorithm=MD5,qop=auth,nc=00000001,cnonce="e2e"')
    return auth + (f',opaque="{challenge["opaque"]}"' if "opaque" in challenge else "") + "\r\n"


class Wire:
    """A UDP socket of a user agent at ADDRESS that talks to SERVER."""

    def __init__(self, server, seconds=5, address="127.0.0.1"):
        self.server, self.address = server, address
        self.call_id = None
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((address, 0))
        self.sock.settimeout(seconds)
        self.port = self.sock.getsockname()[1]

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.sock.sendto(data, ("127.0.0.1", self.server.port))

    def receive(self):
        """The next final response, or None when none comes."""
        try:
            while True:
                data = self.sock.recv(65536)
                if data.startswith(b"SIP/2.0 1"):
                    continue
                if data.startswith(b"SIP/2.0 "):
                    return Answer(data)
        except TimeoutError:
            return None

    def request(self, method, user="1001", uri=None, call_id=None, cseq=1, extra="", body="", length=None):
        """The bytes of a request; EXTRA are whole header lines."""
        n = next(_serial)
        host = f"127.0.0.1:{self.server.port}"
        uri = uri or (f"sip:{host}" if method == "REGISTER" else f"sip:{user}@{host}")
        self.call_id = call_id or f"e2e-{self.port}-{n}"
        return (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {self.address}:{self.port};rport;branch=z9hG4bKe2e{self.port}x{n}\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:{user}@{host}>;tag=f{n}\r\nTo: <sip:{user}@{host}>\r\n"
                f"Call-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\n{extra}"
                f"Content-Length: {len(body) if length is None else length}\r\n\r\n{body}").encode()

    def ask(self, *args, **kw):
        """Send a request and give its final answer. Sent again each second, as
        UDP asks for (RFC 3261 17.1.2.2), ten times at most."""
        request = self.request(*args, **kw)
        branch = re.search(rb"branch=([^;\r]+)", request).group(1).decode()
        self.sock.settimeout(1)
        for _ in range(10):
            self.send(request)
            answer = self.receive()
            while answer is not None and branch not in answer.headers.get("via", ""):
                answer = self.receive()
            if answer is not None:
                return answer
        raise AssertionError("no answer in ten seconds")

    def register(self, user, password, contact=None, expires=600):
        """A registration with digest; gives the last answer. Without CONTACT:
        asks which contacts there are."""
        extra = f"Contact: <{contact}>\r\nExpires: {expires}\r\n" if contact else ""
        first = self.ask("REGISTER", user, extra=extra)
        if first.status != 401:
            return first
        uri = f"sip:127.0.0.1:{self.server.port}"
        auth = credentials(first, "REGISTER", uri, user, password)
        return self.ask("REGISTER", user, uri=uri, call_id=self.call_id, cseq=2, extra=extra + auth)
