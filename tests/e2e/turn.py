"""Debian's coturn as a TURN server of a test, with a realm, a user and ports of its own."""

import shutil
import subprocess

from waiting import wait_until

USER, PASSWORD = "relay", "secret"
RELAYS = (47000, 47999)


class Coturn:
    """Listens at `host`:`port`, UDP and TCP. What it relays is in log()."""

    def __init__(self, directory, host, port):
        self.host, self.port, self.path = host, port, f"{directory}/coturn.log"
        self.output = open(self.path, "wb")
        # Debian has it in sbin or bin, by its release.
        program = shutil.which("turnserver", path="/usr/bin:/usr/sbin:/usr/local/bin")
        self.process = subprocess.Popen(
            [program, "-n", "-v", "--listening-ip", host, "--relay-ip", host, "--listening-port", str(port), "--lt-cred-mech",
             "--user", f"{USER}:{PASSWORD}", "--realm", "example.org", "--min-port", str(RELAYS[0]), "--max-port", str(RELAYS[1]),
             "--no-cli", "--no-tls", "--no-dtls", "--log-file", "stdout", "--simple-log", "--userdb", f"{directory}/turndb",
             "--pidfile", f"{directory}/coturn.pid", "--relay-threads", "1"],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT, cwd=directory)
        wait_until(lambda: "TCP listener opened" in self.log() and "UDP listener opened" in self.log(),
                   lambda: f"coturn listens\n{self.log()[-2000:]}")

    def log(self):
        with open(self.path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def asked(self):
        """How many allocations were given."""
        return self.log().count(": new, realm=")

    def connections(self):
        """How many clients came over TCP."""
        return self.log().count("tcp or tls connected to:")

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.output.close()
