"""SRTP as a test needs it: AES_CM_128_HMAC_SHA1_80 (RFC 3711), the cipher by OpenSSL's program."""

import base64
import hashlib
import hmac
import struct
import subprocess

from server import need

KEY = bytes(range(30))  # master key and salt
INLINE = base64.b64encode(KEY).decode()


def aes_ctr(key, counter, data):
    done = subprocess.run([need("openssl"), "enc", "-aes-128-ctr", "-K", key.hex(), "-iv", counter.to_bytes(16, "big").hex()],
                          input=data, stdout=subprocess.PIPE, check=True, timeout=60)
    return done.stdout


def derived(label, n):
    """RFC 3711 4.3.1, with a key derivation rate of 0."""
    salt = int.from_bytes(KEY[16:], "big") ^ label << 48
    return aes_ctr(KEY[:16], salt << 16, bytes(n))


class Sender:
    def __init__(self, ssrc=0x1234):
        self.ssrc = ssrc
        self.key, self.auth, self.salt = derived(0, 16), derived(1, 20), derived(2, 14)

    def packet(self, seq, payload=bytes(160), pt=0):
        """Sealed, before the sequence number has gone round."""
        head = struct.pack("!BBHII", 0x80, pt, seq, seq * 160, self.ssrc)
        counter = int.from_bytes(self.salt, "big") << 16 ^ self.ssrc << 64 ^ seq << 16
        sealed = head + aes_ctr(self.key, counter, payload)
        return sealed + hmac.new(self.auth, sealed + bytes(4), hashlib.sha1).digest()[:10]
