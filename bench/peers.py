"""The servers that bench.py measures: how each is configured, started, told to
reload and stopped. Every server gets a temporary directory and, for root, a
network namespace of its own that holds nothing but loopback."""

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

REALM_USERS = "u"            # users u0, u1, ...
PASSWORD = "secret-"         # and their passwords secret-0, secret-1, ...
RESOURCES = 200              # p0, p1, ...: what events.py publishes
CALLEE_PORT = 7000           # where the load generator answers calls


class Failed(Exception):
    """A server did not do what it was started for."""


class Namespace:
    """A network of its own with loopback only; without root, the common one."""

    serial = 0

    def __init__(self):
        Namespace.serial += 1
        self.name = None
        if os.geteuid() == 0 and shutil.which("ip"):
            name = f"bench-{os.getpid()}-{Namespace.serial}"
            if subprocess.run(["ip", "netns", "add", name], stderr=subprocess.DEVNULL).returncode == 0:
                self.name = name
                subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)

    def wrap(self, argv):
        return ["ip", "netns", "exec", self.name, *argv] if self.name else list(argv)

    def port(self, wanted, kind=socket.SOCK_DGRAM):
        """A fixed port where nobody else is, a free one otherwise."""
        if self.name:
            return wanted
        with socket.socket(socket.AF_INET, kind) as s:
            s.bind(("127.0.0.1", 0))
            return s.getsockname()[1]

    def close(self):
        if self.name:
            subprocess.run(["ip", "netns", "del", self.name], check=False)
            self.name = None


def descendants(pid):
    """PID and all processes under it."""
    found, queue = [], [pid]
    while queue:
        p = queue.pop()
        found.append(p)
        try:
            for task in os.listdir(f"/proc/{p}/task"):
                with open(f"/proc/{p}/task/{task}/children", encoding="ascii") as f:
                    queue += [int(c) for c in f.read().split()]
        except OSError:
            pass
    return found


def resident(pids):
    """[bytes] resident in all of PIDS."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm", encoding="ascii") as f:
                total += int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            pass
    return total


class Server:
    """One server under test. `root`: the tree that it is chrooted into, or None."""

    name = "server"
    can_call = True
    can_reload = True

    def __init__(self, program, root=None):
        self.program, self.root = program, root
        self.net = self.process = None
        self.dir = self.inside = None
        self.port = self.callee_port = self.tls_port = self.wss_port = None
        self.reloads = 0

    # -- life ---------------------------------------------------------------
    def start(self, users, limit=300):
        """Start with USERS endpoints; gives the seconds until it was ready."""
        self.net = Namespace()
        self.dir = tempfile.mkdtemp(prefix="bench-")
        self.inside = "/mnt" if self.root else self.dir
        self.port, self.callee_port = self.net.port(5060), self.net.port(CALLEE_PORT)
        self.tls_port, self.wss_port = self.net.port(5061, socket.SOCK_STREAM), self.net.port(8089, socket.SOCK_STREAM)
        self.configure(users)
        return self.launch(limit)

    def launch(self, limit=300):
        began = time.monotonic()
        self.process = self.spawn(self.command())
        self.wait_ready(began + limit)
        return time.monotonic() - began

    def restart(self):
        """Stop it and start it again on the same files."""
        self.end()
        return self.launch()

    def chrooted(self, argv):
        if not self.root:
            return argv
        script = 'mount --bind "$0" "$1/mnt" && mount --bind /dev "$1/dev" && mount -t proc proc "$1/proc" && ' \
                 'root=$1 && shift && exec chroot "$root" "$@"'
        return ["unshare", "-m", "sh", "-c", script, self.dir, self.root, *argv]

    def spawn(self, argv, **kw):
        out = open(os.path.join(self.dir, "output"), "ab")
        try:
            return subprocess.Popen(self.net.wrap(self.chrooted(argv)), stdin=subprocess.DEVNULL,
                                    stdout=out, stderr=out, start_new_session=True, **kw)
        finally:
            out.close()

    def run(self, argv, limit=300):
        """Run a command beside the server; gives (exit code, output)."""
        done = subprocess.run(self.net.wrap(self.chrooted(argv)), stdin=subprocess.DEVNULL, timeout=limit,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.decode(errors="replace")

    def wait_ready(self, until):
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise Failed(f"{self.name} ended with {self.process.returncode}:\n{self.log()}")
            if self.ready():
                return
            time.sleep(0.02)
        raise Failed(f"{self.name} was not ready in time:\n{self.log()}")

    def log(self):
        try:
            with open(os.path.join(self.dir, "output"), encoding="utf-8", errors="replace") as f:
                return f.read()[-2000:]
        except OSError:
            return ""

    def pids(self):
        return descendants(self.process.pid)

    def memory(self):
        return resident(self.pids())

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.process = None

    def stop(self):
        self.end()
        if self.net:
            self.net.close()
        if self.dir:
            shutil.rmtree(self.dir, ignore_errors=True)
        self.net = self.dir = None

    def write(self, path, text):
        full = os.path.join(self.dir, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)


TEMPLATES = """[phone](!)
type=endpoint
context=phones
disallow=all
allow=ulaw
direct_media=no

