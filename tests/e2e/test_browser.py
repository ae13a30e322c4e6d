"""Pages of SIP.js and JsSIP in Chromium register over WSS and WS, call, are called, hold, dial digits and transfer.
One Chromium serves all tests, because its start takes longer than any of them."""

import re
import shutil
import tempfile

import pytest
from browser import SERVER, Browser, Net, spki
from certificates import Authority
from conftest import EXTENSIONS, accounts
from server import need
from waiting import wait_until

WEB = f"""
[ws]
type = transport
protocol = ws
bind = {SERVER}:8088
[wss]
type = transport
protocol = wss
bind = {SERVER}:8089
cert_file = {{certificate}}
priv_key_file = {{key}}
[web](!)
type = endpoint
context = phones
webrtc = yes
disallow = all
allow = opus,ulaw,vp8
max_video_streams = 1
[1003](web)
auth = 1003
aors = 1003
[1003]
type = auth
username = 1003
password = three
[1003]
type = aor
max_contacts = 3
remove_existing = yes
[1004](web)
auth = 1004
aors = 1004
[1004]
type = auth
username = 1004
password = four
[1004]
type = aor
max_contacts = 3
remove_existing = yes
"""
DIGITS = """
exten => 601,1,Answer()
 same => n,Verbose(0,over ${CHANNEL(pjsip,secure)} ${CHANNEL(secure_media)})
 same => n,Echo()
exten => 602,1,Answer()
 same => n,Read(D,,4,,1,20)
 same => n,Verbose(0,digits ${D})
 same => n,SendDTMF(5555555555,100,400)
 same => n,Wait(20)
"""
WS, WSS = f"ws://{SERVER}:8088/ws", f"wss://{SERVER}:8089/ws"
HIGH, HIGHER = 1000, 1500       # [Hz] of the desk phones
LIBRARIES = ["sipjs", "jssip"]


class World:
    """A network, a directory, certificates and a browser, for all tests."""

    def __init__(self):
        self.net = Net()
        self.dir = tempfile.mkdtemp(prefix="e2e-browser-")
        self.authority = Authority(f"{self.dir}/certificates")
        self.certificate, self.key = self.authority.sign("server", names=f"IP:{SERVER}")
        self.browser = None

    def close(self):
        if self.browser:
            self.browser.close()
        self.net.close()
        shutil.rmtree(self.dir, ignore_errors=True)


@pytest.fixture(scope="module")
def world():
    try:
        it = World()
    except OSError as e:
        pytest.skip(str(e))
    need("node")
    try:
        it.browser = Browser(it.dir, spki=spki(it.certificate))
        yield it
    finally:
        it.close()


@pytest.fixture
def server(world, make_server):
    text = accounts(_1001="one", _1002="two") + WEB.format(certificate=world.certificate, key=world.key)
    it = make_server({"pjsip.conf": text, "extensions.conf": EXTENSIONS + DIGITS}).start()
    yield it
    it.stop()       # while its addresses are there


@pytest.fixture
def browser(server, world):
    yield world.browser
    world.browser.close_pages()


def page(browser, library, user="1003", password="three", name=None, at=WSS):
    it = browser.open(name or f"{user} {library}")
    it.register(library, at, user, password)
    return it


def desk_phone(make_phone, server, user, password, hertz):
    need("baresip")
    it = make_phone(server, user, password, hertz=hertz)
    assert it.register_outcome() == "200 OK"
    return it


def over(server):
    wait_until(lambda: "0 active channels" in server.ask("core show channels"), "all channels are gone")


@pytest.mark.parametrize("library, at", [("sipjs", WSS), ("jssip", WSS), ("sipjs", WS), ("jssip", WS)])
def test_hears_itself(server, browser, library, at):
    me = page(browser, library, at=at)
    assert len(server.contacts("1003")) == 1
    times = me.call(f"sip:601@{SERVER}")
    assert times["status"] == 200, times
    server.wait_log(f"over {int(at == WSS)} 1")
    me.hears(browser.hertz)
    assert me.stats()["codec"] == "audio/opus"
    me.hold(True)
    me.silence()
    me.hold(False)
    me.hears(browser.hertz)
    me.end()
    over(server)


@pytest.mark.parametrize("library", LIBRARIES)
def test_wrong_password(server, browser, library):
    me = browser.open("wrong")
    me.start({"library": library, "server": WSS, "uri": f"sip:1003@{SERVER}", "user": "1003", "password": "no"})
    wait_until(lambda: any(e.get("state") == "Failed" for e in me.events()), "it is told so")
    assert not server.contacts("1003")


def test_strange_certificate(server, world, browser):
    """The browser verifies: what it was not told of is not spoken to."""
    cert, key = world.authority.sign("strange", names=f"IP:{SERVER}")
    text = accounts(_1001="one") + WEB.format(certificate=cert, key=key).replace(":8088", ":8098").replace(":8089", ":8099")
    server.write("pjsip.conf", text)
    server.kill()
    server.start()
    me = browser.open("strange")
    with pytest.raises(AssertionError, match="WebSocket closed"):
        me.start({"library": "sipjs", "server": WSS.replace("8089", "8099"), "uri": f"sip:1003@{SERVER}", "user": "1003",
                  "password": "three"})
    server.wait_log(r"no TLS connection with 10.77.0.\d+: .*certificate")


