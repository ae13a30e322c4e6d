"""TLS with real phones and a second server: who is verified, what is refused, and what happens when a
certificate is replaced."""

import os
import re
import socket
import ssl
import threading

import pytest
from certificates import Authority
from conftest import PJSIP, accounts
from server import free_port, need, run_checked
from test_baresip import over, talk
from waiting import wait_until

LOW, HIGH = 440, 1000   # [Hz]
TO_TLS = r"\;transport=tls"     # a bare ; begins a comment
TRANSPORT = """
[tls]
type = transport
protocol = tls
bind = 127.0.0.1:{tls}
cert_file = {cert}
priv_key_file = {key}
"""


class Place:
    """An authority, a server's certificate by it, and a port."""

    def __init__(self, directory):
        self.authority = Authority(f"{directory}/certificates")
        self.cert, self.key = self.authority.sign("server")
        self.port = free_port()

    def transport(self, more="", **other):
        return TRANSPORT.format(**{"tls": self.port, "cert": self.cert, "key": self.key, **other}) + more


@pytest.fixture
def certified(place):
    return Place(place)


@pytest.fixture
def secure(make_server, certified):
    """1001 and 1002 may register over UDP, TCP and TLS."""
    server = make_server({"pjsip.conf": accounts(_1001="one", _1002="two") + certified.transport()}).start()
    server.tls = certified.port
    return server


def tls_phone(make_phone, server, certified, user, password, **kw):
    kw.setdefault("ca", certified.authority.path)
    return make_phone(server, user, password, transport="tls", port=certified.port, **kw)


def test_calls_over_tls(secure, certified, make_phone):
    need("baresip")
    one = tls_phone(make_phone, secure, certified, "1001", "one", hertz=LOW)
    two = make_phone(secure, "1002", "two", hertz=HIGH)
    assert one.register_outcome() == two.register_outcome() == "200 OK"
    assert re.search(rf"Transport:\s+tls\s+tls\s+0\s+0\s+127.0.0.1:{certified.port}", secure.ask("pjsip show transports"))
    talk(secure, one, two, f"127.0.0.1:{certified.port};transport=tls")
    one.hang_up()
    over(secure, two)
    # The phone's own connection is the way to it.
    talk(secure, two, one)
    two.hang_up()
    over(secure, one)
    assert re.search(rf"Contact: <sip:\S+@127.0.0.1:{certified.port};transport=TLS>", one.trace())


def test_phones_with_certificates(make_server, certified, make_phone, place):
    """A phone that shows a certificate of ours registers; one of a stranger's and one without do not."""
    need("baresip")
    stranger = Authority(f"{place}/stranger", "stranger")
    server = make_server({"pjsip.conf": accounts(_1001="one", _1002="two", _1003="three") + certified.transport(
        f"verify_client = yes\nrequire_client_cert = yes\nca_list_file = {certified.authority.path}\n")}).start()
    known = tls_phone(make_phone, server, certified, "1001", "one", cert=certified.authority.sign("phone"))
    assert known.register_outcome() == "200 OK"
    tls_phone(make_phone, server, certified, "1002", "two", cert=stranger.sign("phone"))
    server.wait_log("no TLS connection with 127.0.0.1: unable to get local issuer certificate")
    tls_phone(make_phone, server, certified, "1003", "three")
    server.wait_log("no TLS connection with 127.0.0.1: peer did not return a certificate")
    assert server.contacts("1001") and not server.contacts("1002") and not server.contacts("1003")


def test_calls_with_certificates(make_server, certified, make_phone):
    """The phone's certificate is verified, its sound encrypted: it calls, and is called."""
    need("baresip")
    accounts_of = accounts(_1001="one", _1002="two").replace("[1001](phone)\n", "[1001](phone)\nmedia_encryption = sdes\n", 1)
    server = make_server({"pjsip.conf": accounts_of + certified.transport(
        f"verify_client = yes\nrequire_client_cert = yes\nca_list_file = {certified.authority.path}\n")}).start()
    one = tls_phone(make_phone, server, certified, "1001", "one", cert=certified.authority.sign("phone"), hertz=LOW,
                    mediaenc="srtp-mand")
    two = make_phone(server, "1002", "two", hertz=HIGH)
    assert one.register_outcome() == two.register_outcome() == "200 OK"
    talk(server, one, two, f"127.0.0.1:{certified.port};transport=tls")
    one.hang_up()
    over(server, two)
    talk(server, two, one)
    two.hang_up()
    over(server, one)
    assert re.search(r"^m=audio \d+ RTP/SAVP ", one.trace(), re.M)


