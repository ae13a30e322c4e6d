"""A page written for SIP.js 0.9, tests/browser/old, of which nothing but the script tag is changed: it loads
build/web/sidetone-ua.js. Chromium stands behind a cable of its own, which is pulled once."""

import os
import shutil
import tempfile

import pytest
from browser import HEARD, HERE, SERVER, Apart, Browser
from conftest import EXTENSIONS, accounts
from server import TOP, need
from waiting import wait_until

WEB = f"""
[ws]
type = transport
protocol = ws
bind = {SERVER}:8088
[web](!)
type = endpoint
context = phones
message_context = messages
webrtc = yes
disallow = all
allow = opus,ulaw,vp8
max_video_streams = 1
[1003](web)
auth = 1003
aors = 1003
callerid = "Third" <1003>
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
callerid = "Fourth" <1004>
[1004]
type = auth
username = 1004
password = four
[1004]
type = aor
max_contacts = 3
remove_existing = yes
"""
DIALPLAN = """
exten => 602,1,Answer()
 same => n,Read(D,,4,,1,20)
 same => n,Verbose(0,digits ${D})
 same => n,Wait(20)
exten => 603,1,Hangup(17)
exten => 1004,hint,PJSIP/1004
[messages]
exten => _1XXX,1,MessageSend(pjsip:${EXTEN},${MESSAGE(from)})
"""
PLAYED = HEARD.replace("ELEMENTS", "#remoteVideo")
TAG = '<script src="sip-0.9.2.min.js"></script>'
LIBRARIES = {"ours": ("sidetone-ua.js", f"{TOP}/build/web/sidetone-ua.js"),
             "theirs": ("sip-0.9.2.min.js", f"{TOP}/web/node_modules/sip.js/dist/sip-0.9.2.min.js")}
HIGH, HIGHER = 1000, 1500       # [Hz] of the desk phones


def make_site(directory, library):
    """The page with the tag of this library."""
    file, path = LIBRARIES[library]
    shutil.copytree(f"{HERE}/old", directory)
    shutil.copy(path, f"{directory}/{file}")
    for name in ("phone.html", "simple.html"):
        with open(f"{directory}/{name}", encoding="utf-8") as f:
            text = f.read()
        assert text.count(TAG) == 1
        with open(f"{directory}/{name}", "w", encoding="utf-8") as f:
            f.write(text.replace(TAG, f'<script src="{file}"></script>'))


class World:
    """A network, a directory, pages and a browser, for all tests."""

    def __init__(self):
        self.net = Apart()
        self.dir = tempfile.mkdtemp(prefix="e2e-old-")
        self.browser = None
        for library in LIBRARIES:
            make_site(f"{self.dir}/{library}", library)

    def close(self):
        if self.browser:
            self.browser.close()
        self.net.close()
        shutil.rmtree(self.dir, ignore_errors=True)


@pytest.fixture(scope="module")
def world():
    need("node")
    try:
        it = World()
    except PermissionError as e:
        pytest.skip(str(e))
    try:
        it.browser = Browser(it.dir, wrap=it.net.inside)
        yield it
    finally:
        it.close()


@pytest.fixture
def server(world, make_server):
    it = make_server({"pjsip.conf": accounts(_1001="one", _1002="two") + WEB, "extensions.conf": EXTENSIONS + DIALPLAN}).start()
    yield it
    it.stop()       # while its addresses are there


@pytest.fixture
def pages(server, world):
    """pages("1003", "three") gives a page of that account, registered."""
    def make(user="1003", password="three", file="phone.html", library="ours", **more):
        it = world.browser.open(f"{user} {file}", site=f"{world.dir}/{library}", file=file)
        return begin(it, user, password, **more)
    yield make
    world.browser.close_pages()
    assert not world.browser.tell(take="faults")


def begin(it, user="1003", password="three", **more):
    it.start(dict(more, uri=f"sip:{user}@{SERVER}", server=f"ws://{SERVER}:8088/ws", user=user, password=password))
    happens(it, "registered")
    return it


def happens(it, what, seconds=15, after=0, **fields):
    """The first such event after the first AFTER ones."""
    def look():
        return next((e for e in it.events()[after:] if e["what"] == what and all(e.get(k) == v for k, v in fields.items())), None)
    return wait_until(look, lambda: f"{what} {fields} in {it.name}; it had {it.events()[after:]}", seconds)


def played(it):
    return it.browser.tell(page=it.name, act="evaluate", args=[f"({PLAYED})()"])


def hears(it, hertz, seconds=15):
    def what():
        more = it.media() if os.environ.get("KEEP") and "phone" in it.name else ""
        return f"{it.name} hears {hertz} Hz; it hears {played(it)}; {it.events()} {more}"
    wait_until(lambda: abs(played(it) - hertz) < hertz * 0.03 + 8, what, seconds, 0.05)


