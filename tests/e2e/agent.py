"""sidetone-ua, the phone of the terminal, as a process: its events are JSON lines."""

import json
import os
import signal
import subprocess

from server import REPORT, environment, find
from waiting import wait_until


def agent_program():
    return find("sidetone-ua", "SIDETONE_UA")


def run_agent(*words, seconds=60, env=None):
    """One thing done. Gives exit code, events, standard error."""
    done = subprocess.run([agent_program(), "--json", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=seconds, check=False, env={**environment(), **(env or {})})
    errors = done.stderr.decode(errors="replace")
    assert not REPORT.search(errors), errors
    return done.returncode, [json.loads(line) for line in done.stdout.decode().splitlines()], errors


class Agent:
    """One that goes on: what it says is read from a file, what a person types goes through a pipe.
    WRAP: a command to start it through."""

    def __init__(self, directory, *words, json_lines=True, wrap=()):
        os.makedirs(directory, exist_ok=True)
        self.out, self.err = f"{directory}/out", f"{directory}/err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen([*wrap, agent_program(), *(["--json"] if json_lines else []), *words],
                                            stdin=subprocess.PIPE, stdout=out, stderr=err, env=environment())
        self.json_lines = json_lines
        self.seen = 0           # events that wait() has gone past

    def text(self):
        with open(self.out, encoding="utf-8") as f:
            return f.read()

    def errors(self):
        with open(self.err, encoding="utf-8", errors="replace") as f:
            return f.read()

    def events(self):
        whole = self.text()
        return [json.loads(line) for line in whole[:whole.rfind("\n") + 1].splitlines()]

    def wait(self, event, seconds=15.0, **fields):
        """The next event of that name with these fields, past all that were waited for before."""
        def look():
            events = self.events()
            for i in range(self.seen, len(events)):
                if events[i]["event"] == event and all(events[i].get(k) == v for k, v in fields.items()):
                    self.seen = i + 1
                    return events[i]
            assert self.process.poll() is None or self.events() != events, \
                f"it ended with {self.process.returncode} before {event} {fields}\n{whole()}"
            return None

        def whole():
            return "\n".join(str(e) for e in self.events()[-25:]) + "\n" + self.errors()
        return wait_until(look, lambda: f"{event} {fields}\n{whole()}", seconds)

    def type(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def end(self, how=signal.SIGINT, seconds=20):
        """Interrupt it, unless it has ended; gives its exit code."""
        if self.process.poll() is None and how:
            self.process.send_signal(how)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it does not end\n{self.text()[-3000:]}{self.errors()[-3000:]}") from None
        finally:
            self.process.stdin.close()
        assert not REPORT.search(self.errors()), self.errors()
        return self.process.returncode
