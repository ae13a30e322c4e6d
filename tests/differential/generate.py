"""Scenarios that are made, not written: every option of options.txt at each of its values, in the flows of
flows.txt where it shows; and calls out of a small grammar."""

import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))


def blocks(path):
    """The named blocks of a file: name -> lines."""
    out, current = {}, None
    with open(path, encoding="utf-8") as f:
        for line in f.read().splitlines():
            if line.startswith("["):
                current = out[line[1:-1]] = []
            elif line.strip() and not line.startswith("#"):
                current.append(line)
    return out


def word(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40] or "empty"


def options(flows):
    with open(f"{HERE}/options.txt", encoding="utf-8") as f:
        for line in f:
            if line.startswith("#") or not line.strip():
                continue
            section, option, party, names, values = line.split(None, 4)
            for value in [v.strip() for v in values.split("|")]:
                for flow in names.split(","):
                    name = f"{section}-{option}-{party}-{word(value)}-{flow}".replace("---", "-").replace("--", "-")
                    yield section, option, party, value, name, flows[flow]


def option_scenarios(flows):
    """Text of scenarios; what is global is a profile of its own."""
    own, profiles = [], {}
    for section, option, party, value, name, steps in options(flows):
        if party != "-":
            own.append((name, [f"{party}.{section} {option}={value}"] + steps))
        else:
            profile = f"{section}-{option}-{word(value)}"
            profiles[profile] = f"{section} {option}={value}" if section != "rtp" else f"file rtp.conf {option}={value}"
            own.append((name, [f"profile {profile}"] + steps))
    return own, profiles


# -- the grammar ------------------------------------------------------------------

CALLER = {
    "plain": ["a invite 102"],
    "tcp": ["a tcp", "a invite 102"],
    "challenged": ["a.auth username=%a", "a.auth password=secret", "a invite 102"],
    "late": ["a invite 102 sdp=none"],
    "named": ["a invite 102 from=\"\\\"A. Person\\\" <sip:%a@there.example>\""],
    "routed": ["a invite 102 h=\"Route: <sip:%S;lr>\""],
    "recorded": ["a invite 102 h=\"Record-Route: <sip:%A;lr>\""],
}
ANSWER = {
    "rings": ["b answer"],
    "at-once": ["b wait INVITE", "b reply 200 sdp=auto"],
    "early": ["b wait INVITE", "b reply 183 sdp=auto", "sleep 0.3", "b reply 200 sdp=auto"],
    "early-rings": ["b wait INVITE", "b reply 183 sdp=auto", "sleep 0.2", "b reply 180", "sleep 0.2", "b reply 200 sdp=auto"],
    "prack": ["b wait INVITE", "b reply 180 h=\"Require: 100rel\" h=\"RSeq: 1\"", "b wait PRACK", "b reply 200 sdp=auto"],
    "forwarded": ["b wait INVITE", "b reply 181", "sleep 0.2", "b reply 200 sdp=auto"],
    "alaw": ["b wait INVITE", "b reply 200 sdp=alaw,tel"],
    "no-events": ["b wait INVITE", "b reply 200 sdp=ulaw"],
    "held": ["b wait INVITE", "b reply 200 sdp=ulaw,tel:sendonly"],
}
MIDDLE = {
    "nothing": [],
    "hold": ["sleep 0.3", "a reinvite sdp=ulaw,tel:sendonly", "a wait 200", "sleep 0.3", "a reinvite sdp=ulaw,tel", "a wait 200"],
    "hold-inactive": ["sleep 0.3", "a reinvite sdp=ulaw,tel:inactive", "a wait 200", "sleep 0.3", "a reinvite sdp=ulaw,tel", "a wait 200"],
    "callee-holds": ["sleep 0.3", "b reinvite sdp=ulaw,tel:sendonly", "b wait 200", "sleep 0.3", "b reinvite sdp=ulaw,tel", "b wait 200"],
    "both-hold": ["sleep 0.3", "a reinvite sdp=ulaw,tel:sendonly", "a wait 200", "sleep 0.3", "b reinvite sdp=ulaw,tel:sendonly", "b wait 200",
                  "sleep 0.3"],
    "codec": ["sleep 0.3", "a reinvite sdp=alaw,tel", "a wait 200", "sleep 0.2"],
    "update": ["sleep 0.3", "a in UPDATE sdp=ulaw,tel", "a wait 200/UPDATE"],
    "empty-update": ["sleep 0.3", "a in UPDATE", "a wait 200/UPDATE"],
    "reoffer": ["sleep 0.3", "a reinvite", "a wait 200", "sleep 0.2"],
    "refused-reinvite": ["sleep 0.3", "a reinvite sdp=g729", "a wait final"],
    "add-video": ["sleep 0.3", "a reinvite sdp=ulaw,tel+h264", "a wait 200", "sleep 0.2", "a reinvite sdp=ulaw,tel+h264:port0", "a wait 200"],
    "info-digit": ["sleep 0.3", "a in INFO body=\"Signal=1\\nDuration=100\\n\" ct=application/dtmf-relay", "a wait final", "sleep 0.3"],
    "info-dtmf": ["sleep 0.3", "a in INFO body=\"7\" ct=application/dtmf", "a wait final", "sleep 0.3"],
    "message": ["sleep 0.3", "a in MESSAGE body=hello ct=text/plain", "a wait final", "b wait MESSAGE"],
    "message-back": ["sleep 0.3", "b in MESSAGE body=hello ct=text/plain", "b wait final", "a wait MESSAGE"],
    "options": ["sleep 0.3", "a in OPTIONS", "a wait final"],
    "repeated": ["sleep 0.3", "a in OPTIONS", "a wait final", "a resend", "sleep 0.2"],
    "late-ack": ["sleep 0.3", "a auto -ack", "a reinvite sdp=ulaw,tel", "a wait 200", "sleep 0.8", "a ack", "sleep 0.2"],
    "out-of-order": ["sleep 0.3", "a in OPTIONS mut=\"s/^CSeq: \\d+/CSeq: 50/\"", "a wait final", "a in OPTIONS", "a wait final"],
}
END = {
    "caller": ["a bye", "a wait 200/BYE"],
    "callee": ["b bye", "b wait 200/BYE"],
    "manager": ["sleep 0.3", "manager Hangup Channel=@a Cause=16", "a wait BYE"],
    "reason": ["sleep 0.3", "a in BYE h=\"Reason: Q.850;cause=21\"", "a wait 200/BYE"],
}
STATUSES = (400, 402, 403, 404, 405, 406, 408, 410, 413, 414, 415, 416, 420, 421, 423, 480, 481, 482, 483, 484, 485, 486, 487, 488, 491,
            493, 500, 501, 502, 503, 504, 505, 513, 580, 600, 603, 604, 606)
