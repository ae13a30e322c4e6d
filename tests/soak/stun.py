"""STUN for connectivity checks (RFC 8489, RFC 8445): messages are written and read, rightly or with a fault."""

import hashlib
import hmac
import socket
import struct
import zlib

COOKIE = 0x2112A442
REQUEST, SUCCESS, ERROR, INDICATION = 0x0001, 0x0101, 0x0111, 0x0011
USERNAME, INTEGRITY, ERROR_CODE, XOR_MAPPED, PRIORITY = 0x0006, 0x0008, 0x0009, 0x0020, 0x0024
USE_CANDIDATE, FINGERPRINT, CONTROLLED, CONTROLLING = 0x0025, 0x8028, 0x8029, 0x802A
FAULTS = ("password", "name", "none", "print", "length", "unknown", "cut")


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def build(kind, transaction, attributes, password=None, fault=None):
    """FAULT: one of FAULTS; "name" is up to the caller."""
    body = b"".join(attribute(k, v) for k, v in attributes)
    if fault == "unknown":
        body += attribute(0x7f01, b"xyz")

    def head(more):
        return struct.pack("!HHI", kind, len(body) + more, COOKIE) + transaction
    if password is not None and fault != "none":
        key = (password + ("x" if fault == "password" else "")).encode()
        body += attribute(INTEGRITY, hmac.digest(key, head(24) + body, hashlib.sha1))
    crc = zlib.crc32(head(8) + body) ^ 0x5354554E ^ (fault == "print")
    body += attribute(FINGERPRINT, struct.pack("!I", crc))
    data = head(4 if fault == "length" else 0) + body
    return data[:-6] if fault == "cut" else data


def parse(data):
    """(kind, transaction, {attribute: value}), or None."""
    if len(data) < 20 or struct.unpack("!I", data[4:8])[0] != COOKIE:
        return None
    kind, size = struct.unpack("!HH", data[:4])
    found, at = {}, 20
    while at + 4 <= min(len(data), 20 + size):
        k, n = struct.unpack("!HH", data[at:at + 4])
        found.setdefault(k, data[at + 4:at + 4 + n])
        if k == INTEGRITY:
            found["signed"] = at
        at += 4 + n + -n % 4
    return kind, data[8:20], found


def signed_by(data, found, password):
    at = found.get("signed")
    if at is None:
        return False
    head = data[:2] + struct.pack("!H", at + 4) + data[4:at]
    return hmac.compare_digest(found[INTEGRITY], hmac.digest(password.encode(), head, hashlib.sha1))


def xor_mapped(address):
    ip = struct.unpack("!I", socket.inet_aton(address[0]))[0]
    return struct.pack("!BBHI", 0, 1, address[1] ^ COOKIE >> 16, ip ^ COOKIE)
