"""The normal form: what a scenario brought about, without what must differ.

Facts are a list of (stream, items); an item is (title, lines). Streams:

    a/1 responses INVITE 1    what party a got for its first INVITE of its first dialog, in order
    a/1 requests              the requests that came to it in that dialog, in order
    m PJSIP/a-1               the events of one channel, in order
    m                         events of no channel, sorted
    m 2 Status, console 3 ...     the answer to an action, the output of a command

Order is kept where the protocol gives one, and nowhere else. Replaced: tags, branches, Call-IDs,
numbers of sessions, ports of media, times, product names, secrets, the ids of channels and bridges,
addresses (by the name of who has them).
"""

import re

from message import parameter
from scenario import AGENT_PORT, PARTIES

SETS = {"allow", "supported", "accept", "allow-events", "require", "unsupported", "accept-encoding", "accept-language", "proxy-require"}
DROPPED = {"content-length", "call-id", "date"}
PRODUCT = re.compile(r"^(Asterisk PBX|Sidetone)\b.*|^Asterisk$")


class Names:
    """Replacements in one text: the scenario's addresses, endpoints, tags."""

    def __init__(self, play):
        s = play.s
        self.key = s.key
        self.rules = [(f"127.0.0.1:{play.stage.server.port}", "SERVER")]
        for p in PARTIES:
            self.rules.append((f"{s.address(p)}:{AGENT_PORT}", p.upper()))
            self.rules.append((s.address(p), p.upper() + "IP"))
        self.patterns = [(re.compile(r"\b127\.0\.0\.1\b"), "SERVERIP"), (re.compile(self.key + r"([abcd])\b"), r"\1"),
                         (re.compile(self.key), "K"), (re.compile(rf"\b{play.stage.server.port}\b"), "PORT")]
        self.tags = {}

    def text(self, text):
        for old, new in self.rules:
            text = re.sub(re.escape(old) + r"(?!\d)", new, text)
        for pattern, new in self.patterns:
            text = pattern.sub(new, text)
        return text


def text(value, play):
    if not hasattr(play, "names"):
        play.names = Names(play)
    value = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\S*", "TIME", value)
    value = map_ids(value.replace("-nan", "nan"), play)
    return play.names.text(value)


def output(lines, play):
    """What a command printed: without widths of columns, and what is other scenarios'."""
    lines = [re.sub(r"\bextensions\.conf:\d+", "extensions.conf", re.sub(r"\b(?=\d*[a-f])[0-9a-f]{10}\b", "HASH", line)) for line in lines]
    lines = [re.sub(r"^\d+ (hints matching)", r"n \1", re.sub(r"\b\d{10}\b(?!\.)", "SECONDS", line)) for line in lines]
    lines = [re.sub(r"^\d{5} (SECONDS)", r"N \1", re.sub(r"\(exp\. \d+s\)|\d+h\d+m\d+s", "SPAN", line)) for line in lines]
    lines = [re.sub(r"([-=.])\1{3,}", r"\1\1\1", re.sub(r"[ \t]+", " ", text(line, play).strip())) for line in lines]
    return [line for line in lines if line and not re.search(r"\bs\d{4}[abcd]?\b", line) and
            not (re.match(r"\w+=", line) and VARIABLES_DROPPED.match(line.partition("=")[0]))]


# -- SIP ------------------------------------------------------------------------

class Dialog:
    """What is replaced by its order within one dialog."""

    def __init__(self):
        self.tags, self.first, self.sdp = {}, None, {}

    def tag(self, value, play):
        if re.match(play.s.key + r"[abcd][tf]\d+|fork", value):
            return "own"
        return self.tags.setdefault(value, f"T{len(self.tags) + 1}")


def split(value):
    """Comma separated elements, outside of quotes and brackets."""
    out, depth, quoted, current = [], 0, False, ""
    for c in value:
        if c == '"':
            quoted = not quoted
        depth += (c == "<") - (c == ">") if not quoted else 0
        if c == "," and not quoted and depth <= 0:
            out.append(current.strip())
            current = ""
        else:
            current += c
    return out + [current.strip()]


def via(value, play):
    value = re.sub(r"branch=[^;]+", "branch=*", value)
    value = re.sub(r"rport=(\d+)", lambda m: "rport=" + ("own" if int(m.group(1)) == AGENT_PORT else "n"), value)
    head, *rest = [p.strip() for p in value.split(";")]
    return ";".join([head] + sorted(rest))


