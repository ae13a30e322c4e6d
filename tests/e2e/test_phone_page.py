"""The phone on a page, /phone/, in Chromium: worked by its buttons and keys as its user does it."""

import re
import shutil
import tempfile

import pytest
from browser import HEARD, Browser, Net
from conftest import EXTENSIONS, accounts
from server import TOP, need
from waiting import wait_until

HTTP = f"""
[general]
enabled = yes
bindaddr = 127.0.0.1
bindport = 8088
phone_directory = {TOP}/build/web/phone
"""
PAGE = "http://127.0.0.1:8088/phone/"
WEB = """
[ws]
type = transport
protocol = ws
bind = 127.0.0.1
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
HIGH, HIGHER = 1000, 1500       # [Hz] of the desk phones
PLAYED = HEARD.replace("ELEMENTS", "audio")
# Each control of the page that can be seen, with the name that a screen reader says.
NAMELESS = """() => [...document.querySelectorAll('button, input, select, meter, a[href], video, [role=tab], [role=tabpanel], [role=log]')]
  .filter((n) => n.checkVisibility() && !(
    n.getAttribute('aria-label') || (n.getAttribute('aria-labelledby') || '').split(' ').some((id) => id && document.getElementById(id).textContent.trim())
    || (n.labels && [...n.labels].some((l) => l.textContent.trim())) || (n.tagName !== 'INPUT' && n.tagName !== 'SELECT' && n.textContent.trim())))
  .map((n) => n.outerHTML)"""


class World:
    """A network, a directory and a browser, for all tests."""

    def __init__(self):
        self.net = Net()
        self.dir = tempfile.mkdtemp(prefix="e2e-page-")
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
        it.browser = Browser(it.dir)
        yield it
    finally:
        it.close()


@pytest.fixture
def server(world, make_server):
    text = accounts(_1001="one", _1002="two") + WEB
    it = make_server({"pjsip.conf": text, "extensions.conf": EXTENSIONS + DIALPLAN, "http.conf": HTTP}).start()
    yield it
    it.stop()       # while its addresses are there


@pytest.fixture
def browser(server, world):
    yield world.browser
    world.browser.close_pages()
    requests = world.browser.tell(take="requests")
    assert not [r for r in requests if not r.startswith(PAGE) and not r.startswith("data:")], requests
    assert not world.browser.tell(take="faults")


class PhonePage:
    """One page. at("role=button[name='x']").click() is Playwright's."""

    def __init__(self, browser, name, query="", **options):
        self.browser, self.name, self.closed = browser, name, False
        browser.pages.append(self)
        browser.tell(page=name, open={"url": PAGE + query, **options})

    def act(self, act, *args, at=None):
        more = {"at": at} if at else {}
        return self.browser.tell(page=self.name, act=act, args=list(args), **more)

    def evaluate(self, script, *args):
        return self.act("evaluate", f"({script})({', '.join(args)})")

    def click(self, name, **kw):
        self.act("click", at=button(name, **kw))

    def fill(self, label, text):
        self.act("fill", text, at=f'internal:label="{label}"i')

    def press(self, keys):
        self.act("keyboard.press", keys)

    def shows(self, text, at="body", seconds=40):
        """TEXT is to be seen there."""
        def look():
            return text in self.act("innerText", at=at)
        wait_until(look, lambda: f"{self.name} shows {text!r} in {at}; it shows\n{self.act('innerText', at='body')}", seconds)

    def gone(self, text, at="body", seconds=40):
        wait_until(lambda: text not in self.act("innerText", at=at), lambda: f"{text!r} goes from {self.name}", seconds)

    def ready(self, seconds=40):
        self.shows("Ready: ", "#status", seconds)

    def login(self, account="1003", password="three"):
        self.fill("Account", account)
        self.act("fill", password, at="#password")
        self.act("click", at="#login button[type=submit]")
        return self

    def dial(self, number):
        self.act("fill", number, at="#number")
        self.act("click", at="#call")

    def hears(self, hertz, seconds=40):
        wait_until(lambda: abs(self.evaluate(PLAYED) - hertz) < hertz * 0.03 + 8,
                   lambda: f"{self.name} hears {hertz} Hz; it hears {self.evaluate(PLAYED)}", seconds, 0.1)

    def silence(self, seconds=40):
        wait_until(lambda: self.evaluate(PLAYED) == 0, f"{self.name} hears nothing", seconds, 0.1)

    def close(self):
        if not self.closed:
            self.browser.tell(page=self.name, close=True)
        self.closed = True


def button(name, nth=None):
    return f'role=button[name=/^{re.escape(name)}/]' + ("" if nth is None else f" >> nth={nth}")


def open_page(browser, account="1003", password="three", **options):
    it = PhonePage(browser, f"phone {account}", f"?account={account}", **options).login(account, password)
    it.ready()
    return it


def over(server):
    wait_until(lambda: "0 active channels" in server.ask("core show channels"), "all channels are gone")


