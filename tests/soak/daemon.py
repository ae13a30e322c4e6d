"""The program under soak: started, asked, killed and looked at."""

import os
import re
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

from server import Server  # noqa: E402
import tone  # noqa: E402

ASTERISK = """[directories]
astetcdir => {dir}/etc
astvarlibdir => {dir}/lib
astdbdir => {dir}/lib
astkeydir => {dir}/lib
astdatadir => {dir}/lib
astspooldir => {dir}/spool
astrundir => {dir}/run
astlogdir => {dir}/log
[options]
maxfiles = 60000
"""
REPORT = re.compile(r"^.*(?:(?:ERROR|WARNING): (?:Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|runtime error: ).*$", re.M)
FRAME = re.compile(r"^\s*#\d+ (?:0x[0-9a-f]+ in )?(\S+) (\S+)", re.M)


class Daemon(Server):
    """BINARY with FILES in DIRECTORY, listening at PORT."""

    def __init__(self, directory, binary, port, files):
        os.environ["SIDETONE"] = os.path.abspath(binary)
        files = {"asterisk.conf": ASTERISK, "logger.conf": "[general]\n[logfiles]\nmessages => error,warning\n", **files}
        super().__init__(directory, files, quiet=True)
        self.port = port
        self.write_all()
        for place in ("sounds/en", "moh"):
            os.makedirs(f"{self.dir}/lib/{place}", exist_ok=True)
            tone.write_tone(f"{self.dir}/lib/{place}/tune.wav", 440, 1)
        self.read = 0           # how much of the output was looked at
        self.deliberate = False

    def say(self, command, seconds=20):
        """Output of a console command, or None: no console, or no answer in time."""
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(seconds)
                s.connect(f"{self.dir}/run/asterisk.ctl")
                s.sendall(f"x {command}\n".encode())
                out = b""
                while True:
                    data = s.recv(1 << 16)
                    if not data:
                        return out.decode(errors="replace")
                    out += data
        except OSError:
            return None

    def booted(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode} at its start:\n{self.log()[-3000:]}")
        return "fully booted" in (self.say("core waitfullybooted", 30) or "")

    def ended(self):
        return self.process is None or self.process.poll() is not None

    def finish(self, seconds=40):
        """Stop in order: the exit code, or None when it does not end."""
        if not self.ended():
            self.say("core stop now")
            until = time.monotonic() + seconds
            while self.process.poll() is None and time.monotonic() < until:
                time.sleep(0.05)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
                return None
        return self.process.returncode

    def rss(self):
        """Resident memory [kB]."""
        try:
            with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
                return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))
        except (OSError, AttributeError):
            return 0

    def starved(self):
        """How long the core's thread stood ready and had no CPU, since its start [s]."""
        try:
            with open(f"/proc/{self.process.pid}/schedstat", encoding="ascii") as f:
                return round(int(f.read().split()[1]) / 1e9, 1)
        except (OSError, AttributeError, IndexError):
            return 0.0

    def descriptors(self):
        try:
            return len(os.listdir(f"/proc/{self.process.pid}/fd"))
        except OSError:
            return 0

    def counters(self):
        """`pjsip show counters` as {name: n}."""
        rows = re.findall(r"^  (.*?)\s+(\d+)(?: of \d+)?$", self.say("pjsip show counters") or "", re.M)
        return {name: int(n) for name, n in rows}

    def channels(self):
        found = re.search(r"(\d+) active channel", self.say("core show channels count") or "")
        return int(found.group(1)) if found else None

    def contacts(self, aor=None):
        """{aor: set of URIs} of the registered contacts; None without an answer."""
        said = self.say("pjsip show contacts", 60)
        if said is None:
            return None
        found = {}
        for name, uri in re.findall(r"^\s*Contact:\s+([^\s/<]+)/(\S+)", said, re.M):
            found.setdefault(name, set()).add(uri)
        return found

    def health(self):
        """`core show health` as {what: number}; empty where the version has none."""
        said = self.say("core show health") or ""
        return {name.strip(): int(n) for name, n in re.findall(r"^(.*?)\s+(\d+)(?: ms)?$", said, re.M)}

    def reports(self):
        """Sanitizer reports since the last time: [(what, [frames], text)]."""
        try:
            with open(self.output, encoding="utf-8", errors="replace") as f:
                f.seek(self.read)
                text = f.read()
                self.read = f.tell()
        except OSError:
            return []
        found = []
        for m in REPORT.finditer(text):
            part = text[m.start():m.start() + 12000]
            frames = [f"{name} {os.path.basename(at)}" for name, at in FRAME.findall(part)
                      if "/src/" in at or "src/" in at]
            what = re.search(r"(ERROR: AddressSanitizer: \S+|(?:ERROR|WARNING): \w+Sanitizer.*|runtime error: .*)", m.group(0))
            found.append((what.group(1) if what else m.group(0).strip(), frames[:8], part))
        return found
