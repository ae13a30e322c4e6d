"""SRTP (RFC 3711) with AES in counter mode and HMAC-SHA1, for peers of the soak."""

import hashlib
import hmac
import struct

from openssl import Counter

# Name in SDP: (bytes of the key, of the tag of SRTP). The tag of SRTCP has 10 always.
SUITES = {"AES_CM_128_HMAC_SHA1_80": (16, 10), "AES_CM_128_HMAC_SHA1_32": (16, 4), "AES_256_CM_HMAC_SHA1_80": (32, 10)}
BY_ID = {1: "AES_CM_128_HMAC_SHA1_80", 2: "AES_CM_128_HMAC_SHA1_32"}
SALT = 14


class Way:
    """One direction under one master key: protect() what goes, unprotect() what comes."""

    def __init__(self, suite, master):
        self.size, self.tag = SUITES[suite]
        self.master, self.master_salt = Counter(master[:self.size]), master[self.size:self.size + SALT]
        self.rtp, self.rtcp = self.derive(0), self.derive(3)
        self.rolled, self.last = {}, {}         # the rollover counter and the last number, by source
        self.index = 0

    def derive(self, label):
        """The cipher, the key of the hash and the salt: labels 0 to 2, or 3 to 5."""
        def made(n, size):
            iv = bytearray(self.master_salt + b"\0\0")
            iv[7] ^= n
            return self.master.crypt(bytes(iv), bytes(size))
        return Counter(made(label, self.size)), made(label + 1, 20), made(label + 2, SALT)

    @staticmethod
    def iv(salt, ssrc, index):
        text = int.from_bytes(salt, "big") << 16 ^ ssrc << 64 ^ index << 16
        return text.to_bytes(16, "big")

    @staticmethod
    def head(packet):
        n = 12 + 4 * (packet[0] & 15)
        if packet[0] & 16 and len(packet) >= n + 4:
            n += 4 + 4 * int.from_bytes(packet[n + 2:n + 4], "big")
        return n

    def roll(self, ssrc, seq):
        """The rollover counter of a packet (RFC 3711 3.3.1)."""
        last, roc = self.last.get(ssrc, seq), self.rolled.get(ssrc, 0)
        if last < 0x8000 and seq - last > 0x8000:
            return max(roc - 1, 0)
        if last >= 0x8000 and last - seq > 0x8000:
            roc += 1
        if roc != self.rolled.get(ssrc, 0) or seq > last or ssrc not in self.last:
            self.last[ssrc], self.rolled[ssrc] = seq, roc
        return roc

    def protect(self, packet):
        cipher, key, salt = self.rtp
        seq, ssrc = struct.unpack("!H4xI", packet[2:12])
        roc, n = self.roll(ssrc, seq), self.head(packet)
        data = packet[:n] + cipher.crypt(self.iv(salt, ssrc, roc << 16 | seq), packet[n:])
        return data + hmac.digest(key, data + struct.pack("!I", roc), hashlib.sha1)[:self.tag]

    def unprotect(self, packet):
        """The packet in the clear, or None."""
        cipher, key, salt = self.rtp
        data, tag = packet[:-self.tag], packet[-self.tag:]
        if len(data) < 12:
            return None
        seq, ssrc = struct.unpack("!H4xI", data[2:12])
        roc, n = self.roll(ssrc, seq), self.head(data)
        if hmac.digest(key, data + struct.pack("!I", roc), hashlib.sha1)[:self.tag] != tag:
            return None
        return data[:n] + cipher.crypt(self.iv(salt, ssrc, roc << 16 | seq), data[n:])

    def protect_rtcp(self, packet):
        cipher, key, salt = self.rtcp
        ssrc = int.from_bytes(packet[4:8], "big")
        self.index += 1
        data = packet[:8] + cipher.crypt(self.iv(salt, ssrc, self.index), packet[8:]) + struct.pack("!I", 0x80000000 | self.index)
        return data + hmac.digest(key, data, hashlib.sha1)[:10]


def of_dtls(suite, keys, active):
    """(what we send, what they send) of the 60 bytes that both exported."""
    client, server = keys[0:16] + keys[32:46], keys[16:32] + keys[46:60]
    name = BY_ID[suite]
    mine, theirs = (client, server) if active else (server, client)
    return Way(name, mine), Way(name, theirs)
