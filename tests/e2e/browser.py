"""Chromium in a network namespace, driven through tests/browser/drive.mjs: each page is a
telephone of SIP.js or JsSIP. Loopback alone will not do, as Chromium gathers no ICE
candidates there; so the namespace has a pair of interfaces with both ends in it."""

import base64
import ctypes
import hashlib
import json
import os
import queue
import shutil
import subprocess
import threading

import tone
from server import TOP, environment
from waiting import wait_until

HERE = f"{TOP}/tests/browser"
SERVER, PHONES = "10.77.0.1", "10.77.0.2"
LINKS = f"""ip link set lo up
ip link add veth0 type veth peer name veth1
ip addr add {SERVER}/24 dev veth0
ip addr add {PHONES}/24 dev veth1
ip link set veth0 up
ip link set veth1 up"""
CLONE_NEWNET = 0x40000000
# The loudest frequency [Hz] of what the page plays in ELEMENTS (a selector), 0 when that is silence.
HEARD = """async () => {
  const element = [...document.querySelectorAll('ELEMENTS')].find((a) => a.srcObject && a.srcObject.getAudioTracks().length);
  if (!element) return 0;
  if (!element.ears || element.ears.stream !== element.srcObject) {
    const context = new AudioContext(), stream = element.srcObject;
    await context.resume();
    const analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    analyser.smoothingTimeConstant = 0;
    context.createMediaStreamSource(stream).connect(analyser);
    element.ears = { context, analyser, stream };
  }
  const { context, analyser } = element.ears, bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  let best = 3;
  for (let i = 3; i < bins.length; i++) if (bins[i] > bins[best]) best = i;
  return bins[best] < -70 ? 0 : best * context.sampleRate / analyser.fftSize;
}"""


class Net:
    """A network namespace of this thread, and of all that it starts, until close()."""

    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        if self.libc.unshare(CLONE_NEWNET):
            os.close(self.before)
            raise OSError(ctypes.get_errno(), "no network namespace can be made here (are you root?)")
        for line in LINKS.splitlines():
            subprocess.run(line.split(), check=True)

    def close(self):
        assert self.libc.setns(self.before, CLONE_NEWNET) == 0
        os.close(self.before)


class Apart(Net):
    """The same, with the phones' end in another namespace, as behind a cable that can be pulled."""

    def __init__(self):
        super().__init__()
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "1200"])
        wait_until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != os.readlink("/proc/thread-self/ns/net"), "another network")
        subprocess.run(["ip", "link", "set", "veth1", "netns", str(self.holder.pid)], check=True)
        for line in LINKS.splitlines():
            if line == "ip link set lo up" or line.endswith("dev veth1") or line.endswith("veth1 up"):
                subprocess.run([*self.inside, *line.split()], check=True)

    @property
    def inside(self):
        return ["nsenter", "-t", str(self.holder.pid), "-n"]

    def cable(self, state):
        """STATE: "up" or "down"."""
        subprocess.run([*self.inside, "ip", "link", "set", "veth1", state], check=True)

    def close(self):
        self.holder.kill()
        self.holder.wait()
        super().close()


def chromium():
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser"):
        path = shutil.which(name) if name else None
        if path:
            return path
    raise RuntimeError("Chromium is not installed: tools/install-deps test")


def spki(certificate):
    """The hash of a certificate's key, as Chromium wants it."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], check=True, stdout=subprocess.PIPE).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], check=True, input=key, stdout=subprocess.PIPE).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


class Browser:
    """One Chromium. Its microphone is a sine of HERTZ. SPKI: of certificates that it takes, as spki() gives it.
    WRAP: a command to start it through."""

    def __init__(self, directory, hertz=700, spki="", wrap=()):
        self.hertz, self.pages = hertz, []
        sound = f"{directory}/microphone-{hertz}.wav"
        tone.write_tone(sound, hertz, 4)
        self.log = open(f"{directory}/browser-{hertz}.log", "w", encoding="utf-8")
        env = dict(environment(), TONE=sound, CHROMIUM=chromium(), HOME=str(directory), SPKI=spki)
        self.process = subprocess.Popen([*wrap, "node", f"{HERE}/drive.mjs"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True, env=env)
        self.next = 1
        self.waiting = {0: queue.Queue()}
        threading.Thread(target=self.read, daemon=True).start()
        self.version = self.take(0, 60)["version"]

    def read(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            self.waiting[answer["id"]].put(answer)

    def take(self, number, seconds):
        answer = self.waiting[number].get(timeout=seconds)
        del self.waiting[number]
        assert answer["ok"], answer["error"]
        return answer

    def tell(self, seconds=60, **command):
        number, self.next = self.next, self.next + 1
        self.waiting[number] = queue.Queue()
        self.process.stdin.write(json.dumps(dict(command, id=number)) + "\n")
        self.process.stdin.flush()
        return self.take(number, seconds).get("value")

    def open(self, name, **how):
        it = Page(self, name, **how)
        self.pages.append(it)
        return it

    def close_pages(self):
        for it in self.pages:
            it.close()
        self.pages = []

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Page:
    """window.phone of one page: page.call("sip:600@...") runs phone.call there."""

    def __init__(self, browser, name, **how):
        self.browser, self.name, self.closed = browser, name, False
        browser.tell(page=name, open=how or True)

    def __getattr__(self, function):
        return lambda *args: self.browser.tell(page=self.name, run=function, args=list(args))

    def register(self, library, server, user, password, **more):
        self.start(dict(more, library=library, server=server, uri=f"sip:{user}@{SERVER}", user=user, password=password))
        self.registered()

    def close(self):
        if not self.closed:
            self.browser.tell(page=self.name, close=True)
        self.closed = True

    def wait_events(self, what, n=1):
        wait_until(lambda: sum(e["what"] == what for e in self.events()) >= n, f"{what} of page {self.name}")