def test_echo_hold_digits(server, browser):
    """Log in, dial 600, hear oneself, hold, resume, mute, end; digits reach the dialplan; all of it in the history."""
    me = open_page(browser)
    assert len(server.contacts("1003")) == 1
    me.dial("600")
    me.shows("Talking", "#calls")
    me.hears(browser.hertz)
    me.click("Hold")
    me.shows("On hold", "#calls")
    me.silence()
    me.click("Resume")
    me.shows("Talking", "#calls")
    me.hears(browser.hertz)
    me.click("Mute")
    me.silence()
    me.click("Unmute")
    me.hears(browser.hertz)
    wait_until(lambda: me.evaluate("() => document.querySelector('.levels meter').value") > 0.3, "the level of the microphone shows")
    me.click("End")
    me.shows("Ended after", "#calls")
    over(server)
    me.dial("602")
    me.shows("Talking", "#calls")
    me.click("Digits")
    for digit in ("1", "9", "hash"):
        me.act("click", at=f"#calls > [data-state=up] .pad button[aria-label='{digit}']")
    server.wait_log(r"digits 19\b")
    me.click("End")
    over(server)
    me.act("click", at="#tab-history")
    me.shows("602", "#history-list")
    me.shows("600", "#history-list")


def test_trace(server, browser):
    me = open_page(browser)
    me.act("click", at="#tab-trace")
    me.shows("REGISTER sip:127.0.0.1", "#ladder")
    me.shows("200 OK (REGISTER)", "#ladder")
    me.shows("401", "#ladder")
    text = me.evaluate("() => document.getElementById('ladder').textContent")
    assert 'Authorization: Digest' in text
    assert 'response="…"' in text and not re.search(r'\Wresponse="[0-9a-f]', text)


def test_errors_in_words(server, browser):
    me = PhonePage(browser, "phone wrong", "?account=1003").login(password="no")
    me.shows("rong account or password", "#login-fault")
    me.login().ready()
    assert me.act("isVisible", at="#trouble") is False
    me.dial("603")
    me.shows("Busy", "#calls")
    me.dial("99999")
    me.shows("Nobody has this number", "#calls")


def test_no_microphone(server, browser):
    me = open_page(browser)
    me.evaluate("""() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('none', 'NotFoundError')); }""")
    me.dial("600")
    me.shows("No microphone was found", "#trouble")
    me.shows("Ended", "#calls")
    over(server)


def test_reload_and_server_restart(server, browser):
    """What was asked to be remembered is, and nothing else; a server that comes back is found again."""
    me = open_page(browser)
    kept = me.evaluate("() => JSON.stringify(localStorage)")
    assert "three" not in kept
    me.click("Log out")
    me.act("check", at="#remember")
    me.login()
    me.ready()
    assert "three" not in me.evaluate("() => JSON.stringify(localStorage)")
    me.act("reload")
    assert me.act("inputValue", at="#account") == "1003"
    assert me.act("inputValue", at="#password") == ""
    me.act("check", at="#remember-password")
    me.login()
    me.ready()
    me.act("reload")
    me.ready()
    server.kill()
    me.shows("The server is gone", "#status")
    server.start()
    me.ready(60)
    me.dial("600")
    me.hears(browser.hertz)
    me.click("End")
    over(server)


def test_messages(server, browser):
    """They come and go; whoever asked to be remembered finds them again after a reload."""
    me, other = open_page(browser), open_page(browser, "1004", "four")
    me.click("Log out")
    me.act("check", at="#remember")
    me.login()
    me.ready()
    me.act("fill", "1004", at="#chat-peer")
    me.press("Enter")
    me.act("fill", "Grüße & <b>", at="#chat-text")
    me.press("Enter")
    other.shows("1003 – 1 new", "#chats")
    me.shows("sent", "#chat-log")
    other.act("click", at="#chats button")
    other.shows("Grüße & <b>", "#chat-log")
    other.act("fill", "back", at="#chat-text")
    other.press("Enter")
    me.shows("back", "#chat-log")
    me.act("reload")
    me.login()
    me.act("click", at="#chats button")
    me.shows("back", "#chat-log")


def test_lamps(server, browser):
    me = open_page(browser)
    me.act("click", at="#tab-settings")
    me.act("fill", "1004", at="#watched")
    me.press("Tab")
    other = open_page(browser, "1004", "four")
    me.shows("free", "#lamps")
    other.dial("600")
    me.shows("busy", "#lamps")
    other.click("End")
    me.shows("free", "#lamps")
    me.click("Call 1004: free")
    me.shows("rings", "#lamps")
    other.shows("Third (1003)", "#calls")
    other.click("Answer")
    me.shows("Talking", "#calls")
    me.click("End")
    over(server)


def test_missed_and_refused(server, browser):
    me, other = open_page(browser), open_page(browser, "1004", "four")
    me.dial("1004")
    other.shows("Calls you", "#calls")
    me.shows("Ringing", "#calls")
    me.click("End")
    other.shows("The caller gave up", "#calls")
    other.shows("1 missed", "#tab-history")
    me.dial("1004")
    other.click("Refuse")
    me.shows("Busy", "#calls")
    over(server)