@pytest.mark.parametrize("library", LIBRARIES)
def test_calls_a_desk_phone(server, browser, make_phone, library):
    desk = desk_phone(make_phone, server, "1001", "one", HIGH)
    me = page(browser, library)
    me.ring(f"sip:1001@{SERVER}")
    desk.wait_event("CALL_INCOMING")
    desk.accept()
    me.hears(HIGH)
    desk.wait_hears(browser.hertz)
    desk.hang_up()
    me.over()
    over(server)


@pytest.mark.parametrize("library", LIBRARIES)
def test_is_called_by_a_desk_phone(server, browser, make_phone, library):
    desk = desk_phone(make_phone, server, "1001", "one", HIGH)
    me = page(browser, library)
    desk.dial(f"sip:1003@{server.address}")
    me.incoming()
    me.answer()
    me.hears(HIGH)
    desk.wait_hears(browser.hertz)
    me.end()
    desk.wait_event("CALL_CLOSED")
    over(server)


@pytest.mark.parametrize("library", LIBRARIES)
def test_digits(server, browser, library):
    """From the page to the dialplan, and from the dialplan to the page, which plays them."""
    me = page(browser, library)
    me.ring(f"sip:602@{SERVER}")
    me.established()
    me.digit("19#")
    server.wait_log(r"digits 19\b")
    me.hearsDigit("5")
    me.end()
    over(server)


@pytest.mark.parametrize("caller, callee", [("sipjs", "jssip"), ("jssip", "sipjs")])
def test_page_to_page_with_pictures(server, browser, caller, callee):
    one, two = page(browser, caller), page(browser, callee, "1004", "four")
    one.ring(f"sip:1004@{SERVER}", {"video": True})
    two.incoming()
    two.answer({"video": True})
    for it in (one, two):
        it.hears(browser.hertz)
        it.decodes(10)
        assert it.stats()["video"] == "video/VP8"
    two.end()
    one.over()
    over(server)


@pytest.mark.parametrize("library", LIBRARIES)
def test_blind_transfer(server, browser, make_phone, library):
    desk = desk_phone(make_phone, server, "1001", "one", HIGH)
    me = page(browser, library)
    me.ring(f"sip:1001@{SERVER}")
    desk.wait_event("CALL_INCOMING")
    desk.accept()
    me.hears(HIGH)
    me.refer(f"sip:600@{SERVER}")
    desk.wait_hears(HIGH)           # its own voice now
    me.end()                        # it is the page's to hang up
    me.over()
    desk.hang_up()
    over(server)


@pytest.mark.parametrize("library", LIBRARIES)
def test_attended_transfer(server, browser, make_phone, library):
    """The page talks with one, asks another, and brings the two together."""
    first = desk_phone(make_phone, server, "1001", "one", HIGH)
    second = desk_phone(make_phone, server, "1002", "two", HIGHER)
    me = page(browser, library)
    me.ring(f"sip:1001@{SERVER}")
    first.wait_event("CALL_INCOMING")
    first.accept()
    me.hears(HIGH)
    me.hold(True)
    me.ring(f"sip:1002@{SERVER}")
    second.wait_event("CALL_INCOMING")
    second.accept()
    me.hears(HIGHER, 1)
    second.wait_hears(browser.hertz)
    me.replace(0, 1)
    first.wait_hears(HIGHER)
    second.wait_hears(HIGH)
    me.end(0)                       # the other leg is ended by the server
    me.over(0)
    me.over(1)
    first.hang_up()
    second.wait_event("CALL_CLOSED")
    over(server)


@pytest.mark.parametrize("library", LIBRARIES)
def test_page_reload_and_server_restart(server, browser, library):
    me = page(browser, library)
    me.close()
    me = browser.open(f"again {library}")
    me.register(library, WSS, "1003", "three", again=True)
    assert len(server.contacts("1003")) >= 1
    server.kill()
    me.lost()
    server.start()
    me.registered(30)
    assert me.call(f"sip:600@{SERVER}")["status"] == 200
    me.hears(browser.hertz)
    me.end()


def test_time_to_the_first_packet(server, browser):
    """From the 200 to the first packet that the page gets. docs/conformance.md has what a release build needs on an
    idle machine; this is the best of some with twice the time that is allowed there."""
    me = page(browser, "jssip")
    times = []
    for _ in range(5):
        times.append(me.call(f"sip:600@{SERVER}"))
        me.end()
        over(server)
    after = sorted(t["packet"] - t["answered"] for t in times)
    print("after the answer [ms]:", *(f"{t:.0f}" for t in after), "in all:", *(f"{t['packet']:.0f}" for t in times))
    assert after[0] <= 80, after
