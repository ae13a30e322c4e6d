"""The server of HTTP with real clients: its page, files, the manager in every form, TLS, a WebSocket beside them, and
a reload that puts it elsewhere."""

import http.client
import os
import re
import ssl
import urllib.request
import xml.etree.ElementTree as ElementTree

import pytest
from certificates import Authority
from conftest import PJSIP, accounts
from server import free_port, run_checked
from waiting import wait_until
from websocket import Page, WebSocket

MANAGER = """
[general]
enabled = yes
webenabled = yes
bindaddr = 127.0.0.1
port = {ami}
[admin]
secret = pw
read = all
write = all
"""

HTTP = """
[general]
enabled = yes
bindaddr = 127.0.0.1
bindport = {port}
tlsenable = yes
tlsbindaddr = 127.0.0.1:{tls}
tlscertfile = {cert}
tlsprivatekey = {key}
enable_status = yes
enable_static = yes
redirect = / /static/index.html
"""

# More than one answer can hold.
MANY = "".join(f"[many{i}]\ntype=endpoint\naors=many{i}\n[many{i}]\ntype=aor\nmax_contacts=1\n" for i in range(3000))


class Site:
    def __init__(self, directory):
        self.authority = Authority(f"{directory}/certificates")
        self.cert, self.key = self.authority.sign("server")
        self.port, self.tls, self.ami = free_port(), free_port(), free_port()
        self.context = ssl.create_default_context(cafile=self.authority.path)

    def http(self):
        return HTTP.format(**vars(self))

    def connect(self, secure=False):
        if secure:
            return http.client.HTTPSConnection("127.0.0.1", self.tls, timeout=20, context=self.context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)


@pytest.fixture
def site(place):
    return Site(place)


@pytest.fixture
def server(make_server, site):
    transport = "[ws]\ntype = transport\nprotocol = ws\nbind = 127.0.0.1\n"
    server = make_server({"pjsip.conf": accounts(_1001="one") + transport + MANY, "manager.conf": MANAGER.format(ami=site.ami),
                          "http.conf": site.http()})
    # Files of ours, in place of the sounds.
    conf = re.sub(r"astdatadir => .*", f"astdatadir => {server.dir}/data", open(server.conf, encoding="utf-8").read())
    server.write("asterisk.conf", conf)
    os.makedirs(f"{server.dir}/data/static-http/docs")
    with open(f"{server.dir}/data/static-http/index.html", "w", encoding="ascii") as f:
        f.write("<p>welcome</p>")
    with open(f"{server.dir}/data/static-http/docs/long.bin", "wb") as f:
        f.write(bytes(range(256)) * 20000)
    return server.start()


def get(connection, target, headers=None, method="GET", body=None):
    connection.request(method, target, body, headers or {})
    answer = connection.getresponse()
    return answer, answer.read()


def login(connection):
    answer, body = get(connection, "/rawman?action=login&username=admin&secret=pw&events=off")
    assert answer.status == 200 and b"Authentication accepted" in body, body
    return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}


@pytest.mark.parametrize("secure", [False, True])
def test_pages_and_files(server, site, secure):
    connection = site.connect(secure)
    answer, body = get(connection, "/httpstatus?a=1")
    assert answer.status == 200 and b"'a'" in body and f"127.0.0.1:{site.tls}".encode() in body
    assert answer.headers["Server"].startswith("Asterisk/")
    answer, body = get(connection, "/")
    assert answer.status == 302 and answer.headers["Location"] == "/static/index.html"
    answer, body = get(connection, "/static/index.html")
    assert answer.status == 200 and body == b"<p>welcome</p>" and answer.headers["Content-type"] == "text/html"
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert get(connection, "/static/index.html", tag)[0].status == 304
    answer, body = get(connection, "/static/docs/long.bin")
    assert body == bytes(range(256)) * 20000
    answer, body = get(connection, "/static/docs/long.bin", method="HEAD")
    assert answer.headers["Content-Length"] == "5120000" and not body
    assert get(connection, "/static/docs")[0].status == 404
    assert get(connection, "/static/docs/../../../etc/http.conf")[0].status == 403
    connection.close()


