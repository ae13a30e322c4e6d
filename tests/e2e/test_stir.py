"""STIR/SHAKEN with the real program: an authority of our own, certificates on a server of HTTP, callers that are proven and
callers that are not. What each fault of an Identity header comes to is tests/loop/test_stir.c's."""

import base64
import email.utils
import http.server
import itertools
import json
import re
import subprocess
import threading
import time

import pytest
from certificates import Authority
from conftest import PJSIP
from server import free_port
from sip import Wire
from waiting import wait_until

NUMBER = "18005551212"
CODE = "1.3.6.1.5.5.7.1.26=ASN1:SEQUENCE:codes\n[codes]\nspc=EXPLICIT:0,IA5STRING:1234\n"   # TNAuthList
CALLERS = {"continue": "127.0.0.2", "reject_request": "127.0.0.3", "continue_return_reason": "127.0.0.4", "inner": "127.0.0.5"}
CALLER = """
[{name}](phone)
trust_id_inbound = yes
stir_shaken_profile = {name}
[{name}]
type = identify
endpoint = {name}
match = {address}
"""
PROFILE = """
[{name}]
type = profile
endpoint_behavior = verify
failure_action = {action}
"""
VERIFICATION = """
[verification]
ca_file = {ca}
cert_cache_dir = {cache}
relax_x5u_port_scheme_restrictions = yes
curl_timeout = {timeout}
max_iat_age = 600
max_date_header_age = 600
"""
LOOPBACK = "x5u_permit = 127.0.0.1\n"
PLAN = """
[phones]
exten => _6XX,1,Verbose(0,verdict ${EXTEN} ${STIR_SHAKEN(0,verify_result)} ${STIR_SHAKEN(0,attestation)} of ${CALLERID(num)}.)
 same => n,Answer()
 same => n,Wait(60)
exten => 700,1,Set(CALLERID(num)=+1 800 555-1212)
 same => n,Dial(PJSIP/600@far,10)
"""
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
OVER = 1 << 20          # [bytes] no chain of certificates is that long


class Depot(http.server.ThreadingHTTPServer):
    """Certificates by path. /slow/ waits until `go` is set; /endless/ gives more than anybody should take."""

    daemon_threads = True

    def __init__(self):
        self.files, self.asked, self.go = {}, [], threading.Event()
        super().__init__(("127.0.0.1", 0), DepotRequest)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}/{path}"

    def close(self):
        self.go.set()
        self.shutdown()
        self.server_close()


class DepotRequest(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path[1:])
        body = self.server.files.get(self.path.split("/")[-1])
        if self.path.startswith("/slow/"):
            self.server.go.wait(30)
        self.send_response(200 if body else 404)
        self.end_headers()
        try:
            self.wfile.write(body or b"")
            while self.path.startswith("/endless/") and self.wfile.write(bytes(OVER)):
                pass
        except OSError:
            pass        # whoever asked has gone

    def log_message(self, *_):
        pass


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def sign(key, data):
    """r and s of ES256, 32 bytes each, out of the DER that OpenSSL writes."""
    der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=data, capture_output=True, check=True, timeout=60).stdout
    n = der[3]
    return b"".join(int.from_bytes(x, "big").to_bytes(32, "big") for x in (der[4:4 + n], der[6 + n:]))