@pytest.mark.parametrize("transport, secure", [("tls", 1), ("tcp", 0)])
def test_signalling_is_secure(make_server, certified, make_phone, transport, secure):
    """CHANNEL(secure_signaling) and CHANNEL(pjsip,secure)."""
    need("baresip")
    extensions = """
[phones]
exten => service,1,Answer()
 same => n,Verbose(0,secure ${CHANNEL(secure_signaling)} ${CHANNEL(pjsip,secure)})
 same => n,Echo()
"""
    server = make_server({"pjsip.conf": accounts(_1001="one") + certified.transport(), "extensions.conf": extensions}).start()
    port = certified.port if secure else server.port
    phone = make_phone(server, "1001", "one", transport=transport, port=port, ca=certified.authority.path)
    assert phone.register_outcome() == "200 OK"
    phone.dial(f"sip:service@127.0.0.1:{port};transport={transport}")
    server.wait_log(f"secure {secure} {secure}")


def shown(certified, port):
    """The subject of the certificate that the server shows."""
    context = ssl.create_default_context(cafile=certified.authority.path)
    with socket.create_connection(("127.0.0.1", port), 5) as raw:
        with context.wrap_socket(raw, server_hostname="localhost") as s:
            return dict(pair[0] for pair in s.getpeercert()["subject"])["commonName"]


def test_a_replaced_certificate_is_used(secure, certified, make_phone):
    need("baresip")
    one = tls_phone(make_phone, secure, certified, "1001", "one")
    assert one.register_outcome() == "200 OK"
    assert shown(certified, certified.port) == "server"
    certified.authority.sign("server", subject="renewed")
    wait_until(lambda: shown(certified, certified.port) == "renewed", "the new certificate is shown")
    # One that cannot be used: the one of before stays, and the log says why.
    with open(certified.cert + ".new", "w", encoding="ascii") as f:
        f.write("nothing\n")
    os.rename(certified.cert + ".new", certified.cert)
    wait_until(lambda: shown(certified, certified.port) and re.search(
        r"transport 'tls': cert_file '\S+server.pem' holds no certificate.*stays in use", secure.log()), "it is refused")
    assert shown(certified, certified.port) == "renewed"
    # The connection of before was not cut.
    one.dial(f"sip:600@127.0.0.1:{certified.port};transport=tls")
    one.wait_event("CALL_ESTABLISHED")
    assert "TLS" in secure.ask("pjsip show contacts") or len(secure.contacts("1001")) == 1
    one.hang_up()
    wait_until(lambda: "0 active channels" in secure.ask("core show channels"), "all channels are gone")


def test_a_reload_takes_another_certificate(make_server, certified):
    """With allow_reload; what cannot be used leaves the transport as it was."""
    def config(cert, key, port=certified.port):
        return accounts(_1001="one") + certified.transport("allow_reload = yes\n", cert=cert, key=key, tls=port)

    def reload(text):
        server.write("pjsip.conf", text)
        server.ask("module reload res_pjsip.so")

    server = make_server({"pjsip.conf": config(certified.cert, certified.key)}).start()
    assert shown(certified, certified.port) == "server"
    second = certified.authority.sign("second")
    reload(config(*second))
    assert shown(certified, certified.port) == "second"
    reload(config(second[0], certified.key))
    server.wait_log("is not the key of cert_file")
    assert shown(certified, certified.port) == "second"
    # Another address: the old one is free when the new one listens.
    moved = free_port()
    reload(config(certified.cert, certified.key, moved))
    assert shown(certified, moved) == "server"
    with pytest.raises(ConnectionRefusedError):
        shown(certified, certified.port)


