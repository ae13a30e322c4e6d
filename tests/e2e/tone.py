"""Tones: one written to a file, one looked for in samples (Goertzel)."""

import array
import math
import struct
import wave

RATE = 8000     # [Hz] of everything here


def write_tone(path, hertz, seconds, amplitude=8000):
    """A mono 16-bit wav file that holds a sine."""
    period = [int(amplitude * math.sin(2 * math.pi * hertz * i / RATE)) for i in range(RATE)]
    second = struct.pack(f"<{RATE}h", *period)
    with wave.open(str(path), "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(RATE)
        f.writeframes(second * seconds)


def read_samples(path, start=0):
    """16-bit samples from sample START on, also of a file that is still being
    written, whose header does not know its length yet."""
    with open(path, "rb") as f:
        head = f.read(4096)
        at = head.find(b"data")
        if at < 0:
            return array.array("h")
        f.seek(at + 8 + 2 * start)
        data = f.read()
    return array.array("h", data[: len(data) // 2 * 2])


def share(samples, hertz):
    """Which part of the power in SAMPLES is at HERTZ: 0..1."""
    n = len(samples)
    power = sum(s * s for s in samples)
    if n == 0 or power == 0:
        return 0.0
    coeff = 2 * math.cos(2 * math.pi * hertz / RATE)
    s1 = s2 = 0.0
    for x in samples:
        s1, s2 = x + coeff * s1 - s2, s1
    at = s1 * s1 + s2 * s2 - coeff * s1 * s2
    return min(1.0, 2 * at / n / power)


def loud(samples):
    """Root mean square of SAMPLES."""
    return math.sqrt(sum(s * s for s in samples) / len(samples)) if samples else 0.0


def ulaw(data):
    """Samples of G.711 mu-law bytes."""
    def one(b):
        b = ~b & 0xff
        value = (((b & 0x0f) << 3) + 0x84 << (b >> 4 & 7)) - 0x84
        return -value if b & 0x80 else value
    table = [one(b) for b in range(256)]
    return array.array("h", (table[b] for b in data))
