"""Real phones with encrypted media: SDES and DTLS-SRTP, either side first, and what
stays outside."""

import re
import select
import socket
import subprocess
import threading

import pytest
import srtp
from certificates import Authority
from conftest import EXTENSIONS, PJSIP
from rtp import Caller
from server import need
from test_baresip import HIGH, LOW, over, talk
from waiting import wait_until

ACCOUNT = """
[{user}](phone)
auth = {user}
aors = {user}
{lines}
[{user}]
type = auth
username = {user}
password = secret
[{user}](line)
"""
SHOW = """
[phones](+)
exten => 700,1,Answer()
 same => n,Verbose(0,secure: media=${CHANNEL(secure_media)} rtp=${CHANNEL(rtp,secure)})
 same => n,Echo()
"""


@pytest.fixture
def pair(make_server, make_phone):
    """pair(lines of 1001, its mediaenc, lines of 1002, its mediaenc): both registered."""
    need("baresip")

    def make(lines1, mediaenc1, lines2, mediaenc2):
        conf = PJSIP + ACCOUNT.format(user="1001", lines=lines1) + ACCOUNT.format(user="1002", lines=lines2)
        server = make_server({"pjsip.conf": conf, "extensions.conf": EXTENSIONS + SHOW}).start()
        one = make_phone(server, "1001", "secret", hertz=LOW, mediaenc=mediaenc1)
        two = make_phone(server, "1002", "secret", hertz=HIGH, mediaenc=mediaenc2)
        assert one.register_outcome() == two.register_outcome() == "200 OK"
        return server, one, two

    return make


def lines(phone, pattern):
    """What the SDP of the phone's trace has of a line, sent and received."""
    return re.findall(pattern, phone.trace(), re.M)


SDES = "media_encryption = sdes"
DTLS = "media_encryption = dtls\ndtls_auto_generate_cert = yes\ndtls_verify = fingerprint\n"


def test_sdes_both_ways(pair):
    """Encrypted to plain, and plain to encrypted."""
    server, one, two = pair(SDES, "srtp-mand", "", None)
    talk(server, one, two)
    one.hang_up()
    over(server, two)
    talk(server, two, one)
    one.hang_up()
    over(server, two)
    assert lines(one, r"^m=audio \d+ RTP/SAVP .*")
    assert not lines(one, r"^m=audio \d+ RTP/AVP .*")
    assert not lines(two, r"^a=crypto.*")


def test_sdes_short_tag(pair):
    """srtp_tag_32 puts the short tag first, and baresip takes the first that it knows."""
    server, one, two = pair(SDES + "\nsrtp_tag_32 = yes", "srtp-mand", SDES, "srtp-mand")
    talk(server, two, one)
    two.hang_up()
    over(server, one)
    chosen = lines(one, r"^a=crypto:1 (\S+) ")
    assert chosen and set(chosen) == {"AES_CM_128_HMAC_SHA1_32"}
    assert set(lines(two, r"^a=crypto:1 (\S+) ")) == {"AES_CM_128_HMAC_SHA1_80"}


def test_sdes_hold(pair):
    """A re-INVITE in the middle of an encrypted call."""
    server, one, two = pair(SDES, "srtp-mand", SDES, "srtp-mand")
    talk(server, one, two)
    one.send("hold")
    two.wait_hears_not(LOW)
    one.send("resume")
    two.wait_hears(LOW)
    one.hang_up()
    over(server, two)


def test_optimistic(pair):
    """media_encryption_optimistic takes a phone with SRTP and one without."""
    how = SDES + "\nmedia_encryption_optimistic = yes"
    server, one, two = pair(how, None, how, "srtp")
    talk(server, one, two)
    one.hang_up()
    over(server, two)
    assert lines(two, r"^a=crypto.*")


def test_required_is_required(pair):
    """A phone without SRTP does not get through, with the reason."""
    server, one, _ = pair(SDES, None, "", None)
    one.dial(f"sip:600@{server.address}")
    one.wait_event("CALL_CLOSED")
    assert lines(one, r"^SIP/2.0 488 ")
    assert "profile or encryption" in server.ask("pjsip explain 1001")


