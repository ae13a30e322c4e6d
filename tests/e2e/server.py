"""The program under test: started for real, with a configuration directory of
its own and ports that were free a moment ago."""

import os
import re
import shutil
import socket
import subprocess
import sys

from waiting import wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))

# A sanitizer's report, whatever it found.
REPORT = re.compile(r"^.*(?:ERROR: (?:Address|Leak|Memory|UndefinedBehavior)Sanitizer|WARNING: ThreadSanitizer|runtime error: ).*$", re.M)


def find(name, variable):
    """A program of the build: $VARIABLE, or in $BUILD, or where a build stands."""
    if os.environ.get(variable):
        return os.environ[variable]
    for build in [os.environ.get("BUILD", ""), f"{TOP}/build-debug", f"{TOP}/build"]:
        path = os.path.join(build, name)
        if build and os.access(path, os.X_OK):
            return path
    raise RuntimeError(f"{name} is not built, and ${variable} is not set")


def program():
    return find("sidetone", "SIDETONE")


def load_program():
    return find("bench/load", "LOAD")


def free_port():
    """A port of 127.0.0.1 that is free for UDP and TCP."""
    while True:
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def environment():
    env = dict(os.environ)
    env.setdefault("ASAN_OPTIONS", "detect_leaks=1:exitcode=99:detect_stack_use_after_return=0")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
    return env


class Server:
    """`files` are written to etc/; {port} and {dir} in their text are replaced.
    `quiet`: log no more than warnings, for tests under load."""

    def __init__(self, directory, files, quiet=False):
        self.dir = str(directory)
        self.files = files
        self.quiet = quiet
        self.port = free_port()
        self.process = None
        self.output = os.path.join(self.dir, "output")
        self.expect_exit = 0
        self.write_all()

    # -- configuration ------------------------------------------------------
    def write_all(self):
        parts = {"astetcdir": "etc", "astvarlibdir": "lib", "astdbdir": "lib", "astkeydir": "lib",
                 "astspooldir": "spool", "astrundir": "run", "astlogdir": "log", "astcachedir": "cache"}
        for sub in set(parts.values()):
            os.makedirs(f"{self.dir}/{sub}", exist_ok=True)
        sounds = os.environ.get("SOUNDS", "/usr/share/asterisk")
        lines = "".join(f"{k} => {self.dir}/{v}\n" for k, v in parts.items())
        lines += f"astdatadir => {sounds}\n" + os.environ.get("ASTERISK_DIRECTORIES", "")
        self.write("asterisk.conf", f"[directories]\n{lines}\n[options]\nverbose = {0 if self.quiet else 3}\n")
        levels = "warning,error" if self.quiet else "notice,warning,error,security,verbose"
        self.write("logger.conf", f"[general]\n[logfiles]\nmessages => {levels}\nconsole => {levels}\n")
        self.write("modules.conf", "[modules]\nautoload = yes\n")
        self.write("rtp.conf", "[general]\nrtpstart = 31000\nrtpend = 32999\n")
        for name, text in self.files.items():
            self.write(name, text)

    def write(self, name, text):
        text = text.replace("{port}", str(self.port)).replace("{dir}", self.dir)
        with open(f"{self.dir}/etc/{name}", "w", encoding="utf-8") as f:
            f.write(text)

    @property
    def conf(self):
        return f"{self.dir}/etc/asterisk.conf"

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    # -- life ---------------------------------------------------------------
    def launch(self, wrap=(), flags=()):
        """Start without waiting. WRAP: a command to start it through."""
        with open(self.output, "ab") as out:
            self.process = subprocess.Popen([*wrap, program(), "-f", "-n", "-C", self.conf, *flags], stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=out, cwd=self.dir, env=environment())
        return self

    def start(self, wrap=()):
        self.launch(wrap)
        wait_until(self.booted, lambda: f"the server is ready\n{self.log()[-3000:]}", 60)
        return self

    def booted(self):
        assert self.process.poll() is None, f"the server ended with {self.process.returncode}:\n{self.log()[-4000:]}"
        try:
            return "fully booted" in self.say("core waitfullybooted")
        except OSError:
            return False

    def say(self, command, seconds=60):
        """Output of a console command, by the socket that `sidetone -rx` connects to (src/manage/console.h): a program with
        sanitizers takes a third of a second to start, and each test starts and stops a server. OSError: nobody is there."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(seconds)
            s.connect(f"{self.dir}/run/asterisk.ctl")
            s.sendall(f"x {command}\n".encode())
            out = b""
            while more := s.recv(65536):
                out += more
        return out.replace(b"\0", b"").decode(errors="replace")

    def console(self, command, seconds=60):
        """Exit code and output of a console command, as the program itself gives them."""
        done = subprocess.run([program(), "-C", self.conf, "-rx", command], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, check=False,
                              env=environment())
        return done.returncode, done.stdout.decode(errors="replace")

    def ask(self, command):
        """Output of a console command that has to work."""
        code, out = self.console(command)
        assert code == 0, f"{command}: exit {code}: {out}"
        return out

    def kill(self):
        self.process.kill()
        self.process.wait()
        try:
            os.unlink(f"{self.dir}/run/asterisk.ctl")
        except FileNotFoundError:
            pass

    def stop(self):
        """End it the way an init script does; it has to end by itself and cleanly."""
        if self.process is None:
            return
        if self.process.poll() is None:
            try:
                self.say("core stop now")
            except OSError:
                pass
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the server did not stop\n{self.log()[-3000:]}") from None
        code, self.process = self.process.returncode, None
        text = self.log()
        report = REPORT.search(text)
        assert not report, f"sanitizer report:\n{text[report.start():report.start() + 6000]}"
        assert code == self.expect_exit, f"the server ended with {code}\n{text[-3000:]}"

    # -- what it said -------------------------------------------------------
    def log(self):
        """Its standard output and log files."""
        text = ""
        for path in [self.output, f"{self.dir}/log/messages", f"{self.dir}/log/messages.log"]:
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as f:
                    text += f.read()
        return text

    def wait_log(self, pattern, seconds=10):
        return wait_until(lambda: re.search(pattern, self.log()), f"the log has /{pattern}/", seconds)

    def contacts(self, aor=None):
        """URIs of the registered contacts, by `pjsip show contacts`: {aor: [uri]}."""
        found = {}
        for name, uri in re.findall(r"^\s*Contact:\s+([^\s/]+)/(\S+)", self.ask("pjsip show contacts"), re.M):
            found.setdefault(name, []).append(uri)
        return found.get(aor, []) if aor else found


def run_checked(argv, seconds=60, **kw):
    """Run the program; gives (exit code, output). A sanitizer report fails."""
    done = subprocess.run([program(), *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=seconds, check=False, env=environment(), **kw)
    text = done.stdout.decode(errors="replace")
    assert not REPORT.search(text), text
    return done.returncode, text


def need(name):
    """A program the test cannot do without. In CI it must be there."""
    if shutil.which(name) is None:
        raise RuntimeError(f"{name} is missing: tools/install-deps test")
    return name


sys.dont_write_bytecode = True