CAUSES = (1, 2, 3, 16, 17, 18, 19, 20, 21, 22, 26, 27, 28, 29, 31, 34, 38, 41, 42, 44, 50, 57, 58, 65, 66, 69, 79, 88, 95, 102, 111, 127)
LINES = ("Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Content-Type", "Content-Length")
DAMAGE = {"removed": "s/^{}: .*\\r\\n//", "empty": "s/^{}: .*/{}: /", "garbled": "s/^{}: /{}: @;,/", "twice": "s/^({}: .*\\r\\n)/\\1\\1/"}


def call(caller, answer, middle, end):
    first = CALLER[caller]
    wait = ["a wait 200/INVITE"]
    if caller == "late":
        first = ["a auto -ack"] + first
        wait += ["a ack sdp=ulaw,tel", "a auto +ack", "sleep 0.2"]
    return first + ANSWER[answer] + wait + MIDDLE[middle] + END[end]


def calls():
    for caller in CALLER:
        for answer in ANSWER:
            yield f"call-{caller}-{answer}", call(caller, answer, "nothing", "caller")
    for middle in MIDDLE:
        if middle == "nothing":
            continue
        for end in END:
            yield f"call-{middle}-{end}", call("plain", "rings", middle, end)
        for caller in ("tcp", "late"):
            yield f"call-{caller}-then-{middle}", call(caller, "rings", middle, "caller")
        for answer in ("early", "alaw"):
            yield f"call-{answer}-then-{middle}", call("plain", answer, middle, "caller")
    for status in STATUSES:
        yield f"refused-{status}", ["a invite 102", "b wait INVITE", f"b reply {status}", "a wait final"]
        if status % 3 == 0:
            yield f"refused-{status}-after-180", ["a invite 102", "b ring", "sleep 0.2", f"b reply {status}", "a wait final"]
            yield f"refused-{status}-after-183", ["a invite 102", "b wait INVITE", "b reply 183 sdp=auto", "sleep 0.2", f"b reply {status}",
                                                 "a wait final"]
    for cause in CAUSES:
        yield f"hangup-{cause}", [f"dial exten => 200,1,Hangup({cause})", "a invite 200", "a wait final"]
        yield f"hangup-{cause}-answered", ["dial exten => 200,1,Answer()", "dial same => n,Wait(0.3)", f"dial same => n,Hangup({cause})",
                                           "a invite 200", "a wait BYE"]


def damaged():
    for line in LINES:
        for kind, change in DAMAGE.items():
            mut = "\"" + change.replace("{}", line) + "\""
            yield f"invite-{line.lower()}-{kind}", ["b auto +answer", f"a invite 102 mut={mut}", "a wait final t=1"]
            if line not in ("Content-Type",):
                yield f"register-{line.lower()}-{kind}", ["a.contact none", "a.aor max_contacts=1",
                                                         f"a req REGISTER sip:%S to=<sip:%a@%S> mut={mut}", "a wait final t=1"]


def add(scenarios, profiles, parse):
    """Everything that is made, behind what is written."""
    flows = blocks(f"{HERE}/flows.txt")
    own, more = option_scenarios(flows)
    for name, line in more.items():
        profiles[name] = [line]
    for group, made in (("option", own), ("grammar", calls()), ("damage", damaged())):
        text = "\n".join(f"[{name}]\n" + "\n".join(lines) for name, lines in made)
        parse(text, group, scenarios, profiles)
