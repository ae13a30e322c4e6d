"""tools/run, which `make run` ends with, on a fresh directory."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import urllib.error
import urllib.request

import pytest
from server import REPORT, TOP, environment, free_port, need, program
from phone import Phone
from waiting import wait_until


class Run:
    """tools/run with a copy of etc/ in DIRECTORY."""

    def __init__(self, directory, executable=None):
        self.dir = str(directory)
        if not os.path.isdir(f"{self.dir}/etc"):
            shutil.copytree(f"{TOP}/etc", f"{self.dir}/etc")
        # These ports are fixed in etc/: another server may have them.
        for name, line in (("manager", "port = "), ("http", "bindport = ")):
            path = f"{self.dir}/etc/{name}.conf"
            with open(path, encoding="utf-8") as f:
                text = f.read()
            with open(path, "w", encoding="utf-8") as f:
                new = line + str(free_port())
                f.write(re.sub(rf"^{line}.*$", new, text, flags=re.M))
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.output = f"{self.dir}/output"
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen(
                [f"{TOP}/tools/run", executable or program()], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={**environment(), "DIR": self.dir, "BIND": self.address})
        wait_until(self.ready, lambda: "the server says that it is ready\n" + self.text(), 60)

    def ready(self):
        assert self.process.poll() is None, self.text()
        return "Sidetone ready" in self.text()

    def text(self):
        with open(self.output, encoding="utf-8", errors="replace") as f:
            return f.read()

    def passwords(self):
        return dict(re.findall(r"user (\d+), password (\S+)", self.text()))

    def stop(self):
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(30)
        assert not REPORT.search(self.text()), self.text()
        assert code in (0, 130, -signal.SIGINT), self.text()


@pytest.fixture
def run(place):
    made = Run(place)
    yield made
    if made.process.poll() is None:
        made.stop()


def test_it_says_what_to_do(run):
    text = run.text()
    assert set(run.passwords()) == {"1001", "1002", "1003"}
    for number in ("1001", "1002", "600", "601", "602"):
        assert re.search(rf"\b{number}\b", text)
    for transport in ("udp", "tcp"):
        assert re.search(rf"Listening on {transport} {re.escape(run.address)}", text, re.I), text
    # A sanitizer's remark about contexts is not the server's.
    own = [line for line in text.splitlines() if not line.startswith("==")]
    assert not [line for line in own if "WARNING" in line or "ERROR" in line], text


def test_passwords_are_made_once_and_kept_from_others(place):
    first = Run(place)
    passwords = first.passwords()
    first.stop()
    assert len(set(passwords.values())) == 3 and all(len(p) >= 16 for p in passwords.values())
    for base, _, names in os.walk(f"{place}/var"):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as f:
                if any(p.encode() in f.read() for p in passwords.values()):
                    assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0, path
    second = Run(place)
    assert second.passwords() == passwords
    second.stop()


def test_no_default_password_in_the_tree():
    for name in os.listdir(f"{TOP}/etc"):
        path = f"{TOP}/etc/{name}"
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as f:
                assert not re.search(r"^\s*(password|secret|md5_cred)\s*=", f.read(), re.M), path


def test_a_phone_hears_greeting_and_tune(run, place):
    need("baresip")
    phone = Phone(f"{place}/phone", run.address, "1001", run.passwords()["1001"], rtp=36000)
    try:
        phone.connect()
        assert phone.register_outcome() == "200 OK"
        phone.dial(f"sip:601@{run.address}")
        phone.wait_event("CALL_ESTABLISHED")
        # The recording is seven seconds long, and the call ends after it.
        phone.wait_event("CALL_CLOSED", seconds=30)
        loud = sum(1 for s in phone.heard() if abs(s) > 500)
        assert loud > 8000, f"the greeting is silent: {loud} of {len(phone.heard())} samples"
        phone.dial(f"sip:602@{run.address}")
        phone.wait_event("CALL_ESTABLISHED")
        phone.wait_hears(1047, share=0.6, window=0.4)
        phone.hang_up()
        phone.dial(f"sip:600@{run.address}")
        phone.wait_event("CALL_ESTABLISHED")
        phone.wait_hears(phone.hertz)
    finally:
        phone.close()


def test_contacts_are_in_sqlite_under_var(run, place):
    phone = Phone(f"{place}/phone", run.address, "1002", run.passwords()["1002"], rtp=36100)
    try:
        phone.connect()
        assert phone.register_outcome() == "200 OK"
        files = []
        for base, _, names in os.walk(f"{place}/var/lib"):
            files += [os.path.join(base, n) for n in names]
        with_contact = []
        for path in files:
            with open(path, "rb") as f:
                data = f.read()
            if b"sip:1002" in data:
                with_contact.append(path)
        assert with_contact, files
        assert any(open(f, "rb").read(15) == b"SQLite format 3" for f in files)
    finally:
        phone.close()


def test_port_in_use_is_said(place):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]
        tcp.bind(("127.0.0.1", port))
        tcp.listen()
        shutil.copytree(f"{TOP}/etc", f"{place}/etc")
        process = subprocess.Popen([f"{TOP}/tools/run", program()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT,
                                   env={**environment(), "DIR": place, "BIND": f"127.0.0.1:{port}"})
        try:
            text = ""
            while "in use" not in text.lower():
                line = process.stdout.readline().decode()
                assert line, text
                text += line
            assert str(port) in text
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


def get(url):
    """Status, headers and body."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read().decode()


def page_of(run):
    """What it prints about the page, and the page's address."""
    line = re.search(r"Phone on a page +(.*)", run.text()).group(1)
    with open(f"{run.dir}/etc/http.conf", encoding="utf-8") as f:
        port = re.search(r"^bindport = (\d+)", f.read(), re.M).group(1)
    return line, f"http://127.0.0.1:{port}/phone/"


@pytest.mark.parametrize("program_at, page_at", [("sbin", "share/sidetone/phone"), ("build", "build/web/phone")])
def test_the_page_is_found_beside_the_program(place, program_at, page_at):
    """An installed program and a built one find it without an option; so says the address that is printed."""
    os.makedirs(f"{place}/{program_at}")
    os.makedirs(f"{place}/{page_at}")
    executable = shutil.copy(program(), f"{place}/{program_at}/sidetone")
    shutil.copy(f"{TOP}/web/phone/index.html", f"{place}/{page_at}")
    run = Run(place, executable)
    line, url = page_of(run)
    assert line == url + "?account=1003"
    status, headers, body = get(line)
    assert status == 200 and "<title>Phone</title>" in body
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    run.stop()


def test_the_page_is_not_built(place):
    os.makedirs(f"{place}/sbin")
    run = Run(place, shutil.copy(program(), f"{place}/sbin/sidetone"))
    line, url = page_of(run)
    assert "make web" in line
    status, _, body = get(url)
    assert status == 404 and "make web" in body
    run.stop()
