"""Callers with encrypted media beside an attack: DTLS by the system's OpenSSL, SRTP by libsrtp2, so
that another implementation than the server's own code says what is right."""

import base64
import ctypes
import hashlib
import hmac
import os
import re
import select
import socket
import ssl
import struct
import time
import zlib

from canary import Phone
from sipmsg import simple_sdp

c_void, c_long = ctypes.c_void_p, ctypes.c_long
libssl, libcrypto, libsrtp = (ctypes.CDLL(n) for n in ("libssl.so.3", "libcrypto.so.3", "libsrtp2.so.1"))
for lib, name, gives, takes in (
        (libssl, "DTLS_client_method", c_void, []), (libssl, "SSL_CTX_new", c_void, [c_void]), (libssl, "SSL_new", c_void, [c_void]),
        (libssl, "SSL_CTX_use_certificate_file", ctypes.c_int, [c_void, ctypes.c_char_p, ctypes.c_int]),
        (libssl, "SSL_CTX_use_PrivateKey_file", ctypes.c_int, [c_void, ctypes.c_char_p, ctypes.c_int]),
        (libssl, "SSL_CTX_set_tlsext_use_srtp", ctypes.c_int, [c_void, ctypes.c_char_p]),
        (libssl, "SSL_set_options", ctypes.c_uint64, [c_void, ctypes.c_uint64]),
        (libssl, "SSL_ctrl", c_long, [c_void, ctypes.c_int, c_long, c_void]), (libssl, "SSL_set_bio", None, [c_void] * 3),
        (libssl, "SSL_set_connect_state", None, [c_void]), (libssl, "SSL_do_handshake", ctypes.c_int, [c_void]),
        (libssl, "SSL_get_error", ctypes.c_int, [c_void, ctypes.c_int]), (libssl, "SSL_free", None, [c_void]),
        (libssl, "SSL_CTX_free", None, [c_void]),
        (libssl, "SSL_export_keying_material", ctypes.c_int,
         [c_void, c_void, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, c_void, ctypes.c_size_t, ctypes.c_int]),
        (libcrypto, "BIO_new_dgram", c_void, [ctypes.c_int, ctypes.c_int]), (libcrypto, "BIO_ADDR_new", c_void, []),
        (libcrypto, "BIO_ADDR_rawmake", ctypes.c_int, [c_void, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_ushort]),
        (libcrypto, "BIO_ADDR_free", None, [c_void]), (libcrypto, "ERR_clear_error", None, []),
        (libcrypto, "BIO_ctrl", c_long, [c_void, ctypes.c_int, c_long, c_void])):
    getattr(lib, name).restype, getattr(lib, name).argtypes = gives, takes
SET_MTU, GET_TIMEOUT, HANDLE_TIMEOUT, SET_CONNECTED = 17, 73, 74, 32
NO_QUERY_MTU = 1 << 12
WANT_READ = 2


class CryptoPolicy(ctypes.Structure):
    _fields_ = [("cipher", ctypes.c_uint32), ("key", ctypes.c_int), ("auth", ctypes.c_uint32), ("auth_key", ctypes.c_int),
                ("tag", ctypes.c_int), ("services", ctypes.c_int)]


class Policy(ctypes.Structure):
    _fields_ = [("ssrc_type", ctypes.c_int), ("ssrc", ctypes.c_uint), ("rtp", CryptoPolicy), ("rtcp", CryptoPolicy), ("key", c_void),
                ("keys", c_void), ("nkeys", ctypes.c_ulong), ("ekt", c_void), ("window", ctypes.c_ulong), ("repeat", ctypes.c_int),
                ("headers", c_void), ("nheaders", ctypes.c_int), ("next", c_void)]


libsrtp.srtp_init()
ANY_INBOUND, ANY_OUTBOUND = 2, 3


class Srtp:
    """AES_CM_128_HMAC_SHA1_80 in one direction; KEY: 16 bytes of key and 14 of salt."""

    def __init__(self, key, outbound):
        self.key = ctypes.create_string_buffer(key, 30)
        p = Policy()
        libsrtp.srtp_crypto_policy_set_rtp_default(ctypes.byref(p.rtp))
        libsrtp.srtp_crypto_policy_set_rtcp_default(ctypes.byref(p.rtcp))
        p.ssrc_type, p.key = ANY_OUTBOUND if outbound else ANY_INBOUND, ctypes.addressof(self.key)
        self.context = c_void()
        assert libsrtp.srtp_create(ctypes.byref(self.context), ctypes.byref(p)) == 0

    def run(self, how, packet):
        room = ctypes.create_string_buffer(packet, len(packet) + 64)
        n = ctypes.c_int(len(packet))
        return room.raw[:n.value] if how(self.context, room, ctypes.byref(n)) == 0 else None

    def seal(self, packet):
        return self.run(libsrtp.srtp_protect, packet)

    def open(self, packet):
        return self.run(libsrtp.srtp_unprotect, packet)

    def close(self):
        libsrtp.srtp_dealloc(self.context)


