"""Fixtures of the end-to-end tests. Every server that a test starts is stopped
and looked over when the test ends: exit code and sanitizer reports."""

import os
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from phone import Phone  # noqa: E402
from server import Server  # noqa: E402

PJSIP = """
[global]
type = global
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{port}
[tcp]
type = transport
protocol = tcp
bind = 127.0.0.1:{port}

[phone](!)
type = endpoint
context = phones
disallow = all
allow = ulaw,alaw
direct_media = no
rtp_symmetric = yes
[line](!)
type = aor
max_contacts = 5
"""
ACCOUNT = """
[{user}](phone)
auth = {user}
aors = {user}
[{user}]
type = auth
username = {user}
password = {password}
[{user}](line)
"""
EXTENSIONS = """
[phones]
exten => _1XXX,1,Dial(PJSIP/${EXTEN},30)
 same => n,Hangup()
exten => 600,1,Answer()
 same => n,Echo()
"""


def accounts(**users):
    """pjsip.conf with the transports and one phone for each user=password."""
    return PJSIP + "".join(ACCOUNT.format(user=u.lstrip("_"), password=p) for u, p in users.items())


@pytest.fixture
def place():
    """A directory that everything in the test may read: removed after it,
    kept when $KEEP is set."""
    path = tempfile.mkdtemp(prefix="e2e-")
    yield path
    if os.environ.get("KEEP"):
        print("kept", path)
    else:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def make_server(place):
    """make_server({"pjsip.conf": ...}) gives a Server, not yet started."""
    made = []

    def make(files=None, **kw):
        files = dict(files or {})
        files.setdefault("pjsip.conf", accounts(_1001="one", _1002="two"))
        files.setdefault("extensions.conf", EXTENSIONS)
        server = Server(f"{place}/server{len(made)}", files, **kw)
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def server(make_server):
    """A server with the phones 1001 and 1002, and 600 for echo."""
    return make_server().start()


@pytest.fixture
def make_phone(place):
    """make_phone(server, user, password, hertz=..., transport=...): a running baresip."""
    made = []

    def make(server, user, password, port=None, **kw):
        address = f"127.0.0.1:{port}" if port else server.address
        phone = Phone(f"{place}/phone{len(made)}", address, user, password, rtp=33000 + 100 * len(made), **kw)
        made.append(phone)
        return phone.connect()

    yield make
    for phone in made:
        phone.close()
