"""The project's load generator (bench/load) as a test tool."""

import json
import re
import signal
import subprocess
import time

from server import load_program


def users_config(count, more=""):
    """Endpoints u0, u1, ... as the load generator names them, the caller and
    the callee whose contact is at {callee}."""
    out = ["[caller](phone)\n[callee](phone)\naors = callee\n[callee](line)\ncontact = sip:callee@127.0.0.1:{callee}\n"]
    for i in range(count):
        out.append(f"[u{i}](phone)\nauth = u{i}\naors = u{i}\n[u{i}]\ntype = auth\nusername = u{i}\n"
                   f"password = secret-{i}\n[u{i}](line)\nmax_contacts = 1\nremove_existing = yes\n")
    return "".join(out) + more


class Load:
    """A running generator; progress() waits for its next line of figures."""

    def __init__(self, mode, server, *options):
        argv = [load_program(), mode, "--server", server.address, "--progress", *map(str, options)]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.began = time.monotonic()

    def progress(self):
        """The next figures: {"s": seconds, "registered": n, "called": n, ...}."""
        line = self.process.stderr.readline().decode()
        m = re.match(r"progress ([\d.]+) registered (\d+) failed (\d+) called (\d+) failed (\d+) up (\d+)", line)
        assert m, f"the load generator ended: {line}"
        keys = ("s", "registered", "register_failed", "called", "call_failed", "up")
        return dict(zip(keys, map(float, m.groups())))

    def wait_for(self, check, seconds=30):
        """Wait until CHECK(figures) is true; gives the figures."""
        until = time.monotonic() + seconds
        while True:
            now = self.progress()
            if check(now):
                return now
            assert time.monotonic() < until, f"the load got no further than {now}"

    def report(self, seconds=120):
        """Wait for its end; gives its report."""
        out, err = self.process.communicate(timeout=seconds)
        assert out, f"no report: {err.decode()[-1000:]}"
        return json.loads(out)

    def end(self):
        """End it at once: neither new work nor waiting for what is under way."""
        self.process.send_signal(signal.SIGTERM)
        return self.report()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
