"""Scenarios as text. A file of them is a list of

    [name]
    # what it is about
    a.endpoint timers=no          an option of a party's endpoint, aor, auth or identify section
    a.contact none                the aor has no contact of its own: the party registers
    pjsip [x]                     a line of pjsip.conf, in a section of its own
    dial exten => 200,1,Answer()  a line of the scenario's own context
    file features.conf [general]  a line of another file, the same for the whole profile
    profile NAME                  the server's global configuration: [profile NAME] in the same file
    hints                         each party's extension has a hint, and states over time are compared
    a invite b                    a step: who, what, and words

Everything below a `[profile NAME]` is `system`, `global`, `transport`, `rtp`, `pjsip` or `file` lines.
%a is the endpoint of party a, %A its address, %S the server's, %X the context, %K the scenario's key.
Parties a, b, c, d have the extensions 101 to 104.
"""

import glob
import os

PARTIES = "abcd"
SECTIONS = ("endpoint", "aor", "auth", "identify", "contact")


class Scenario:
    def __init__(self, name, group):
        self.name, self.group, self.profile = name, group, "plain"
        self.options = {}         # (party, section) -> lines
        self.pjsip, self.dial, self.steps = [], [], []
        self.hints = False
        self.number = 0

    def add(self, line):
        first, _, rest = line.partition(" ")
        party, _, section = first.partition(".")
        if section in SECTIONS and party in PARTIES and party:
            self.options.setdefault((party, section), []).append(rest.strip())
        elif first in ("pjsip", "dial"):
            getattr(self, first).append(rest)
        elif first == "hints":
            self.hints = True
        elif first == "profile":
            self.profile = rest.strip()
        else:
            self.steps.append(line)
        return self

    @property
    def key(self):
        return f"s{self.number:04d}"

    @property
    def parties(self):
        used = {s.split()[0] for s in self.steps} | {p for p, _ in self.options}
        text = " ".join(self.steps + self.dial + self.pjsip)
        return [p for p in PARTIES if p in used or f"%{p}" in text or f"10{PARTIES.index(p) + 1}" in text or p in ("a",)]

    def address(self, party):
        """An address that no other scenario's parties have."""
        n = self.number * 4 + PARTIES.index(party)
        return f"127.{1 + n // 60000}.{n // 250 % 240}.{1 + n % 250}"

    def fill(self, text, server):
        for p in PARTIES:
            text = text.replace(f"%{p}", self.key + p).replace(f"%{p.upper()}", f"{self.address(p)}:{AGENT_PORT}")
        return text.replace("%S", server).replace("%X", self.key).replace("%K", self.key)

    def sections(self):
        """Its part of pjsip.conf."""
        out = []
        for p in self.parties:
            name = f"%{p}"
            own = self.options.get((p, "endpoint"), [])
            auth = self.options.get((p, "auth"))
            base = ["type=endpoint", f"aors={name}"]
            names = [o.split("=")[0].strip() for o in own]
            if "context" not in names:
                base.append("context=%X")
            if "allow" not in names:
                base += ["disallow=all", "allow=ulaw,alaw"]
            if "direct_media" not in names:
                base.append("direct_media=no")
            out += [f"[{name}]"] + base + ([f"auth={name}"] if auth and "auth" not in names else []) + own
            if auth:
                out += [f"[{name}]", "type=auth"] + auth
            aor = self.options.get((p, "aor"), [])
            fixed = [] if self.options.get((p, "contact")) else [f"contact=sip:{name}@%{p.upper()}"]
            out += [f"[{name}]", "type=aor"] + fixed + aor
            identify = self.options.get((p, "identify"))
            if identify:
                out += [f"[{name}]", "type=identify", f"endpoint={name}"] + identify
        return "\n".join(out + self.pjsip) + "\n"

    def context(self):
        """Its part of extensions.conf."""
        own = "\n".join(self.dial)
        out = ["[%X]"]
        for i, p in enumerate(PARTIES):
            if f"=> 10{i + 1},1" not in own and p in self.parties:
                out.append(f"exten => 10{i + 1},1,Dial(PJSIP/%{p},20)")
            if self.hints and p in self.parties:
                out.append(f"exten => 10{i + 1},hint,PJSIP/%{p}")
        if "exten => h,1" not in own:
            out.append("exten => h,1,UserEvent(End,Extension: ${EXTEN},Dialled: ${DIALSTATUS},Cause: ${HANGUPCAUSE},"
                       "Name: ${CALLERID(all)},Pres: ${CALLERID(pres)},Peer: ${BRIDGEPEER})")
        return "\n".join(out + self.dial) + "\n"


AGENT_PORT = 5066


def load(path, scenarios, profiles):
    group = os.path.splitext(os.path.basename(path))[0]
    with open(path, encoding="utf-8") as f:
        parse(f.read(), group, scenarios, profiles)


def parse(text, group, scenarios, profiles):
    current = None
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[profile "):
            current = profiles.setdefault(line[9:-1], [])
        elif line.startswith("["):
            current = Scenario(f"{group}/{line[1:-1]}", group)
            scenarios.append(current)
        elif isinstance(current, list):
            current.append(line)
        else:
            current.add(line)


def load_all(directory):
    """Every scenario, numbered, and the profiles: name -> lines."""
    scenarios, profiles = [], {"plain": []}
    for path in sorted(glob.glob(os.path.join(directory, "scenarios", "*.txt"))):
        load(path, scenarios, profiles)
    try:
        import generate
        generate.add(scenarios, profiles, parse)
    except ImportError:
        pass
    names = set()
    for number, s in enumerate(scenarios, 1):
        s.number = number
        assert s.name not in names, f"two scenarios are named {s.name}"
        assert s.profile in profiles, f"{s.name}: no profile {s.profile}"
        names.add(s.name)
    return scenarios, profiles