[line](!)
type=aor
max_contacts=1
remove_existing=yes

"""


# Callers and callees whose media is encrypted.
SECURE = """[caller-sdes](phone)
media_encryption=sdes

[callee-sdes](phone)
media_encryption=sdes
aors=callee

[caller-dtls](phone)
media_encryption=dtls
dtls_auto_generate_cert=yes
dtls_verify=fingerprint
dtls_setup=actpass
rtcp_mux=yes

"""


class Asterisk(Server):
    """Asterisk, and whatever reads the same files and takes the same commands."""

    name = "Asterisk"
    hints = 0       # extensions that phones may watch

    def pjsip(self, users, extra=""):
        out = [f"[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:{self.port}\n\n"
               f"[tls]\ntype=transport\nprotocol=tls\nbind=127.0.0.1:{self.tls_port}\nmethod=tlsv1_2\n"
               f"cert_file={self.inside}/etc/tls.pem\npriv_key_file={self.inside}/etc/tls.key\n\n"
               "[wss]\ntype=transport\nprotocol=wss\nbind=127.0.0.1\n\n", TEMPLATES, SECURE,
               "[caller](phone)\n\n[callee](phone)\naors=callee\n\n"
               f"[callee](line)\ncontact=sip:callee@127.0.0.1:{self.callee_port}\n\n"]
        for i in range(users):
            out.append(f"[u{i}](phone)\nauth=u{i}\naors=u{i}\n[u{i}]\ntype=auth\nusername=u{i}\n"
                       f"password={PASSWORD}{i}\n[u{i}](line)\n")
        return "".join(out) + extra

    def configure(self, users):
        dirs = {"astetcdir": "etc", "astvarlibdir": "lib", "astdbdir": "lib", "astkeydir": "lib",
                "astspooldir": "spool", "astrundir": "run", "astlogdir": "log", "astcachedir": "cache"}
        for d in set(dirs.values()):
            os.makedirs(os.path.join(self.dir, d), exist_ok=True)
        lines = [f"{k} => {self.inside}/{v}\n" for k, v in dirs.items()]
        self.write("etc/asterisk.conf", "[directories]\n" + "".join(lines + self.fixed_directories()) +
                   "\n[options]\nverbose = 0\ndebug = 0\n")
        self.write("etc/modules.conf", "[modules]\nautoload = yes\n")
        self.write("etc/logger.conf", "[general]\n[logfiles]\nmessages => error\n")
        self.write("etc/rtp.conf", "[general]\nrtpstart=20000\nrtpend=40000\n")
        self.write("etc/extensions.conf",
                   "[phones]\n" + "".join(f"exten => {name},1,Dial(PJSIP/{name})\n same => n,Hangup()\n"
                                         for name in ("callee", "callee-sdes")) +
                   "exten => p0,hint,Custom:p0\n"
                   "exten => callee-recorded,1,MixMonitor(${UNIQUEID}.wav)\n same => n,Dial(PJSIP/callee)\n" +
                   "".join(f"exten => h{i},hint,PJSIP/u{i % max(users, 1)}\n" for i in range(self.hints)))
        self.write("etc/http.conf", "[general]\nenabled=yes\nbindaddr=127.0.0.1\n"
                   f"bindport={self.net.port(8088, socket.SOCK_STREAM)}\n"
                   f"tlsenable=yes\ntlsbindaddr=127.0.0.1:{self.wss_port}\ntlscertfile={self.inside}/etc/tls.pem\n"
                   f"tlsprivatekey={self.inside}/etc/tls.key\nsessionlimit=20000\n")
        self.certificate()
        self.write("etc/pjsip.conf", self.pjsip(users))

    def certificate(self):
        """The kind that most have: ECDSA on P-256."""
        place = os.path.join(self.dir, "etc")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "30", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", f"{place}/tls.key", "-out", f"{place}/tls.pem"],
                       stderr=subprocess.DEVNULL, check=True)

    def fixed_directories(self):
        base = self.root or ""
        for d in ("/usr/lib/x86_64-linux-gnu/asterisk/modules", "/usr/lib/asterisk/modules"):
            if os.path.isdir(base + d):
                return [f"astmoddir => {d}\n", "astdatadir => /usr/share/asterisk\n"]
        return ["astdatadir => /usr/share/asterisk\n"]

    def command(self):
        return [self.program, "-f", "-q", "-m", "-n", "-C", f"{self.inside}/etc/asterisk.conf"]

    def remote(self):
        """A line of the console, after these."""
        return [self.program, "-C", f"{self.inside}/etc/asterisk.conf", "-rx"]

    def console(self, line, limit=300):
        return self.run([*self.remote(), line], limit)

    def ready(self):
        if not os.path.exists(os.path.join(self.dir, "run/asterisk.ctl")):
            return False
        code, out = self.console("core waitfullybooted")
        return code == 0 and "fully booted" in out

    def reload(self, users):
        """Reload with one new endpoint, another each time; gives the seconds until it is known."""
        self.reloads += 1
        name = f"new{self.reloads}"
        new = (f"[{name}](phone)\nauth={name}\naors={name}\n[{name}]\ntype=auth\nusername={name}\n"
               f"password={PASSWORD}{name}\n[{name}](line)\n")
        self.write("etc/pjsip.conf", self.pjsip(users, new))
        began = time.monotonic()
        code, out = self.console("module reload res_pjsip.so")
        if code != 0:
            raise Failed(f"{self.name}: reload: {out}")
        while time.monotonic() < began + 300:
            if f"Endpoint:  {name}" in self.console(f"pjsip show endpoint {name}")[1]:
                return time.monotonic() - began
            time.sleep(0.02)
        raise Failed(f"{self.name}: the new endpoint did not appear")


class Sidetone(Asterisk):
    name = "Sidetone"

    def pjsip(self, users, extra=""):
        resources = "".join(f"[p{i}]\ntype=inbound-publication\nevent_presence=Custom:p{i}\n\n" for i in range(RESOURCES))
        return super().pjsip(users, extra + resources)

    def store_subscriptions(self, many, users):
        """As if users had subscribed, each to one hint after the other; the server is down."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.dir, "lib/sidetone.sqlite3"))) as db, db:
            starts = db.execute("SELECT n FROM subscription_start").fetchone()[0]
            rows = []
            for i in range(many):
                user, hint = f"u{i % users}", f"h{i // users % self.hints}"
                here = f"127.0.0.1:{self.port}"
                rows.append({
                    "endpoint": user, "event": "presence", "resource": hint, "body": "application/pidf+xml", "eventlist": 0,
                    "scheme": "sip", "host": here, "user_agent": "bench", "transport": "", "call_id": f"{i:032x}",
                    "local_tag": f"{i:016x}", "remote_tag": f"{i:08x}", "local_uri": f"<sip:{hint}@{here}>",
                    "remote_uri": f"<sip:{user}@{here}>", "target": f"sip:{user}@127.0.0.1:{self.callee_port}", "route": "",
                    "contact": f"<sip:{here}>", "via_host": here, "remote_cseq": 1, "secure": 0, "use_path": 0, "proto": "udp",
                    "peer": f"127.0.0.1:{self.callee_port}", "local": here, "local_cseq": 1024, "version": 4096,
                    "starts": starts, "expires_us": int((time.time() + 3600) * 1e6), "prune_on_boot": 0})
            names = list(rows[0])
            db.executemany(f"INSERT INTO subscription({','.join(names)}) VALUES({','.join(':' + n for n in names)})", rows)

    def fixed_directories(self):
        return [f"astdatadir => {self.inside}/lib\n"]