def shake(sock, address, cert, key, patience):
    """DTLS as client over SOCK, which is connected to ADDRESS: the keys of both sides, or None."""
    ctx = libssl.SSL_CTX_new(libssl.DTLS_client_method())
    ok = libssl.SSL_CTX_use_certificate_file(ctx, cert.encode(), 1) == 1 and libssl.SSL_CTX_use_PrivateKey_file(ctx, key.encode(), 1) == 1
    assert ok and libssl.SSL_CTX_set_tlsext_use_srtp(ctx, b"SRTP_AES128_CM_SHA1_80") == 0
    s, bio, peer = libssl.SSL_new(ctx), libcrypto.BIO_new_dgram(sock.fileno(), 0), libcrypto.BIO_ADDR_new()
    libcrypto.BIO_ADDR_rawmake(peer, socket.AF_INET, socket.inet_aton(address[0]), 4, socket.htons(address[1]))
    libcrypto.BIO_ctrl(bio, SET_CONNECTED, 0, peer)
    libcrypto.BIO_ADDR_free(peer)
    libssl.SSL_set_options(s, NO_QUERY_MTU)
    libssl.SSL_set_bio(s, bio, bio)
    libssl.SSL_ctrl(s, SET_MTU, 1200, None)
    libssl.SSL_set_connect_state(s)
    sock.setblocking(False)
    end, both = time.monotonic() + patience, None
    while time.monotonic() < end:
        libcrypto.ERR_clear_error()
        r = libssl.SSL_do_handshake(s)
        if r == 1:
            room = ctypes.create_string_buffer(60)
            libssl.SSL_export_keying_material(s, room, 60, b"EXTRACTOR-dtls_srtp", 19, None, 0, 0)
            k = room.raw
            both = k[:16] + k[32:46], k[16:32] + k[46:60]
            break
        if libssl.SSL_get_error(s, r) != WANT_READ:
            break
        left = (c_long * 2)(1, 0)
        libssl.SSL_ctrl(s, GET_TIMEOUT, 0, ctypes.addressof(left))
        if not select.select([sock], [], [], min(left[0] + left[1] / 1e6 + 0.001, 1))[0]:
            libssl.SSL_ctrl(s, HANDLE_TIMEOUT, 0, None)
    libssl.SSL_free(s)
    libssl.SSL_CTX_free(ctx)
    return both


def fingerprint(cert):
    with open(cert, encoding="ascii") as f:
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).digest()
    return "sha-256 " + ":".join(f"{b:02X}" for b in digest)