def silence(it, seconds=15):
    wait_until(lambda: played(it) == 0, f"{it.name} hears nothing", seconds, 0.1)


def over(server):
    wait_until(lambda: "0 active channels" in server.ask("core show channels"), "all channels are gone")


def desk_phone(make_phone, server, user, password, hertz):
    need("baresip")
    it = make_phone(server, user, password, hertz=hertz)
    assert it.register_outcome() == "200 OK"
    return it


@pytest.mark.parametrize("library", LIBRARIES)
def test_registers_and_hears_itself(server, world, pages, library):
    """Also with SIP.js 0.9.2 itself, so that the page is what it says it is."""
    me = pages(library=library)
    assert me.version() == "0.9.2" and me.isRegistered() and len(server.contacts("1003")) == 1
    me.call("600")
    happens(me, "accepted")
    hears(me, world.browser.hertz)
    me.bye()
    happens(me, "terminated")
    over(server)
    me.unregister()
    happens(me, "unregistered")
    assert not server.contacts("1003")


def test_refused(server, world, pages):
    me = pages()
    me.call("603")
    assert happens(me, "rejected")["status"] == 486
    assert happens(me, "failed")["cause"] == "Busy"
    happens(me, "terminated", cause="Busy")
    wrong = world.browser.open("wrong", site=f"{world.dir}/ours", file="phone.html")
    wrong.start({"uri": f"sip:1004@{SERVER}", "server": f"ws://{SERVER}:8088/ws", "user": "1004", "password": "no"})
    assert happens(wrong, "registrationFailed")["status"] in (401, 403)


def test_calls_a_desk_phone(server, world, pages, make_phone):
    desk = desk_phone(make_phone, server, "1001", "one", HIGH)
    me = pages()
    me.call("1001")
    desk.wait_event("CALL_INCOMING")
    desk.accept()
    hears(me, HIGH)
    desk.wait_hears(world.browser.hertz)
    desk.hang_up()
    happens(me, "bye")
    happens(me, "terminated")
    over(server)


def test_is_called_by_a_desk_phone(server, world, pages, make_phone):
    desk = desk_phone(make_phone, server, "1001", "one", HIGH)
    me = pages()
    desk.dial(f"sip:1003@{server.address}")
    assert happens(me, "invite")["from"] == "1001"
    me.answer()
    hears(me, HIGH)
    desk.wait_hears(world.browser.hertz)
    me.bye()
    desk.wait_event("CALL_CLOSED")
    over(server)


def test_hold_and_digits(server, world, pages):
    me = pages()
    me.call("600")
    hears(me, world.browser.hertz)
    me.hold()
    happens(me, "reinviteAccepted")
    assert me.held()
    silence(me)
    seen = len(me.events())
    me.unhold()
    happens(me, "reinviteAccepted", after=seen)
    assert not me.held()
    hears(me, world.browser.hertz)
    me.bye()
    over(server)
    me.call("602")
    wait_until(me.up, "the call is up")
    me.dtmf("19#")
    server.wait_log(r"digits 19\b")
    me.terminate()
    over(server)


def test_blind_transfer(server, world, pages, make_phone):
    desk = desk_phone(make_phone, server, "1001", "one", HIGH)
    me = pages()
    me.call("1001")
    desk.wait_event("CALL_INCOMING")
    desk.accept()
    hears(me, HIGH)
    me.refer(f"sip:600@{SERVER}")
    happens(me, "referRequestAccepted")
    happens(me, "referAccepted")
    happens(me, "terminated")
    desk.wait_hears(HIGH)           # its own voice now
    desk.hang_up()
    over(server)


def test_attended_transfer(server, world, pages, make_phone):
    first = desk_phone(make_phone, server, "1001", "one", HIGH)
    second = desk_phone(make_phone, server, "1002", "two", HIGHER)
    me = pages()
    me.call("1001")
    first.wait_event("CALL_INCOMING")
    first.accept()
    hears(me, HIGH)
    me.hold()
    happens(me, "reinviteAccepted")
    me.call("1002")
    second.wait_event("CALL_INCOMING")
    second.accept()
    hears(me, HIGHER)
    me.replace()
    first.wait_hears(HIGHER)
    second.wait_hears(HIGH)
    happens(me, "terminated")
    first.hang_up()
    second.wait_event("CALL_CLOSED")
    over(server)


def test_messages(server, pages):
    me, other = pages(), pages("1004", "four")
    me.message("1004", "Grüße & <b>")
    happens(me, "messageAccepted")
    assert happens(other, "message", body="Grüße & <b>")["from"] == "1003"
    other.message(f"sip:1003@{SERVER}", "back")
    assert happens(me, "message", body="back")["from"] == "1004"
    me.options(f"sip:1004@{SERVER}")
    assert happens(me, "options")["status"] == 200


