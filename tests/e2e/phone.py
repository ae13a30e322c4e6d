"""A real phone: a baresip process with its own configuration directory, driven
over its ctrl_tcp module. It plays a tone and records what it hears."""

import array
import glob
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import time

import tone
from waiting import steady, wait_until

MODULES = next((d for d in ("/usr/lib/baresip/modules", "/usr/lib/x86_64-linux-gnu/baresip/modules")
                if os.path.isdir(d)), "/usr/lib/baresip/modules")
CONFIG = """poll_method epoll
{listen}sip_trans_def udp
audio_source aufile,{dir}/tone.wav
call_local_timeout 120
audio_path {dir}/no-tones
ringback_disabled yes
audio_srate 8000
audio_channels 1
audio_buffer 20-160
audio_txmode thread
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
rtp_ports {rtp}-{rtp_end}
rtp_timeout 0
net_interface {interface}
module_path {modules}
{more}module account.so
module g711.so
module aufile.so
module sndfile.so
module_app menu.so
module_app ctrl_tcp.so
module_tmp uuid.so
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {dir}/heard
statmode_default off
menu_bell no
"""


def free_tcp_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Phone:
    """`user` registers at `server` ("host:port") with `password`; its tone is `hertz`.
    `mediaenc`: baresip's name of how its media is encrypted. `ca`: the authorities of its TLS;
    `cert`: the files of its own certificate and key. (baresip 1.0.0 shows its certificate, but
    verifies no server's.)"""

    def __init__(self, directory, server, user, password, hertz=440, transport="udp", rtp=30000, mediaenc=None,
                 ca=None, cert=None, interface="127.0.0.1", modules=(), account=""):
        if mediaenc:
            modules, account = [*modules, "srtp", "dtls_srtp"], account + f";mediaenc={mediaenc}"
        self.dir, self.user, self.hertz = str(directory), user, hertz
        os.makedirs(self.dir + "/heard")
        tone.write_tone(self.dir + "/tone.wav", hertz, 120)
        self.control = free_tcp_port()
        with open(self.dir + "/config", "w", encoding="ascii") as f:
            f.write(CONFIG.format(dir=self.dir, rtp=rtp, rtp_end=rtp + 98, modules=MODULES, control=self.control,
                                  interface=interface, more="".join(f"module {m}.so\n" for m in modules),
                                  listen="sip_listen 127.0.0.1:0\n" if interface == "127.0.0.1" else ""))
            if cert:
                f.write(f"sip_certificate {self.joined(cert)}\n")
            if ca:
                f.write(f"sip_cafile {ca}\n")
        with open(self.dir + "/accounts", "w", encoding="ascii") as f:
            f.write(f'<sip:{user}@{server};transport={transport}>;auth_user={user};auth_pass={password}'
                    f';answermode=manual;regint=600{account}\n')
        open(self.dir + "/contacts", "w", encoding="ascii").close()
        self.events, self.answers = [], []
        self.buffer = b""
        self.socket = None
        self.seen = 0                   # events that wait_event() has gone past
        self.output = open(self.dir + "/output", "wb")
        self.process = subprocess.Popen(["baresip", "-4", "-s", "-v", "-f", self.dir], stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=subprocess.STDOUT)
        self.serial = 0

    def joined(self, files):
        """One file of a certificate and its key."""
        path = self.dir + "/own.pem"
        with open(path, "wb") as out:
            for name in files:
                with open(name, "rb") as f:
                    out.write(f.read())
        return path

    # -- control ------------------------------------------------------------
    def connect(self):
        """Connect to the control port as soon as the phone listens there."""
        def attempt():
            assert self.process.poll() is None, "baresip ended: " + self.trace()[-2000:]
            try:
                return socket.create_connection(("127.0.0.1", self.control), 1)
            except ConnectionRefusedError:
                return None
        self.socket = wait_until(attempt, "baresip's control port")
        self.socket.setblocking(False)
        return self

    def pump(self, seconds):
        """Take in what the phone says, waiting at most SECONDS for the first of it."""
        with selectors.DefaultSelector() as sel:
            sel.register(self.socket, selectors.EVENT_READ)
            if not sel.select(seconds):
                return
        data = self.socket.recv(65536)
        if not data:
            raise AssertionError("baresip closed its control connection: " + self.trace()[-2000:])
        self.buffer += data
        while b":" in self.buffer:
            size, _, rest = self.buffer.partition(b":")
            n = int(size)
            if len(rest) < n + 1:
                return
            message = json.loads(rest[:n])
            self.buffer = rest[n + 1:]
            (self.events if message.get("event") else self.answers).append(message)

    def send(self, command, params=None):
        """Send a command; gives what the phone answered."""
        self.serial += 1
        token = str(self.serial)
        message = {"command": command, "token": token}
        if params is not None:
            message["params"] = params
        data = json.dumps(message).encode()
        self.socket.setblocking(True)
        self.socket.sendall(b"%d:%s," % (len(data), data))
        self.socket.setblocking(False)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            for answer in self.answers:
                if answer.get("token") == token:
                    return answer.get("data", "")
            self.pump(0.1)
        raise AssertionError(f"no answer to {command}")

    def wait_event(self, *types, seconds=15.0):
        """The next event of one of TYPES, past all that were waited for before."""
        until = time.monotonic() + seconds
        while True:
            for i in range(self.seen, len(self.events)):
                if self.events[i]["type"] in types:
                    self.seen = i + 1
                    return self.events[i]
            if time.monotonic() > until:
                had = [e["type"] for e in self.events[self.seen:]]
                raise AssertionError(f"{self.user}: no {'/'.join(types)} in {seconds:g} s; had {had}\n{self.trace()[-3000:]}")
            self.pump(0.1)

    def register_outcome(self, seconds=15.0):
        """What the phone's first registration ended with: "200 OK", "401 ...".
        From the trace: an event may have come before the control connection."""
        def said():
            return re.search(r"(?:\{0/\w+/v4\}|reg: sip:\S+:) (\d{3} [^\[(\r\n]*)", self.trace())
        return wait_until(said, lambda: f"{self.user} registers or is refused\n{self.trace()[-3000:]}",
                          seconds).group(1).strip()

    # -- what a person does -------------------------------------------------
    def dial(self, uri):
        self.send("dial", uri)

    def accept(self):
        self.send("accept")

    def hang_up(self):
        self.send("hangup")

    # -- what the phone heard and said ---------------------------------------
    def trace(self):
        """All SIP messages and log lines of the phone so far."""
        self.output.flush()
        with open(self.dir + "/output", encoding="utf-8", errors="replace") as f:
            return f.read()

    def heard(self, start=0):
        """The samples heard since the phone began, from number START on. A call
        has one recording for each time that its media was set up."""
        samples = array.array("h")
        for path in sorted(glob.glob(self.dir + "/heard/dump-*-dec.wav"), key=os.path.getmtime):
            samples += tone.read_samples(path)
        return samples[start:]

    def wait_hears(self, hertz, seconds=10.0, window=0.5, share=0.9):
        """Wait until WINDOW seconds that begin after now hold the tone HERTZ and
        little else: SHARE of their power."""
        # What was under way when the wait began does not count.
        start, size = len(self.heard()) + tone.RATE // 10, int(tone.RATE * window)

        def latest():
            return self.heard(start)[-size:]

        def check():
            new = latest()
            return len(new) == size and tone.share(new, hertz) > share

        def what():
            new = latest()
            return (f"{self.user} hears {hertz} Hz: {len(new)} samples, share {tone.share(new, hertz):.2f}, "
                    f"loudness {tone.loud(new):.0f}")
        wait_until(check, what, seconds)

    def wait_arrives(self, hertz, seconds=10.0):
        """As wait_hears(), by what reaches the phone's media port. baresip 1.0.0
        stops its recording for good when it holds, so after that the wire is the
        witness; without the right to look at it, the phone's packet counter."""
        stat = self.send("audio_debug")
        port = int(re.search(r"local: \S+?:(\d+)", stat).group(1))
        try:
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        except PermissionError:
            def received():
                return int(re.search(r"rcvd=(\d+)", self.send("audio_debug")).group(1))
            start = received()
            wait_until(lambda: received() >= start + 25, f"{self.user} receives audio", seconds, 0.2)
            return
        samples = array.array("h")

        def check():
            try:
                packet = tap.recv(2048)
            except TimeoutError:
                return False
            udp = (packet[0] & 15) * 4
            if packet[9] == socket.IPPROTO_UDP and int.from_bytes(packet[udp + 2:udp + 4], "big") == port:
                samples.extend(tone.ulaw(packet[udp + 20:]))
            return len(samples) >= tone.RATE and tone.share(samples[-tone.RATE // 2:], hertz) > 0.9
        with tap:
            tap.bind(("lo", 0))
            tap.settimeout(seconds)
            wait_until(check, lambda: f"{hertz} Hz reaches {self.user}: {len(samples)} samples, "
                       f"share {tone.share(samples[-tone.RATE // 2:], hertz):.2f}", seconds, 0)

    def wait_hears_not(self, hertz):
        """Wait until the tone HERTZ has been away for a while: 300 ms in which
        no audio arrived, or other audio, or silence."""
        def with_tone():
            frames = self.heard()
            size = tone.RATE // 50
            frames = [frames[i:i + size] for i in range(0, len(frames) - size, size)]
            return sum(tone.loud(f) > 500 and tone.share(f, hertz) > 0.8 for f in frames)
        steady(with_tone, f"{self.user} hears {hertz} Hz", seconds=8.0)

    # -- end ----------------------------------------------------------------
    def close(self):
        """Leave as a phone does: the end of baresip unregisters. One that never was registered tries that in vain."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10 if " 200 OK" in self.trace() else 1)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.socket:
            self.socket.close()
        self.output.close()
