"""The two servers, started on the same configuration: packaged Asterisk out of a peer root,
Sidetone out of a build."""

import asyncio
import os
import signal
import subprocess

# What needs a file, a database or a network that is not there, or would record calls.
NOT_LOADED = """cdr_adaptive_odbc cdr_beanstalkd cdr_custom cdr_odbc cdr_pgsql cdr_radius cdr_sqlite3_custom cdr_tds cdr_csv cdr_manager app_voicemail
cel_custom cel_manager cel_odbc cel_pgsql cel_radius cel_sqlite3_custom cel_tds res_config_odbc res_config_pgsql res_config_mysql
res_config_sqlite3 res_config_ldap res_config_curl res_odbc res_odbc_transaction res_pjsip_phoneprov_provider res_phoneprov chan_iax2
chan_dahdi chan_mobile chan_motif chan_ooh323 chan_unistim chan_mgcp chan_skinny chan_console chan_oss chan_alsa app_voicemail_odbc
app_voicemail_imap res_xmpp res_calendar res_snmp pbx_dundi pbx_ael pbx_lua app_queue res_ari res_hep res_hep_pjsip res_hep_rtcp
res_prometheus res_fax_spandsp res_corosync res_smdi app_minivm app_festival app_alarmreceiver app_adsiprog res_adsi app_meetme
app_jack res_ael_share app_agent_pool app_followme cdr_syslog res_http_media_cache res_stir_shaken res_pjsip_stir_shaken
res_aeap res_speech_aeap func_odbc res_timing_dahdi res_cdrel_custom""".split()


class Server:
    kind = ""

    def __init__(self, directory, port, manager_port):
        self.dir, self.port, self.manager_port = directory, port, manager_port
        self.inside = directory
        self.process = None

    def configure(self, scenarios, lines):
        """Write the files: LINES are the profile's."""
        dirs = {"astetcdir": "etc", "astvarlibdir": "lib", "astdbdir": "lib", "astkeydir": "lib", "astspooldir": "spool",
                "astrundir": "run", "astlogdir": "log", "astcachedir": "cache"}
        for sub in set(dirs.values()):
            os.makedirs(f"{self.dir}/{sub}", exist_ok=True)
        for old in ("lib/astdb.sqlite3",):
            if os.path.exists(f"{self.dir}/{old}"):
                os.unlink(f"{self.dir}/{old}")
        files = {
            "asterisk.conf": "[directories]\n" + "".join(f"{k} => {self.inside}/{v}\n" for k, v in dirs.items()) +
                             self.directories() + "[options]\nverbose = 0\n",
            "modules.conf": "[modules]\nautoload = yes\n" + "".join(f"noload => {m}.so\n" for m in NOT_LOADED),
            "logger.conf": "[general]\n[logfiles]\nmessages.log => notice,warning,error\n",
            "rtp.conf": "[general]\nrtpstart=20000\nrtpend=29999\n",
            "manager.conf": f"[general]\nenabled=yes\nbindaddr=127.0.0.1\nport={self.manager_port}\n[t]\nsecret=differential\n"
                            "read=all\nwrite=all\nwritetimeout=5000\n",
            "acl.conf": "[office]\ndeny=0.0.0.0/0\npermit=10.0.0.0/8\n",
            "cdr.conf": "[general]\nenable=no\n", "http.conf": "[general]\nenabled=no\n",
            "pjsip_notify.conf": ";\n", "musiconhold.conf": "[default]\nmode=files\ndirectory=moh\n", "features.conf": "[general]\n", "indications.conf": INDICATIONS,
        }
        sections, own = {"global": [], "system": [], "transport": []}, ""
        for line in lines:
            first, _, rest = line.partition(" ")
            if first in sections:
                sections[first].append(rest)
            elif first == "pjsip":
                own += rest + "\n"
            elif first == "file":
                name, _, text = rest.partition(" ")
                files[name] = files.get(name, "") + text + "\n"
        pjsip = "".join(f"[{n}]\ntype={n}\n" + "\n".join(sections[n]) + "\n" for n in ("global", "system") if sections[n])
        for protocol in ("udp", "tcp"):
            pjsip += f"[{protocol}]\ntype=transport\nprotocol={protocol}\nbind=127.0.0.1:{self.port}\n" + "\n".join(sections["transport"]) + "\n"
        pjsip += own
        dialplan = "[general]\n[globals]\n[default]\n"
        for s in scenarios:
            pjsip += s.fill(s.sections(), f"127.0.0.1:{self.port}")
            dialplan += s.fill(s.context(), f"127.0.0.1:{self.port}")
        files["pjsip.conf"], files["extensions.conf"] = pjsip, dialplan
        for name, text in files.items():
            with open(f"{self.dir}/etc/{name}", "w", encoding="utf-8") as f:
                f.write(text)

    def start(self):
        for old in ("run/asterisk.ctl", "run/asterisk.pid"):
            if os.path.exists(f"{self.dir}/{old}"):
                os.unlink(f"{self.dir}/{old}")
        with open(f"{self.dir}/output", "ab") as out:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                                            env=self.environment())

    def environment(self):
        return dict(os.environ)

    async def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            for _ in range(200):
                if self.process.poll() is not None:
                    break
                await asyncio.sleep(0.05)
            else:
                os.killpg(self.process.pid, signal.SIGKILL)
        if self.process:
            self.process.wait()
        code = self.process.returncode if self.process else 0
        self.process = None
        return code

    def log(self):
        try:
            with open(f"{self.dir}/output", encoding="utf-8", errors="replace") as f:
                return f.read()
        except OSError:
            return ""


INDICATIONS = """[general]
country=us
[us]
ringcadence = 2000,4000
dial = 350+440
busy = 480+620/500,0/500
ring = 440+480/2000,0/4000
congestion = 480+620/250,0/250
"""


class Sidetone(Server):
    kind = "sidetone"

    def __init__(self, directory, port, manager_port, program):
        super().__init__(directory, port, manager_port)
        self.program = program

    def directories(self):
        return f"astdatadir => {self.inside}/lib\n"

    def command(self):
        return [self.program, "-f", "-n", "-C", f"{self.dir}/etc/asterisk.conf"]

    def environment(self):
        env = dict(os.environ)
        env.setdefault("ASAN_OPTIONS", "detect_leaks=1:exitcode=99:detect_stack_use_after_return=0")
        env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
        return env


class Asterisk(Server):
    """Chrooted into ROOT; only inside of a mount namespace of its own."""

    kind = "asterisk"

    def __init__(self, directory, port, manager_port, root):
        super().__init__(directory, port, manager_port)
        self.root, self.inside = root, "/mnt"
        for words in (["--bind", directory, f"{root}/mnt"], ["--bind", "/dev", f"{root}/dev"], ["-t", "proc", "proc", f"{root}/proc"]):
            subprocess.run(["mount", *words], check=True)

    async def stop(self):
        """At once: how it ends is not what is compared."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None
        return 0

    def directories(self):
        return "astmoddir => /usr/lib/x86_64-linux-gnu/asterisk/modules\nastdatadir => /usr/share/asterisk\n"

    def command(self):
        return ["chroot", self.root, "/usr/sbin/asterisk", "-f", "-q", "-m", "-n", "-C", "/mnt/etc/asterisk.conf"]