def test_dtls_phone_calls(pair):
    server, one, two = pair(DTLS + "dtls_setup = passive\nmedia_use_received_transport = yes\n", "dtls_srtp", "", None)
    talk(server, one, two)
    one.hang_up()
    over(server, two)
    assert lines(one, r"^a=fingerprint:sha-256 .*")
    assert lines(one, r"^a=setup:passive")


@pytest.mark.parametrize("setup", ["active", "passive", "actpass"])
def test_dtls_phone_is_called(pair, setup):
    server, one, two = pair("", None, DTLS + f"dtls_setup = {setup}\n", "dtls_srtp")
    talk(server, one, two)
    two.hang_up()
    over(server, one)
    assert lines(two, rf"^a=setup:{setup}")
    assert lines(two, r"^a=fingerprint:sha-256 .*")
    assert lines(two, r"^m=audio \d+ UDP/TLS/RTP/SAVP .*")


def test_functions(pair):
    """CHANNEL(secure_media) and CHANNEL(rtp,secure)."""
    server, one, two = pair(SDES, "srtp-mand", "", None)
    for phone in one, two:
        phone.dial(f"sip:700@{server.address}")
        phone.wait_event("CALL_ESTABLISHED")
        phone.wait_hears(phone.hertz)
        phone.hang_up()
        wait_until(lambda: "0 active channels" in server.ask("core show channels"), "all channels are gone")
    said = re.findall(r"secure: media=(\d?) rtp=(\d)", server.log())
    assert list(dict.fromkeys(said)) == [("1", "1"), ("", "0")]


def test_dtls_certificate_is_checked(pair):
    """dtls_verify=certificate without an authority takes nobody: no sound, and the reason."""
    server, one, two = pair("", None, DTLS.replace("fingerprint", "certificate") + "dtls_setup = actpass\n", "dtls_srtp")
    one.dial(f"sip:1002@{server.address}")
    two.wait_event("CALL_INCOMING")
    two.accept()
    wait_until(lambda: "certificate is not the one" in server.ask("pjsip explain 1002"), "the reason is told")
    two.wait_hears_not(LOW)
    one.hang_up()


class OneSuite(threading.Thread):
    """A SIP proxy before a phone that leaves a single a=crypto line of each offer."""

    def __init__(self, phone_port):
        super().__init__(daemon=True)
        self.phone, self.server, self.suite = ("127.0.0.1", phone_port), None, ""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def keep(self, message):
        head, _, body = message.partition(b"\r\n\r\n")
        lines = [x for x in body.split(b"\r\n") if not x.startswith(b"a=crypto") or self.suite.encode() + b" " in x]
        body = b"\r\n".join(lines)
        return re.sub(rb"(?im)^Content-Length:.*$", b"Content-Length: %d\r" % len(body), head) + b"\r\n\r\n" + body

    def run(self):
        while True:
            try:
                message, source = self.socket.recvfrom(65536)
            except OSError:
                return
            if source == self.phone:
                self.socket.sendto(message, self.server)
            else:
                self.server = source
                self.socket.sendto(self.keep(message), self.phone)


@pytest.mark.parametrize("lines_2, suites", [
    ("", ["AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"]),
    ("\nsrtp_tag_32 = yes", ["AES_CM_128_HMAC_SHA1_32"]),
])
def test_sdes_suites(pair, lines_2, suites):
    """Each suite that baresip has: another implementation of SRTP at the other end."""
    server, one, two = pair("", None, SDES + lines_2, "srtp-mand")
    user, port = re.search(r"^Contact: <sip:(\S+)@127.0.0.1:(\d+)", two.trace(), re.M).groups()
    proxy = OneSuite(int(port))
    proxy.start()
    server.write("extensions.conf", f"[phones]\nexten => 800,1,Dial(PJSIP/1002/sip:{user}@127.0.0.1:{proxy.port})\n")
    server.ask("dialplan reload")
    for suite in suites:
        proxy.suite = suite
        one.dial(f"sip:800@{server.address}")
        two.wait_event("CALL_INCOMING")
        two.accept()
        one.wait_event("CALL_ESTABLISHED")
        one.wait_hears(HIGH)
        two.wait_hears(LOW)
        one.hang_up()
        over(server, two)
        assert lines(two, r"^a=crypto:\d (\S+) ")[-1] == suite
    proxy.socket.close()