def identity(url, key, number=NUMBER):
    """The header lines of a caller who is proven to be NUMBER."""
    head = {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": url}
    claims = {"attest": "A", "dest": {"tn": ["600"]}, "iat": int(time.time()), "orig": {"tn": number}, "origid": "e2e"}
    data = b".".join(base64url(json.dumps(x, separators=(",", ":")).encode()) for x in (head, claims))
    token = (data + b"." + base64url(sign(key, data))).decode()
    return f"Date: {email.utils.formatdate(usegmt=True)}\r\nIdentity: {token};info=<{url}>;alg=ES256;ppt=shaken\r\n"


class Caller(Wire):
    """One call of NUMBER."""

    extens = itertools.count(600)

    def __init__(self, server, action):
        super().__init__(server, address=CALLERS[action], seconds=10)
        self.exten = str(next(self.extens))
        self.first = b""

    def invite(self, lines):
        self.first = self.request("INVITE", self.exten, body=SDP, extra=f"P-Asserted-Identity: <sip:+1%20{NUMBER[1:]}@x>\r\n{lines}"
                                  f"Contact: <sip:x@{self.address}:{self.port}>\r\nContent-Type: application/sdp\r\n")
        self.send(self.first)
        return self

    def again(self, method, answer):
        """A request of this call: the ACK of ANSWER, or what ends it."""
        head = self.first.decode().split("\r\n\r\n")[0]
        head = re.sub(r"Content-[^\r]*\r\n|Identity:[^\r]*\r\n", "", head + "\r\n").replace("INVITE", method)
        head = re.sub(r"To: [^\r]*", "To: " + answer.headers["to"], head)
        if answer.status < 300:
            head = re.sub(r"^\S+ \S+", f"{method} {answer.contacts[0]}", head.replace("branch=", f"branch=z9hG4bK{method}"))
        head = head.replace("CSeq: 1 BYE", "CSeq: 2 BYE")
        self.send(f"{head}Content-Length: 0\r\n\r\n".encode())

    def outcome(self):
        """Its final answer; the call is over after it."""
        answer = self.receive()
        assert answer, f"no answer to {self.exten}: {self.server.log()[-3000:]}"
        self.again("ACK", answer)
        if answer.status == 200:
            self.again("BYE", answer)
            while "BYE" not in self.receive().headers["cseq"]:
                pass
        return answer

    def verdict(self):
        return self.server.wait_log(rf"verdict {self.exten} (\S*) ").group(1)


@pytest.fixture
def depot():
    d = Depot()
    yield d
    d.close()


@pytest.fixture
def authority(place):
    return Authority(f"{place}/certificates")


@pytest.fixture
def verifier(make_server, place, authority):
    def make(timeout=5):
        profiles = "".join(PROFILE.format(name=a, action=a) + LOOPBACK for a in list(CALLERS)[:3])
        # This one's lists are the default ones.
        profiles += PROFILE.format(name="inner", action="reject_request")
        return make_server({
            "pjsip.conf": PJSIP + "".join(CALLER.format(name=n, address=a) for n, a in CALLERS.items()), "extensions.conf": PLAN,
            "stir_shaken.conf": VERIFICATION.format(ca=authority.path, cache=place, timeout=timeout) + profiles}).start()
    return make


def put(depot, authority, name, **kw):
    """A certificate of a provider on the server; gives its address there and its key."""
    cert, key = authority.sign(name, more=CODE, **kw)
    with open(cert, "rb") as f:
        depot.files[name] = f.read()
    return depot.url(name), key


def test_signed_by_one_and_proven_by_the_other(make_server, verifier, depot, authority):
    url, key = put(depot, authority, "provider")
    far = verifier()
    near = make_server({
        "pjsip.conf": PJSIP + f"[far](phone)\naors = far\nstir_shaken_profile = signed\n[far]\ntype = aor\n"
        f"contact = sip:{far.address}\n[global](+)\n[udp](+)\nbind = 127.0.0.2:{{port}}\n", "extensions.conf": PLAN,
        "stir_shaken.conf": f"[attestation]\nprivate_key_file = {key}\npublic_cert_url = {url}\n[{NUMBER}]\ntype = tn\nattest_level = B\n"
        "[signed]\ntype = profile\nendpoint_behavior = attest\n"}).start()
    near.ask("channel originate Local/700@phones application Wait 1")
    far.wait_log("verdict 600 success B of")
    assert depot.asked == ["provider"]
    # The second call's certificate is out of the cache.
    near.ask("channel originate Local/700@phones application Wait 1")
    wait_until(lambda: len(re.findall("verdict 600 success B of", far.log())) >= 2, far.log)
    assert depot.asked == ["provider"]


def test_what_does_not_prove_a_caller(verifier, depot, authority, place):
    server = verifier()
    good, key = put(depot, authority, "provider")
    expired, old_key = put(depot, authority, "expired", days=-1)
    strange, strange_key = put(depot, Authority(f"{place}/strangers"), "strange")
    rows = [
        ("expired", identity(expired, old_key), "cert_not_trusted", 437),
        ("of another authority", identity(strange, strange_key), "cert_not_trusted", 437),
        ("another number", identity(good, key, "18005551213"), "cid_orig_tn_mismatch", 438),
        ("another's key", identity(good, old_key), "signature_validation", 438),
        ("not there", identity(depot.url("nowhere"), key), "cert_retrieval_failure", 436),
        ("nobody listens", identity(f"http://127.0.0.1:{free_port()}/", key), "cert_retrieval_failure", 436),
        ("too long", identity(depot.url("endless/provider"), key), "cert_retrieval_failure", 436),
        ("not signed at all", "", "missing_identity_hdr", 428),
    ]
    for what, lines, result, status in rows:
        for action in list(CALLERS)[:3]:
            with Caller(server, action) as caller:
                answer = caller.invite(lines).outcome()
                if action == "reject_request":
                    assert answer.status == status, what
                    continue
                assert (answer.status, caller.verdict()) == (200, result), what
                told = f"SIP; cause={status};" if action == "continue_return_reason" else ""
                assert answer.headers.get("reason", "").startswith(told) and bool(told) == ("reason" in answer.headers), what
    server.wait_log(r"endless/provider: it is larger than \d+ bytes")
    for action in CALLERS:
        with Caller(server, action) as caller:
            answer = caller.invite(identity(good, key)).outcome()
            # Addresses that are this machine's own are asked only when a list says so; but what is kept needs no asking.
            assert (answer.status, caller.verdict(), answer.headers.get("reason")) == (200, "success", None)
    asked = len(depot.asked)
    with Caller(server, "inner") as caller:
        assert caller.invite(identity(depot.url("again/provider"), key)).outcome().status == 436
    assert len(depot.asked) == asked
    server.wait_log("x5u_acl, x5u_deny and x5u_permit refuse 127.0.0.1")


def test_a_slow_certificate_delays_nobody_else(verifier, depot, authority):
    server = verifier(timeout=30)
    good, key = put(depot, authority, "provider")
    slow = [Caller(server, "reject_request").invite(identity(depot.url(f"slow/{n}/provider"), key)) for n in range(5)]
    wait_until(lambda: len(depot.asked) == len(slow), "all slow certificates are asked for")
    for n in range(5):
        with Caller(server, "continue") as caller:
            began = time.monotonic()
            assert caller.ask("OPTIONS").status in (200, 404)
            assert caller.invite(identity(depot.url(f"{n}/provider"), key)).outcome().status == 200
            assert caller.verdict() == "success" and time.monotonic() - began < 5
    assert not re.search(f"verdict ({'|'.join(c.exten for c in slow)}) ", server.log())
    depot.go.set()
    for caller in slow:
        with caller:
            assert (caller.outcome().status, caller.verdict()) == (200, "success")


def test_a_certificate_that_does_not_come(verifier, depot, authority):
    server = verifier(timeout=1)
    _, key = put(depot, authority, "provider")
    with Caller(server, "reject_request") as caller:
        assert caller.invite(identity(depot.url("slow/provider"), key)).outcome().status == 436