def desk_phone(make_phone, server, user, password, hertz):
    need("baresip")
    it = make_phone(server, user, password, hertz=hertz)
    assert it.register_outcome() == "200 OK"
    return it


def test_transfers(server, browser, make_phone):
    """Blind, then attended by way of a second call."""
    first = desk_phone(make_phone, server, "1001", "one", HIGH)
    second = desk_phone(make_phone, server, "1002", "two", HIGHER)
    me = open_page(browser)
    me.dial("1001")
    first.wait_event("CALL_INCOMING")
    first.accept()
    me.hears(HIGH)
    me.click("Transfer")
    me.act("fill", "600", at="#calls > [data-state=up] form input")
    me.press("Enter")
    me.shows("Transferred to", "#calls")
    first.wait_hears(HIGH)
    first.hang_up()
    over(server)
    me.shows("No call", "#phone-view")
    me.dial("1001")
    first.wait_event("CALL_INCOMING")
    first.accept()
    me.hears(HIGH)
    me.click("Transfer")
    me.act("fill", "1002", at="#calls > [data-state=up] form input")
    me.click("Ask first")
    second.wait_event("CALL_INCOMING")
    second.accept()
    me.shows("On hold", "#calls")
    me.gone("put you on hold", "#said")
    me.click("Connect with 1002")
    first.wait_hears(HIGHER)
    second.wait_hears(HIGH)
    me.shows("No call", "#phone-view")
    first.hang_up()
    over(server)


def test_video(server, browser):
    me, other = open_page(browser), open_page(browser, "1004", "four")
    me.act("fill", "1004", at="#number")
    me.click("Call with video")
    other.click("Answer with video")
    for it in (me, other):
        wait_until(lambda it=it: it.evaluate("() => { const v = document.querySelector('.theirs'); return v && v.checkVisibility() && v.videoWidth"
                                             " > 0 && v.currentTime > 0; }"), f"{it.name} sees the other")
    me.click("Video off")
    me.hears(browser.hertz)
    me.click("End")
    over(server)


def test_keyboard_alone(server, browser):
    """From the empty page to a call and its end without a mouse."""
    me = PhonePage(browser, "keys", "?account=1003", viewport={"width": 360, "height": 640})
    assert me.evaluate("() => document.activeElement.id") == "password"
    me.act("keyboard.type", "three")
    me.press("Enter")
    me.ready()
    assert me.evaluate("() => document.activeElement.id") == "number"
    me.act("keyboard.type", "600")
    me.press("Enter")
    me.hears(browser.hertz)
    me.press("Alt+Shift+KeyH")
    me.shows("On hold", "#calls")
    me.press("Alt+Shift+KeyH")
    me.hears(browser.hertz)
    me.press("Alt+Shift+KeyM")
    me.shows("Muted", "#calls")
    me.press("Alt+Shift+KeyE")
    over(server)
    # A call that comes has the focus on its answer, when nobody is typing.
    other = open_page(browser, "1004", "four")
    me.evaluate("() => document.activeElement.blur()")
    other.dial("1003")
    wait_until(lambda: "Answer" in me.evaluate("() => document.activeElement.textContent"), "the focus is on the answer")
    me.shows("calls you", "#said")
    me.press("Enter")
    me.shows("Talking", "#calls")
    me.press("Alt+Shift+KeyE")
    over(server)
    assert me.evaluate("() => document.documentElement.scrollWidth") <= 360


def test_everything_has_a_name(server, browser):
    me = PhonePage(browser, "names", "?account=1003")
    assert not me.evaluate(NAMELESS)
    me.login().ready()
    me.dial("600")
    me.shows("Talking", "#calls")
    me.click("Digits")
    me.click("Transfer")
    for tab in ("messages", "history", "trace", "settings"):
        me.act("click", at=f"#tab-{tab}")
        assert not me.evaluate(NAMELESS), tab
    assert me.evaluate("() => document.querySelector('#said').getAttribute('aria-live')") == "polite"
    assert me.evaluate("() => [...document.querySelectorAll('[id]')].length === new Set([...document.querySelectorAll('[id]')].map((n) => n.id)).size")
    me.press("Home")
    me.act("focus", at="#tab-messages")
    me.press("ArrowRight")
    assert me.evaluate("() => document.activeElement.id") == "tab-history"
    me.click("End")
    over(server)


def test_dark_and_light(server, browser):
    colours = [PhonePage(browser, scheme, colorScheme=scheme).evaluate("() => getComputedStyle(document.body).backgroundColor")
               for scheme in ("light", "dark")]
    assert colours[0] != colours[1]


def test_between_pages(server, browser):
    me, other = open_page(browser), open_page(browser, "1004", "four")
    me.dial("1004")
    other.click("Answer")
    for it in (me, other):
        it.hears(browser.hertz)
    other.click("Hold")
    me.silence()
    other.click("Resume")
    me.hears(browser.hertz)
    me.click("End")
    over(server)