@pytest.mark.parametrize("fault, said", [
    ("other key", r"is not the key of cert_file '\S+'; give the key that the certificate was made for"),
    ("expired", r"cert_file '\S+' expired on 20\d\d-.*; put a renewed certificate there"),
    ("missing", r"'\S+' cannot be read: No such file"),
    ("none", r"TLS needs cert_file= and priv_key_file="),
    ("cipher", r"cipher: none of 'NONSENSE' is known to OpenSSL"),
])
def test_faults_refuse_the_transport(make_server, certified, fault, said):
    text = certified.transport()
    if fault == "other key":
        text = certified.transport(key=certified.authority.key)
    elif fault == "expired":
        text = certified.transport(cert=certified.authority.sign("server", days=-1)[0])
    elif fault == "missing":
        text = certified.transport(cert=certified.cert + ".gone")
    elif fault == "none":
        text = "[tls]\ntype = transport\nprotocol = tls\nbind = 127.0.0.1:0\n"
    elif fault == "cipher":
        text = certified.transport("cipher = NONSENSE\n")
    config = accounts(_1001="one") + text
    server = make_server({"pjsip.conf": config})
    code, out = run_checked(["check", f"{server.dir}/etc"])
    assert code == 1 and re.search(rf"pjsip.conf:\d+: transport 'tls': .*{said}", out), out
    server.start()
    line = config[:config.index("[tls]")].count("\n") + 1
    found = server.wait_log(rf"pjsip.conf:(\d+).*{said}")
    assert line <= int(found.group(1)) <= line + 8, found.group()
    assert "tls/" not in server.log(), "it listens all the same"


@pytest.mark.parametrize("fault, said", [
    ("other key", "is not the key of cert_file"), ("expired", "expired on 20"), ("missing", "cannot be read: No such file"),
    ("none", "TLS needs cert_file= and priv_key_file="), (None, "is without fault"),
])
def test_check_of_http_conf(make_server, certified, fault, said):
    cert, key = certified.cert, certified.key
    if fault == "other key":
        key = certified.authority.key
    elif fault == "expired":
        cert, key = certified.authority.sign("server", days=-1)
    elif fault == "missing":
        cert += ".gone"
    files = f"tlscertfile = {cert}\ntlsprivatekey = {key}\n" if fault != "none" else ""
    server = make_server({"pjsip.conf": accounts(_1001="one"), "http.conf": "[general]\nenabled = yes\nbindaddr = 127.0.0.1\n"
                          f"bindport = {free_port()}\ntlsenable = yes\ntlsbindaddr = 127.0.0.1:{free_port()}\n{files}"})
    code, out = run_checked(["check", f"{server.dir}/etc"])
    assert said in out and (code == 0) == (fault is None), out
    assert fault is None or re.search(r"^http.conf:\d+: TLS", out, re.M), out


@pytest.mark.parametrize("fault, said", [
    ("other key", "dtls_private_key: the key does not fit the certificate"), ("expired", "the certificate has expired, renew it"),
    ("missing", "cannot be read: No such file"), ("no PEM", "no certificate (PEM) can be read from"),
    ("authority", "dtls_ca_file: no certificates (PEM) can be read from"), ("cipher", "none of these is a cipher of OpenSSL"),
    (None, "is without fault"),
])
def test_check_of_dtls(make_server, certified, place, fault, said):
    """Told with file and line when the file is read, and the endpoint is not there; with a certificate of our own too."""
    cert, key, more = certified.cert, certified.key, ""
    if fault == "other key":
        key = certified.authority.key
    elif fault == "expired":
        cert, key = certified.authority.sign("server", days=-1)
    elif fault == "missing":
        cert += ".gone"
    elif fault == "no PEM":
        cert = f"{place}/none"
    elif fault == "authority":
        more = f"dtls_ca_file = {place}/none\n"
    elif fault == "cipher":
        more = "dtls_cipher = NONSENSE\n"
    with open(f"{place}/none", "w", encoding="ascii") as f:
        f.write("nothing\n")
    own = "dtls_auto_generate_cert = yes\n" if more else f"dtls_cert_file = {cert}\ndtls_private_key = {key}\n"
    server = make_server({"pjsip.conf": PJSIP + f"[secure](phone)\nmedia_encryption = dtls\n{own}{more}"})
    code, out = run_checked(["check", f"{server.dir}/etc"])
    assert said in out and (code == 0) == (fault is None), out
    assert fault is None or re.search(r"^pjsip.conf:\d+: endpoint 'secure': ", out, re.M), out


def trunk(certified, ca, name="127.0.0.1", scheme="sip", more=""):
    """pjsip.conf of a server that registers with the one of `certified`."""
    return PJSIP + f"""
[tls]
type = transport
protocol = tls
bind = 127.0.0.1:{free_port()}
cert_file = {certified.cert}
priv_key_file = {certified.key}
verify_server = yes
ca_list_file = {ca}
{more}
[out]
type = registration
max_random_initial_delay = 0
server_uri = {scheme}:{name}:{certified.port}{TO_TLS if scheme == 'sip' else ''}
client_uri = sip:1001@{name}
outbound_auth = out
retry_interval = 1
[out]
type = auth
username = 1001
password = one
"""