@pytest.mark.parametrize("event, busy, free", [("dialog", "<state>confirmed", "<state>terminated"), ("presence", "On the phone", "Ready")])
def test_watches(server, world, pages, event, busy, free):
    me, other = pages(), pages("1004", "four")
    me.subscribe("1004", event, 600)
    first = happens(me, "notify")
    assert first["state"].startswith("active")

    def sees(text):
        wait_until(lambda: text in [e for e in me.events() if e["what"] == "notify"][-1]["body"],
                   lambda: f"a NOTIFY says {text}: {[e['body'] for e in me.events() if e['what'] == 'notify']}")
    sees(free)
    other.call("600")
    sees(busy)
    other.bye()
    sees(free)
    me.unsubscribe()
    wait_until(lambda: "1004" not in server.ask("pjsip show subscriptions inbound"), "the subscription is gone")


def test_page_reload_and_server_restart(server, world, pages):
    me = pages()
    world.browser.tell(page=me.name, act="reload")
    begin(me)
    assert len(server.contacts("1003")) >= 1
    me.subscribe("1004", "dialog", 600)
    happens(me, "notify")
    seen = len(me.events())
    server.kill()
    happens(me, "disconnected", after=seen)
    happens(me, "unregistered", after=seen)
    server.start()
    happens(me, "registered", 40, after=seen)
    assert server.contacts("1003") and me.isRegistered()
    happens(me, "notify", 45, after=seen)
    me.call("600")
    hears(me, world.browser.hertz)
    me.bye()
    over(server)


@pytest.mark.parametrize("held", [False, True])
def test_offline_and_online_during_a_call(server, world, pages, held):
    """The cable is pulled and put back: the call goes on, and what was on hold stays so."""
    me = pages()
    me.call("600")
    hears(me, world.browser.hertz)
    if held:
        me.hold()
        happens(me, "reinviteAccepted")
    seen = len(me.events())
    world.net.cable("down")
    try:
        lost = happens(me, "disconnected", after=seen)
        assert lost["at"] - happens(me, "offline", after=seen)["at"] < 500
        happens(me, "unregistered", after=seen, cause="Connection Error")
        silence(me)
    finally:
        world.net.cable("up")
    happens(me, "online", after=seen)
    if held:
        happens(me, "reinviteAccepted", 3, after=seen)
        assert me.held() and played(me) == 0
        me.unhold()
    hears(me, world.browser.hertz, 3)
    happens(me, "registered", 5, after=seen)
    assert me.up() and not [e for e in me.events() if e["what"] in ("terminated", "failed", "reinviteFailed")]
    me.bye()
    happens(me, "terminated")
    over(server)


def test_two_pages_with_pictures(server, world, pages):
    one, two = pages(), pages("1004", "four")
    one.call("1004", True)
    assert happens(two, "invite")["name"] == "Third"
    two.answer(True)
    for it in (one, two):
        hears(it, world.browser.hertz)
        wait_until(lambda it=it: it.decoded() >= 10, f"{it.name} decodes frames", 20)
    two.bye()
    happens(one, "terminated")
    over(server)


def test_gives_up_and_refuses(server, pages):
    one, two = pages(), pages("1004", "four")
    one.call("1004")
    happens(two, "invite")
    happens(one, "progress", status=180)
    one.cancel()
    happens(two, "cancel")
    happens(two, "terminated")
    happens(one, "terminated")
    one.call("1004")
    wait_until(lambda: sum(e["what"] == "invite" for e in two.events()) == 2, "it rings again")
    two.reject()
    wait_until(lambda: sum(e["what"] == "terminated" for e in one.events()) == 2, "it is told so")
    over(server)


@pytest.mark.parametrize("video", [False, True])
def test_simple(server, world, pages, video):
    me = pages(file="simple.html", video=video)
    other = pages("1004", "four")
    me.call(f"sip:600@{SERVER}")
    happens(me, "connected")
    hears(me, world.browser.hertz)
    me.mute()
    happens(me, "mute")
    silence(me)
    me.unmute()
    hears(me, world.browser.hertz)
    me.hold()
    happens(me, "hold")
    silence(me)
    me.unhold()
    happens(me, "unhold")
    hears(me, world.browser.hertz)
    me.hangup()
    happens(me, "ended")
    over(server)
    seen = len(me.events())
    other.call("1003", video)
    happens(me, "ringing", after=seen)
    me.answer()
    for it in (me, other):
        hears(it, world.browser.hertz)
    if video:
        wait_until(lambda: other.decoded() >= 10, "frames are decoded", 20)
    me.hangup()
    happens(other, "terminated")
    happens(me, "ended", after=seen)
    assert sum(e["what"] == "ended" for e in me.events()) == 2
    me.message(f"sip:1004@{SERVER}", "from Simple")
    happens(other, "message", body="from Simple")
    over(server)