def test_the_manager(server, site):
    connection, other = site.connect(), site.connect(True)
    cookie = login(connection)
    answer, body = get(connection, "/mxml?action=command&command=http+show+status", cookie)
    root = ElementTree.fromstring(body)
    lines = [v for k, v in root[0][0].attrib.items() if k.startswith("output")]
    assert f"Server Enabled and Bound to 127.0.0.1:{site.port}" in lines
    assert "/ws => Asterisk HTTP WebSocket" in lines and "/rawman => Raw HTTP Manager Event Interface" in lines
    # The session is known over the other connection too, and a form says the same.
    body = get(other, "/manager", {**cookie, "Content-Type": "application/x-www-form-urlencoded"}, "POST", "action=ping")[1]
    assert b"<td>Pong</td>" in body
    # A list that is longer than any buffer, well formed to its end.
    answer, body = get(connection, "/mxml?action=PJSIPShowEndpoints", cookie)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    events = [r[0].attrib for r in ElementTree.fromstring(body)]
    assert sum(e.get("event") == "EndpointList" for e in events) >= 3000
    assert events[-1]["event"] == "EndpointListComplete" and int(events[-1]["listitems"]) >= 3000
    # A page of somebody else.
    answer, body = get(connection, "/rawman?action=ping", {**cookie, "Origin": "http://evil.example"})
    assert answer.status == 403 and b"Pong" not in body
    assert "  -1  " in server.ask("manager show connected")
    get(connection, "/rawman?action=logoff", cookie)
    assert "0 users connected" in server.ask("manager show connected")
    connection.close()
    other.close()


def test_a_long_poll(server, site):
    connection = site.connect()
    cookie = login(connection)
    connection.request("GET", "/rawman?action=waitevent&timeout=40", headers=cookie)
    wait_until(lambda: re.search(r"-1 +1 ", server.ask("manager show connected")), "it waits")
    other = site.connect()
    body = get(other, "/rawman?action=userevent&userevent=here&suppressevents=y", cookie)[1]
    assert b"Event Sent" in body
    body = connection.getresponse().read()
    assert b"UserEvent: here" in body and b"Event: WaitEventComplete" in body
    connection.close()
    other.close()


@pytest.mark.parametrize("path", ["/arawman", "/amxml", "/amanager"])
def test_digest(server, site, path):
    """By another program's digest."""
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, f"http://127.0.0.1:{site.port}/", "admin", "pw")
    opener = urllib.request.build_opener(urllib.request.HTTPDigestAuthHandler(passwords))
    for _ in range(3):
        body = opener.open(f"http://127.0.0.1:{site.port}{path}?action=ping", timeout=20).read()
        assert b"Pong" in body


def test_a_websocket_beside_it(server, site):
    page = Page(WebSocket(site.port), "1001")
    assert page.register("one").status == 200
    connection = site.connect()
    assert get(connection, "/httpstatus")[0].status == 200
    # A reload puts the server elsewhere; who is there stays.
    old, site.port = site.port, free_port()
    server.write("http.conf", site.http())
    server.ask("module reload http")
    connection.close()
    with pytest.raises(ConnectionRefusedError):
        WebSocket(old)
    connection = site.connect()
    assert get(connection, "/httpstatus")[0].status == 200
    other = Page(WebSocket(site.port), "1001")
    assert other.register("one").status == 200
    assert page.register("one").status == 200
    page.ws.close()
    other.ws.close()
    connection.close()


def test_options_of_a_handshake(server, site):
    """tlscipher and tlsdisablev12 reach the server after a reload; a bad certificate leaves it as it was."""
    def version(context):
        connection = http.client.HTTPSConnection("127.0.0.1", site.tls, timeout=20, context=context)
        assert get(connection, "/httpstatus")[0].status == 200
        return connection.sock.version() if connection.sock else None

    site.context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert version(site.context) == "TLSv1.2"
    server.write("http.conf", site.http() + "tlsdisablev12 = yes\n")
    server.ask("module reload http")
    with pytest.raises(ssl.SSLError):
        version(site.context)
    site.context.maximum_version = ssl.TLSVersion.TLSv1_3
    assert version(site.context) == "TLSv1.3"
    server.write("http.conf", site.http().replace(site.cert, "/nowhere"))
    server.ask("module reload http")
    assert version(site.context) == "TLSv1.3"
    server.wait_log("'/nowhere' cannot be read")


def test_check_tells_what_is_not_there(make_server, site):
    server = make_server({"pjsip.conf": PJSIP, "http.conf": site.http() + "[post_mappings]\nuploads = /tmp\n[odd]\nx = y\n"})
    text = run_checked(["check", f"{server.dir}/etc"])[1]
    assert "[post_mappings]: files are not taken over HTTP here" in text and "[odd] does nothing" in text