def certificate(directory, name, days=30):
    """A key and a certificate that it signed itself; gives the fingerprint as SDP has it."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    f"/CN={name}", "-days", str(days), "-keyout", f"{directory}/{name}.key", "-out", f"{directory}/{name}.crt"],
                   check=True, stderr=subprocess.DEVNULL)
    out = subprocess.run(["openssl", "x509", "-in", f"{directory}/{name}.crt", "-noout", "-fingerprint", "-sha256"],
                         check=True, stdout=subprocess.PIPE, text=True).stdout
    return "sha-256 " + out.strip().partition("=")[2]


def test_certificate_files(pair, place):
    """dtls_cert_file and dtls_private_key, and those that do not fit each other."""
    prints = {name: certificate(place, name) for name in ("good", "other")}
    how = f"media_encryption = dtls\ndtls_verify = fingerprint\ndtls_setup = actpass\ndtls_cert_file = {place}/good.crt\n"
    server, one, two = pair("", None, how + f"dtls_private_key = {place}/good.key\n", "dtls_srtp")
    talk(server, one, two)
    assert f"a=fingerprint:{prints['good']}" in two.trace()
    two.hang_up()
    over(server, one)
    with open(f"{server.dir}/etc/pjsip.conf", encoding="utf-8") as f:
        conf = f.read()
    server.write("pjsip.conf", conf.replace("good.key", "other.key"))
    server.console("core reload")
    wait_until(lambda: "the key does not fit the certificate" in server.log(), "the key is refused")


def test_noload(make_server, make_phone):
    """noload of res_srtp.so: who requires encrypted media gets no call, who may do without does."""
    need("baresip")
    conf = PJSIP + ACCOUNT.format(user="1001", lines=SDES)
    conf += ACCOUNT.format(user="1002", lines=SDES + "\nmedia_encryption_optimistic = yes")
    server = make_server({"pjsip.conf": conf, "modules.conf": "[modules]\nautoload = yes\nnoload => res_srtp.so\n"}).start()
    for user, mediaenc, ends in (("1001", "srtp-mand", "CALL_CLOSED"), ("1002", None, "CALL_ESTABLISHED")):
        phone = make_phone(server, user, "secret", mediaenc=mediaenc)
        assert phone.register_outcome() == "200 OK"
        phone.dial(f"sip:600@{server.address}")
        assert phone.wait_event("CALL_CLOSED", "CALL_ESTABLISHED")["type"] == ends


OPEN = """
[caller](phone)
{lines}
[local]
type = identify
endpoint = caller
match = 127.0.0.1
"""


def with_caller(make_server, lines, rtp):
    return make_server({"pjsip.conf": PJSIP + OPEN.replace("{lines}", lines), "extensions.conf": EXTENSIONS,
                        "rtp.conf": f"[general]\nrtpstart = 31000\nrtpend = 32999\n{rtp}\n"}).start()


@pytest.mark.parametrize("protect", ["yes", "no"])
def test_replayed_packets(make_server, protect):
    """rtp.conf srtpreplayprotection: a packet that comes twice is taken once, or twice; a reload changes it for new calls."""
    server = with_caller(make_server, SDES, f"srtpreplayprotection = {'no' if protect == 'yes' else 'yes'}")
    server.write("rtp.conf", f"[general]\nrtpstart = 31000\nrtpend = 32999\nsrtpreplayprotection = {protect}\n")
    server.ask("module reload res_rtp_asterisk.so")
    assert f"Replay Protect:  {protect.title()}" in server.ask("rtp show settings")
    sender = srtp.Sender()
    with Caller(server, "600", f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{srtp.INLINE}\r\n", "RTP/SAVP") as phone:
        assert phone.answer.status == 200
        first, last = sender.packet(1), sender.packet(2)
        forged = sender.packet(3)[:-1] + b"x"

        def received():
            row = re.search(r"^ +caller-\S+ +\S+ +\S+ +(\d+)", server.ask("pjsip show channelstats"), re.M)
            return row and int(row.group(1))
        # One at a time: the media thread takes a packet before the next comes.
        for n, packet in enumerate((first, forged, first, last)):
            phone.rtp.sendto(packet, ("127.0.0.1", phone.far))
            if n == 0:
                wait_until(lambda: received() == 1, server.log)
        wait_until(lambda: received() == (2 if protect == "yes" else 3), lambda: f"{received()} packets are taken")
        phone.bye()


@pytest.mark.parametrize("mtu", [400, 1400])
def test_dtls_mtu(make_server, place, mtu):
    """rtp.conf dtls_mtu: no datagram of a handshake is longer, however long the certificate; a reload changes it."""
    names = ",".join(f"DNS:a-long-name-of-this-server-{i}.example.com" for i in range(60))
    cert, key = Authority(f"{place}/certificates").sign("long", names)
    server = with_caller(make_server, f"media_encryption = dtls\ndtls_cert_file = {cert}\ndtls_private_key = {key}\n"
                         "dtls_setup = passive\n", "dtls_mtu = 1000")
    server.write("rtp.conf", f"[general]\nrtpstart = 31000\nrtpend = 32999\ndtls_mtu = {mtu}\n")
    server.ask("module reload res_rtp_asterisk.so")
    lines = "a=setup:active\r\na=fingerprint:sha-256 " + ":".join(["00"] * 32) + "\r\n"
    with Caller(server, "600", lines, "UDP/TLS/RTP/SAVP") as phone, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        assert phone.answer.status == 200
        client.bind(("127.0.0.1", 0))
        client.settimeout(10)
        hello = subprocess.Popen([need("openssl"), "s_client", "-dtls1_2", "-use_srtp", "SRTP_AES128_CM_SHA1_80", "-connect",
                                  f"127.0.0.1:{client.getsockname()[1]}"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        try:
            data, there = client.recvfrom(4096)
            phone.rtp.sendto(data, ("127.0.0.1", phone.far))
            sizes = []
            while sum(sizes) < 3000:
                data = phone.heard()
                if len(data) > 13 and data[13] == 3:    # HelloVerifyRequest: the client says it again
                    client.sendto(data, there)
                    phone.rtp.sendto(client.recv(4096), ("127.0.0.1", phone.far))
                    continue
                sizes.append(len(data))
            assert mtu - 200 < max(sizes) <= mtu, sizes
        finally:
            hello.kill()
            hello.communicate()
        phone.bye()


def relay(client, phone, stop):
    """Datagrams of openssl's client through the socket of the call, and back."""
    there = None
    while not stop.is_set():
        for s in select.select([client, phone.rtp], [], [], 0.1)[0]:
            data, source = s.recvfrom(4096)
            if s is client:
                there = source
                phone.rtp.sendto(data, ("127.0.0.1", phone.far))
            elif there and 20 <= data[0] <= 63:
                client.sendto(data, there)


