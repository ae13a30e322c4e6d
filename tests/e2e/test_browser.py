"""Pages of SIP.js and JsSIP in Chromium call, are called, hold and transfer."""

import pytest
from browser import SERVER, Browser, Net
from conftest import accounts
from server import need
from waiting import wait_until

WEB = f"""
[ws]
type = transport
protocol = ws
bind = {SERVER}:8088
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
WS = f"ws://{SERVER}:8088/ws"
HIGH = 1000     # [Hz] of baresip
LIBRARIES = ["sipjs", "jssip"]


@pytest.fixture
def net():
    try:
        it = Net()
    except OSError as e:
        pytest.skip(str(e))
    yield it
    it.close()


@pytest.fixture
def server(net, make_server):
    it = make_server({"pjsip.conf": accounts(_1001="one") + WEB}).start()
    yield it
    it.stop()       # while its addresses are there


@pytest.fixture
def browser(server, place):
    need("node")
    it = Browser(place)
    yield it
    it.close()


def page(browser, library, user="1003", password="three", name=None):
    it = browser.open(name or f"{user} {library}")
    it.register(library, WS, user, password)
    return it


def over(server):
    wait_until(lambda: "0 active channels" in server.ask("core show channels"), "all channels are gone")


@pytest.mark.parametrize("library", LIBRARIES)
def test_hears_itself(server, browser, library):
    me = page(browser, library)
    assert len(server.contacts("1003")) == 1
    times = me.call(f"sip:600@{SERVER}")
    assert times["status"] == 200, times
    me.hears(browser.hertz)
    assert me.stats()["codec"] == "audio/opus"
    me.hold(True)
    wait_until(lambda: me.heard()["level"] < -75, "silence while it is held")
    me.hold(False)
    me.hears(browser.hertz)
    me.end()
    over(server)


@pytest.mark.parametrize("library", LIBRARIES)
def test_calls_a_desk_phone(server, browser, make_phone, library):
    need("baresip")
    desk = make_phone(server, "1001", "one", hertz=HIGH)
    assert desk.register_outcome() == "200 OK"
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
    need("baresip")
    desk = make_phone(server, "1001", "one", hertz=HIGH)
    assert desk.register_outcome() == "200 OK"
    me = page(browser, library)
    desk.dial(f"sip:1003@{server.address}")
    me.incoming()
    me.answer()
    me.hears(HIGH)
    desk.wait_hears(browser.hertz)
    me.end()
    desk.wait_event("CALL_CLOSED")
    over(server)


def test_page_to_page_with_pictures(server, browser):
    one, two = page(browser, "sipjs"), page(browser, "jssip", "1004", "four")
    one.ring(f"sip:1004@{SERVER}", {"video": True})
    two.incoming()
    two.answer({"video": True})
    for it in (one, two):
        it.hears(browser.hertz)
        it.decodes(10)
    two.end()
    one.over()
    over(server)


@pytest.mark.parametrize("library", LIBRARIES)
def test_transfers(server, browser, make_phone, library):
    need("baresip")
    desk = make_phone(server, "1001", "one", hertz=HIGH)
    assert desk.register_outcome() == "200 OK"
    me = page(browser, library)
    me.ring(f"sip:1001@{SERVER}")
    desk.wait_event("CALL_INCOMING")
    desk.accept()
    me.hears(HIGH)
    me.refer(f"sip:600@{SERVER}")
    me.over()
    desk.wait_hears(HIGH)           # its own voice now
    desk.hang_up()
    over(server)


def test_page_reload_and_server_restart(server, browser):
    me = page(browser, "jssip")
    me.close()
    me = page(browser, "jssip")
    assert len(server.contacts("1003")) >= 1
    server.kill()
    me.lost()
    server.start()
    me.registered(30)
    assert me.call(f"sip:600@{SERVER}")["status"] == 200
    me.hears(browser.hertz)
    me.end()