def header(name, value, dialog, play):
    low = name.lower()
    if low == "retry-after":            # left to chance (RFC 3311 5.2)
        return "N"
    if low in SETS:
        return ", ".join(sorted({p for p in split(value) if p}))
    if low == "via":
        return play.names.text(via(value, play))
    if low == "cseq":
        number, _, method = value.partition(" ")
        return f"{number} {method}"
    if low in ("user-agent", "server"):
        return PRODUCT.sub("PRODUCT", value)
    if "authenticate" in low or "authorization" in low or low == "authentication-info":
        value = re.sub(r'(nonce|opaque|response|cnonce|nextnonce|rspauth)="[^"]*"', r'\1=*', value)
        scheme, _, rest = value.partition(" ")
        return scheme + " " + ", ".join(sorted(play.names.text(p) for p in split(rest)))
    if low in ("from", "to", "contact", "p-asserted-identity", "remote-party-id", "diversion", "referred-by", "refer-to", "replaces"):
        value = re.sub(r"(tag=)([^;>&%\s]+)", lambda m: m.group(1) + dialog.tag(m.group(2), play), value)
        if low in ("from", "to"):
            # So little means it whether a name has its quotes.
            value = re.sub(r'^"([\w ]*)"\s*<', lambda m: f'{m.group(1)} <'.lstrip(), value)
            # A port has no place there (RFC 3261 19.1.1), and who writes it means the same.
            value = re.sub(r"^([^>]*?sips?:(?:[^>@]*@)?[\w.]+):\d+", r"\1", value)
            # The order of parameters means nothing.
            value = re.sub(r">((?:;[^;]+)*?)(;tag=[^;]+)", r">\2\1", value)
        if low == "contact":
            value = re.sub(r"expires=(\d+)", lambda m: f"expires={near(m.group(1))}", value)
            value = ", ".join(sorted(split(value)))
        if low in ("refer-to", "replaces"):
            value = re.sub(r"(?i)(replaces=)[^%;]+", r"\1ID", value)
        # Whether it is %3C or %3c is all the same.
        value = re.sub(r"%[0-9a-fA-F]{2}", lambda m: m.group(0).upper(), value)
    if low == "expires" or low == "subscription-state":
        value = re.sub(r"\d+", lambda m: near(m.group(0)), value)
    if low in ("rseq", "rack"):
        value = re.sub(r"^\d+", "N", value)
        value = re.sub(r"^N \d+", "N n", value)
    if low == "content-type":
        value = re.sub(r'boundary="?[^";]+"?', "boundary=*", value)
    if low in ("sip-etag", "sip-if-match"):
        return "*"
    return play.names.text(re.sub(r"\s*;\s*", ";", value))