def test_a_fingerprint_of_another(make_server, place):
    """The certificate that comes is not the one that the SDP named: the reason is told, and no sound passes."""
    authority = Authority(f"{place}/certificates")
    cert, key = authority.sign("phone")
    server = with_caller(make_server, DTLS + "dtls_setup = passive\n", "")
    lines = "a=setup:active\r\na=fingerprint:sha-256 " + ":".join(["00"] * 32) + "\r\n"
    stop = threading.Event()
    with Caller(server, "600", lines, "UDP/TLS/RTP/SAVP") as phone, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        assert phone.answer.status == 200
        client.bind(("127.0.0.1", 0))
        hello = subprocess.Popen([need("openssl"), "s_client", "-dtls1_2", "-use_srtp", "SRTP_AES128_CM_SHA1_80", "-connect",
                                  f"127.0.0.1:{client.getsockname()[1]}", "-cert", cert, "-key", key], stdin=subprocess.PIPE,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        thread = threading.Thread(target=relay, args=(client, phone, stop), daemon=True)
        thread.start()
        try:
            wait_until(lambda: "certificate is not the one that its SDP" in server.ask("pjsip explain caller"), server.log)
        finally:
            stop.set()
            thread.join()
            hello.kill()
            hello.communicate()
        # Neither in the open nor under any key.
        phone.speak(20)
        phone.rtp.sendto(srtp.Sender().packet(40), ("127.0.0.1", phone.far))
        row = wait_until(lambda: re.search(r"^ +caller-.*$", server.ask("pjsip show channelstats"), re.M),
                         lambda: server.ask("pjsip show channelstats") + server.log())
        assert re.search(r" 0 +0 +0 +0\.000 +0 +0 +0 +0\.000 +0\.000$", row.group()), row.group()
        phone.bye()