@pytest.mark.parametrize("scheme", ["sip", "sips"])
def test_a_verified_trunk_registers(make_server, secure, certified, scheme):
    make_server({"pjsip.conf": trunk(certified, certified.authority.path, scheme=scheme)}).start()
    wait_until(lambda: secure.contacts("1001"), "the trunk is registered", 30)
    assert secure.contacts("1001")[0].startswith(scheme + ":")


def test_a_trunk_refuses_whom_it_cannot_verify(make_server, secure, certified, place):
    """No authority that it knows; and a name that the certificate does not have."""
    stranger = Authority(f"{place}/stranger", "stranger")
    client = make_server({"pjsip.conf": trunk(certified, stranger.path)}).start()
    client.wait_log(r"no TLS connection to 127.0.0.1 \(127.0.0.1:\d+\): unable to get local issuer certificate", seconds=30)
    certified.authority.sign("server", names="DNS:elsewhere.example")
    client = make_server({"pjsip.conf": trunk(certified, certified.authority.path)}).start()
    client.wait_log(r"its certificate is not for '127.0.0.1' but for elsewhere.example", seconds=30)
    assert not secure.contacts()


def test_sips_goes_nowhere_without_tls(make_server, secure, certified):
    config = trunk(certified, certified.authority.path, scheme="sips").replace("[out]\ntype = reg", "[out]\ntransport = udp\ntype = reg")
    client = make_server({"pjsip.conf": config}).start()
    client.wait_log("is a sips URI, which goes over TLS and nothing else", seconds=30)
    assert not secure.contacts()


class Redirector(threading.Thread):
    """A TLS server that answers the first INVITE with 302 to CONTACT."""

    def __init__(self, certified, contact):
        super().__init__(daemon=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certified.cert, certified.key)
        self.listener = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
        self.port, self.contact, self.invite = self.listener.getsockname()[1], contact, b""

    def run(self):
        try:
            peer, _ = self.listener.accept()
            while b"\r\n\r\n" not in self.invite:
                self.invite += peer.recv(65536)
            kept = b"".join(x + b"\r\n" for x in self.invite.split(b"\r\n\r\n")[0].split(b"\r\n")
                            if x.split(b":")[0] in (b"Via", b"From", b"To", b"Call-ID", b"CSeq"))
            peer.sendall(b"SIP/2.0 302 Moved\r\n" + kept + f"Contact: <{self.contact}>\r\nContent-Length: 0\r\n\r\n".encode())
            peer.recv(65536)
        except OSError:
            pass


@pytest.mark.parametrize("secure_target", [False, True])
def test_a_redirect_leaves_tls_nowhere(make_server, certified, secure_target):
    """302 from a sips URI to a sip URI is not followed (RFC 5630), to another sips URI it is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as open_phone:
        open_phone.bind(("127.0.0.1", 0))
        second = Redirector(certified, "sips:nobody@127.0.0.1:1")
        first = Redirector(certified, f"sips:carl@127.0.0.1:{second.port}" if secure_target else
                           f"sip:carl@127.0.0.1:{open_phone.getsockname()[1]}")
        first.start()
        second.start()
        server = make_server({"pjsip.conf": PJSIP + certified.transport() + "[out](phone)\nredirect_method = uri_pjsip\n",
                              "extensions.conf": f"[phones]\nexten => 1,1,Dial(PJSIP/out/sips:bob@127.0.0.1:{first.port})\n"}).start()
        server.ask("channel originate Local/1@phones application Wait 5")
        wait_until(lambda: first.invite, "the sips URI is called")
        if secure_target:
            wait_until(lambda: second.invite.startswith(b"INVITE sips:carl@"), "so is the next")
        else:
            wait_until(lambda: "redirected from a sips URI to one that is none" in server.ask("pjsip explain out"),
                       lambda: server.ask("pjsip explain") + server.log())
            wait_until(lambda: "0 active channels" in server.ask("core show channels"), "the call is over")
        open_phone.setblocking(False)
        with pytest.raises(BlockingIOError):
            open_phone.recv(4096)