def near(number):
    """Seconds that have begun to run: rounded up to minutes."""
    return str(-(-int(number) // 60) * 60)


def body_lines(msg, dialog, play):
    kind = msg.get("Content-Type").split(";")[0].strip().lower()
    if kind == "application/sdp":
        return sdp_lines(msg.body, dialog, play)
    out = msg.body.replace("\r\n", "\n")
    if "multipart" in kind:
        out = re.sub(r"(?m)^--\S+", "--BOUNDARY", out)
        out = re.sub(r"(?im)^Content-ID:.*|cid=\"[^\"]*\"", "Content-ID", out)
    out = re.sub(r'(call-id|local-tag|remote-tag|atomid|\bid)="[^"]*"', r'\1=*', out)
    out = re.sub(r'boundary="?[^";\s]+"?', "boundary=*", out)
    out = re.sub(r"\s+/>", "/>", re.sub(r">\s*<", ">\n<", out))
    out = re.sub(r"(?m)^Content-Length:.*\n", "", out)
    return [f"body {i:02d}: {text(line.strip(), play)}" for i, line in enumerate(line for line in out.split("\n") if line.strip())]


def sdp_lines(body, dialog, play):
    lines, place = [], "session"
    count = 0
    for line in body.replace("\r\n", "\n").split("\n"):
        if not line:
            continue
        if line.startswith("o="):
            parts = line.split()
            if len(parts) >= 6:
                first = dialog.sdp.setdefault(parts[1], int(parts[2]) if parts[2].isdigit() else 0)
                version = int(parts[2]) - first if parts[2].isdigit() else parts[2]
                number = list(dialog.sdp).index(parts[1]) + 1
                line = f"{parts[0]} S{number} +{version} " + " ".join(parts[3:])
        elif line.startswith("m="):
            count += 1
            parts = line.split()
            place = f"stream {count}"
            line = " ".join([parts[0], "0" if parts[1] == "0" else "RTP"] + parts[2:])
        line = re.sub(r"^(a=ssrc:)\d+( cname:)?.*", lambda m: f"{m.group(1)}*{m.group(2) or ''}", line)
        line = re.sub(r"^(a=rtcp:)\d+", r"\1RTCP", line)
        line = re.sub(r"^(a=(?:ice-ufrag|ice-pwd|fingerprint:\S+|msid|cname)[: ]?).*", r"\1*", line)
        line = re.sub(r"(inline:)\S+", r"\1*", line)
        line = re.sub(r"^a=candidate:.*? (typ \S+).*", r"a=candidate \1", line)
        lines.append(f"sdp {place}: {play.names.text(line)}")
    return lines


def message_lines(msg, dialog, play):
    out = {}
    for name, value in msg.headers:
        if name.lower() in DROPPED:
            continue
        out.setdefault(name.title() if name.lower() != "cseq" else "CSeq", []).append(header(name, value, dialog, play))
    out.get("Contact", []).sort()       # Asterisk's order is that of a hash
    lines = [f"{n}: {v}" for n in sorted(out) for v in out[n]]
    if msg.short:
        lines.append("names: short")
    return lines + body_lines(msg, dialog, play)


def requests_number(msg, dialog):
    """CSeq numbers of the server's begin anywhere and then count up."""
    if msg.is_response:
        return
    if dialog.first is None:
        dialog.first = msg.cseq
    for i, (n, v) in enumerate(msg.headers):
        if n.lower() == "cseq":
            msg.headers[i] = (n, f"n+{msg.cseq - dialog.first} {msg.method}")


def sip_facts(play):
    streams = {}
    for name, agent in play.agents.items():
        dialogs, numbers = {}, {}
        for msg in agent.log:
            dialog = dialogs.setdefault(msg.call_id, Dialog())
            number = numbers.setdefault(msg.call_id, len(numbers) + 1)
            requests_number(msg, dialog)
            if msg.is_response:
                stream = f"{name}/{number} responses {msg.method} {msg.cseq}"
                title = play.names.text(msg.line[8:])
            else:
                stream = f"{name}/{number} requests"
                title = play.names.text(msg.line)
            streams.setdefault(stream, []).append((title, message_lines(msg, dialog, play)))
    return sorted(streams.items())


# -- the manager ----------------------------------------------------------------

MOMENT = 0.2
EVENTS_DROPPED = {"TestEvent", "RTCPSent", "RTCPReceived", "FullyBooted", "SuccessfulAuth", "Reload", "Shutdown"}
# Measured, of the implementation, or told by an event of their own.
VARIABLES_DROPPED = re.compile(r"RTPAUDIOQOS|RTPVIDEOQOS|.*TIME(_MS)?$|BRIDGEPVTCALLID|_?SIPCALLID|ARG\d+$|LOCAL\(ARG|MACRO_|GOSUB|BLINDTRANSFER_ID")
KEYS_DROPPED = {"actionid", "sessionid", "sessiontv", "eventtv", "challenge", "receivedchallenge", "receivedhash", "roundtripusec",
                "timestamp", "seconds", "privilege", "expectedresponse", "reghost", "regexpire", "callid", "viaaddress", "viaport", "eventtime"}
CHANNEL = re.compile(r"((?:PJSIP|Local|Message|Surrogate)/[^\s;,]*?)-([0-9a-f]{8})(;[12])?")
UNIQUE = re.compile(r"\b(?:[A-Za-z0-9]+-)?\d{9,10}\.\d+\b")
BRIDGE = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


def map_ids(value, play):
    ids = play.__dict__.setdefault("ids", {})

    def channel(m):
        known = ids.setdefault("channels", {})
        numbers = known.setdefault(m.group(1), [])
        if m.group(2) not in numbers:
            numbers.append(m.group(2))
        return f"{m.group(1)}-{numbers.index(m.group(2)) + 1}{m.group(3) or ''}"

    value = CHANNEL.sub(channel, value)
    value = UNIQUE.sub(lambda m: ids.get("unique", {}).get(m.group(0), "UNIQUE"), value)
    return BRIDGE.sub(lambda m: ids.get("bridges", {}).get(m.group(0), "a bridge"), value)


def learn(rows, play):
    """Which channel has which id."""
    event = dict(rows)
    for prefix in ("", "Dest"):
        channel, unique = event.get(prefix + "Channel"), event.get(prefix + "Uniqueid")
        if channel and unique:
            ids = play.__dict__.setdefault("ids", {})
            ids.setdefault("unique", {})[unique] = "id of " + play.names.text(map_ids(channel, play))


def name_bridges(events, play):
    """A bridge is named after who was in it."""
    members, names = {}, {}
    for rows in events:
        event = dict(rows)
        if event.get("Event") == "BridgeEnter":
            members.setdefault(event["BridgeUniqueid"], set()).add(play.names.text(map_ids(event.get("Channel", ""), play)))
    for bridge, channels in members.items():
        name = "bridge of " + " and ".join(sorted(c.replace("PJSIP/", "") for c in channels))
        names[name] = names.get(name, 0) + 1
        play.ids.setdefault("bridges", {})[bridge] = name if names[name] == 1 else f"{name}, {names[name]}"


def concerns(rows, play, known):
    """Whether an event is this scenario's; ids and bridges make it so too."""
    return any(play.s.key in v or v in known for _, v in rows)


def event_lines(rows, play):
    lines, kind = [], dict(rows).get("Event")
    for n, v in rows:
        if n.lower() in KEYS_DROPPED or n == "Event":
            continue
        # The channel's state may be set before or after this is told.
        if kind == "DialState" and n.startswith("DestChannelState"):
            continue
        # Counted over all calls of the server.
        if n == "Id" and kind in ("LocalOptimizationBegin", "LocalOptimizationEnd"):
            continue
        lines.append(f"{n}: {text(v, play)}")
    return sorted(lines)


def blocks(rows_list, play):
    """The answer to an action."""
    items = []
    for rows in rows_list:
        learn(rows, play)
        kind = dict(rows).get("Event") or "Response " + dict(rows).get("Response", "")
        items.append((kind, event_lines(rows, play)))
    return items[:1] + sorted(items[1:]) if items else [("nothing", [])]


def about(event):
    """What an event of no channel is about, so that the order of these can be kept."""
    if "Device" in event:
        return "device " + event["Device"]
    if event.get("Event") in ("ExtensionStatus", "PresenceStatus"):
        return "extension " + event.get("Exten", "")
    if "BridgeUniqueid" in event:
        return event["BridgeUniqueid"]
    return ""


def lasting(events, states):
    """Without the states of devices and extensions that were over in a moment: how many of these are
    told depends on the machine. Scenarios that do not say `hints` are not about states at all."""
    over, out = {}, []
    for rows in reversed(events):
        event = dict(rows)
        if event.get("Event") in ("DeviceStateChange", "ExtensionStatus"):
            name, next_at = about(event), over.get(about(event), float("inf"))
            over[name] = rows.at
            if not states or next_at - rows.at < MOMENT:
                continue
        out.append(rows)
    return out[::-1]


def manager_facts(play):
    events = play.stage.manager.events[play.first_event:play.stop_event]
    known, mine = set(), []
    for _ in range(2):
        for rows in events:
            if concerns(rows, play, known) and not ("Channel", "Message/ast_msg_queue") in rows:
                known |= {v for n, v in rows if v and n in ("Uniqueid", "DestUniqueid", "BridgeUniqueid", "TransfererUniqueid")
                          and (UNIQUE.fullmatch(v) or BRIDGE.fullmatch(v))}
    for rows in events:
        if concerns(rows, play, known) and dict(rows).get("Event") not in EVENTS_DROPPED:
            mine.append(rows)
    for rows in mine:
        learn(rows, play)
    name_bridges(mine, play)
    streams, rest = {}, []
    for rows in lasting(mine, play.s.hints):
        event = dict(rows)
        # The one channel of all messages is made with the first of them, in whichever scenario that is.
        if event.get("Event") == "Newchannel" and event.get("Channel", "").startswith("Message/"):
            continue
        lines = event_lines(rows, play)
        channel = event.get("Channel") or event.get("DestChannel")
        item = (event.get("Event", "?"), lines)
        if event.get("Event") == "VarSet":
            if VARIABLES_DROPPED.match(event.get("Variable", "")):
                continue
            stream = streams.setdefault(f"v {text(channel, play)}" if channel else "v", [])
            one = (f"{text(event.get('Variable', ''), play)}={text(event.get('Value', ''), play)}", [])
            if one not in stream:
                stream.append(one)
        elif event.get("Event", "").startswith("MusicOnHold") or event.get("Event") in ("Hold", "Unhold"):
            # Told of a channel that is on hold by another thread than its bridge's.
            streams.setdefault(f"m {text(channel, play)}, hold", []).append(item)
        elif channel:
            streams.setdefault(f"m {text(channel, play)}", []).append(item)
        elif about(event):
            streams.setdefault(f"m {text(about(event), play)}", []).append(item)
        else:
            rest.append(item)
    for name in streams:
        if name.startswith("v"):
            streams[name].sort()
    out = sorted(streams.items())
    return out + ([("m", sorted(rest))] if rest else [])


def facts(play):
    text("", play)
    manager = manager_facts(play)
    return sip_facts(play) + manager + play.facts
