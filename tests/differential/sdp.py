"""Session descriptions out of short words.

    ulaw,alaw,tel          one audio stream
    ulaw:sendonly          with a direction; c0: an address of 0.0.0.0; port0: refused
    ulaw+h264              a second stream
    ulaw:ptime=30          any other word is an attribute line
    ulaw:bw=AS:64          a b= line of the stream
    ulaw/SAVP:...          another profile: AVPF, SAVP, SAVPF
"""

CODECS = {"ulaw": (0, "PCMU/8000"), "alaw": (8, "PCMA/8000"), "g722": (9, "G722/8000"), "gsm": (3, "GSM/8000"),
          "g729": (18, "G729/8000"), "opus": (107, "opus/48000/2"), "tel": (101, "telephone-event/8000"),
          "tel48": (102, "telephone-event/48000"), "l16": (118, "L16/16000"), "cn": (13, "CN/8000"), "speex": (117, "speex/8000"),
          "h264": (99, "H264/90000"), "vp8": (100, "VP8/90000"), "ilbc": (97, "iLBC/8000"), "g726": (111, "G726-32/8000")}
VIDEO = ("h264", "vp8")
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


def stream(word, port):
    codecs, *flags = word.split(":")
    codecs, _, profile = codecs.partition("/")
    if codecs == "image":
        return [f"m=image {port} udptl t38", "a=T38FaxVersion:0", "a=T38MaxBitRate:14400"]
    if codecs == "text":
        return [f"m=text {port} RTP/AVP 98", "a=rtpmap:98 t140/1000"]
    names = codecs.split(",")
    kind = "video" if names[0] in VIDEO else "audio"
    numbers = " ".join(str(CODECS[n][0]) for n in names)
    lines = [f"m={kind} {0 if 'port0' in flags else port} RTP/{profile or 'AVP'} {numbers}"]
    if "c0" in flags:
        lines.append("c=IN IP4 0.0.0.0")
    lines += ["b=" + f[3:] for f in flags if f.startswith("bw=")]
    lines += [f"a=rtpmap:{CODECS[n][0]} {CODECS[n][1]}" for n in names]
    lines += ["a=fmtp:101 0-16"] if "tel" in names else []
    for flag in flags:
        if flag in ("c0", "port0") or flag.startswith("bw="):
            continue
        lines.append("a=" + flag.replace("=", ":", 1))
    if not any(f in DIRECTIONS for f in flags):
        lines.append("a=sendrecv")
    return lines


def make(words, host, number, version):
    """The text; NUMBER is the session's, VERSION rises with each description."""
    lines = ["v=0", f"o=- {number} {version} IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0"]
    for i, word in enumerate(words.split("+")):
        lines += stream(word, 20000 + 2 * i)
    return "\r\n".join(lines) + "\r\n"


MIRROR = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


def answer(offer, host, number, version):
    """Take the first format of each stream and telephone events; mirror the direction."""
    lines = ["v=0", f"o=- {number} {version} IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0"]
    sections, index = offer.replace("\r\n", "\n").split("\nm=")[1:], 0
    for section in sections:
        rows = section.split("\n")
        parts = rows[0].split()
        kind, port, profile, formats = parts[0], parts[1], parts[2], parts[3:]
        maps = {r.split(":")[1].split()[0]: r for r in rows if r.startswith("a=rtpmap:")}
        events = [f for f in formats if "telephone-event" in maps.get(f, "")]
        first = next((f for f in formats if f not in events), formats[0] if formats else "0")
        keep = [first] + events[:1]
        refused = port == "0" or kind not in ("audio", "video")
        lines.append(f"m={kind} {0 if refused else 20000 + 2 * index} {profile} {' '.join(keep)}")
        lines += [maps[f] for f in keep if f in maps]
        way = next((r[2:] for r in rows if r[2:] in DIRECTIONS and r.startswith("a=")), "sendrecv")
        lines.append("a=" + MIRROR.get(way, "sendrecv"))
        index += 1
    return "\r\n".join(lines) + "\r\n"