class Caller(Phone):
    """A call to the echo with media of KIND: plain, sdes, dtls or ice."""

    def __init__(self, site, ip, kind, cert=None):
        super().__init__(ip, ("127.0.0.1", site["udp"]), "secure", "")
        self.kind, self.cert = kind, cert
        self.tx = self.rx = None
        self.sent, self.heard, self.foreign, self.n = set(), 0, 0, 0
        self.ssrc = os.urandom(4)

    def sdp(self):
        text = simple_sdp(self.ip, self.media.getsockname()[1], (0,))
        if self.kind == "dtls":
            text = text.replace("RTP/AVP", "UDP/TLS/RTP/SAVP") + (f"a=fingerprint:{fingerprint(self.cert[0])}\r\n"
                                                                  "a=setup:active\r\na=rtcp-mux\r\n")
        if self.kind == "sdes":
            self.key = os.urandom(30)
            line = base64.b64encode(self.key).decode()
            text = text.replace("RTP/AVP", "RTP/SAVP") + f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{line}\r\n"
        return text

    def ask(self):
        """The INVITE and its ACK; "" when it was answered 200."""
        self.serial += 1
        self.call_id, self.uri = f"s{self.ip}x{self.serial:x}", f"sip:echo@{self.host}"
        m = self.transact("INVITE", self.uri, self.call_id, self.uri, body=self.sdp(), patience=8)
        if m is None or m.status != 200:
            return f"INVITE {m and m.status}"
        self.answer = m
        self.sock.sendto(self.build("ACK", m.contact(), self.call_id, self.uri, m.tag("to"))[0], self.server)
        self.media.connect(("127.0.0.1", int(re.search(r"m=audio (\d+)", m.body).group(1))))
        return ""

    def secure(self, patience=8):
        """Keys; "" when they are there."""
        if self.kind == "dtls":
            both = shake(self.media, self.media.getpeername(), *self.cert, patience)
            if not both:
                return "no DTLS"
            self.tx, self.rx = Srtp(both[0], True), Srtp(both[1], False)
        elif self.kind == "sdes":
            theirs = re.search(r"a=crypto:\d+ AES_CM_128_HMAC_SHA1_80 inline:([^|\r]+)", self.answer.body)
            if not theirs:
                return "no crypto in the answer"
            self.tx, self.rx = Srtp(self.key, True), Srtp(base64.b64decode(theirs.group(1)), False)
        return ""

    def say(self):
        """A packet that is like no other."""
        self.n += 1
        payload = hashlib.sha256(self.ssrc + struct.pack("!I", self.n)).digest() * 5
        packet = struct.pack("!BBHI", 0x80, 0, self.n & 0xffff, self.n * 160 & 0xffffffff) + self.ssrc + payload
        self.sent.add(payload)
        try:
            self.media.send(self.tx.seal(packet) if self.tx else packet)
        except OSError:
            pass

    def listen(self, until):
        """Takes what comes; counts what is ours and what is anybody else's."""
        while True:
            left = until - time.monotonic()
            if not select.select([self.media], [], [], max(0, left))[0]:
                return
            try:
                data = self.media.recv(2048)
            except OSError:
                continue
            if data and data[0] >> 6 == 2 and not 192 <= data[1] <= 223:
                packet = self.rx.open(data) if self.rx else data
                if packet and packet[12:] in self.sent:
                    self.heard += 1
                else:
                    self.foreign += 1
            elif data and data[0] < 4:
                self.stun(data)

    def stun(self, data):
        """Nobody here has ICE."""

    def hear(self, seconds):
        """Speaks until it hears itself; "" when it did."""
        end = time.monotonic() + seconds
        while not self.heard and time.monotonic() < end:
            self.say()
            self.listen(time.monotonic() + 0.02)
        return "" if self.heard else "no echo"

    def end(self):
        m = self.transact("BYE", self.answer.contact(), self.call_id, self.uri, self.answer.tag("to"))
        self.close()
        return "" if m is not None and m.status == 200 else f"BYE {m and m.status}"

    def close(self):
        for s in self.tx, self.rx:
            if s:
                s.close()
        self.tx = self.rx = None
        self.media.close()
        self.sock.close()


class IceCaller(Caller):
    """ICE as a lite peer: it answers checks that are signed with its password, and remembers what
    role and which user the server has."""

    def __init__(self, site, ip):
        super().__init__(site, ip, "plain")
        self.ufrag, self.pwd = os.urandom(4).hex(), os.urandom(16).hex()
        self.checks, self.roles, self.nominated = 0, set(), False

    def sdp(self):
        port = self.media.getsockname()[1]
        return simple_sdp(self.ip, port, (0,)).replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n") + (f"a=ice-ufrag:{self.ufrag}\r\na=ice-pwd:{self.pwd}\r\na=rtcp-mux\r\n"
                                                  f"a=candidate:1 1 UDP 2130706431 {self.ip} {port} typ host\r\n")

    def peer_user(self):
        return re.search(r"a=ice-ufrag:(\S+)", self.answer.body).group(1)

    def attributes(self, data):
        at, found = 20, {}
        while at + 4 <= len(data):
            kind, n = struct.unpack_from("!HH", data, at)
            found[kind] = (at, data[at + 4:at + 4 + n])
            at += 4 + (n + 3) // 4 * 4
        return found

    def signed(self, head, body):
        def with_length(more):
            return head[:2] + struct.pack("!H", len(body) + more) + head[4:20] + body
        mac = hmac.new(self.pwd.encode(), with_length(24), hashlib.sha1).digest()
        body += struct.pack("!HH", 8, 20) + mac
        crc = zlib.crc32(with_length(8)) ^ 0x5354554e
        return with_length(8) + struct.pack("!HHI", 0x8028, 4, crc)

    def stun(self, data):
        if data[:2] != b"\x00\x01":
            return
        found = self.attributes(data)
        at, mac = found.get(8, (0, b""))
        head = data[:2] + struct.pack("!H", at + 4) + data[4:at]
        if not at or hmac.new(self.pwd.encode(), head, hashlib.sha1).digest() != mac:
            return
        self.checks += 1
        self.roles |= {name for kind, name in ((0x802a, "controlling"), (0x8029, "controlled")) if kind in found}
        self.nominated = self.nominated or 0x25 in found
        ip, port = self.media.getpeername()
        cookie = 0x2112a442
        mapped = struct.pack("!HHBBHI", 0x20, 8, 0, 1, port ^ cookie >> 16, struct.unpack("!I", socket.inet_aton(ip))[0] ^ cookie)
        self.media.send(self.signed(b"\x01\x01\x00\x00" + data[4:20], mapped))