class Kamailio(Server):
    """A registrar with digest whose contacts are in memory only."""

    name = "Kamailio"
    can_call = can_reload = False

    def configure(self, users):
        self.write("kamailio.cfg", f"""#!KAMAILIO
debug=0
log_stderror=yes
children=2
auto_aliases=no
listen=udp:127.0.0.1:{self.port}
loadmodule "tm.so"
loadmodule "kex.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "rr.so"
loadmodule "textops.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
modparam("auth", "nonce_count", 1)
modparam("auth", "qop", "auth")
request_route {{
	if (is_method("REGISTER")) {{
		if (!pv_www_authenticate("127.0.0.1", "{PASSWORD}$(fU{{s.substr,1,0}})", "0")) {{
			www_challenge("127.0.0.1", "1");
			exit;
		}}
		save("location");
		exit;
	}}
	sl_send_reply("404", "Not here");
}}
""")

    def command(self):
        return [self.program, "-DD", "-E", "-m", "512", "-M", "16", "-f", f"{self.inside}/kamailio.cfg",
                "-P", f"{self.inside}/kamailio.pid", "-Y", self.inside, "-w", self.inside]

    def ready(self):
        # Its socket is there as soon as /proc/net/udp of its namespace lists the port.
        try:
            with open(f"/proc/{self.process.pid}/net/udp", encoding="ascii") as f:
                return f":{self.port:04X} " in f.read()
        except OSError:
            return False
