"""User agents over WebSocket: registered and called by their connection, with and without TLS, at a
transport's own port and where http.conf says; and a second server as trunk."""

import re

import pytest
from certificates import Authority
from conftest import PJSIP, accounts
from server import free_port, need
from waiting import wait_until
from websocket import SDP, Page, Refused, WebSocket

OWN = """
[ws]
type = transport
protocol = ws
bind = 127.0.0.1:{ws}
websocket_origins = https://good.example
[wss]
type = transport
protocol = wss
bind = 127.0.0.1:{wss}
cert_file = {cert}
priv_key_file = {key}
"""


class Place:
    def __init__(self, directory):
        self.authority = Authority(f"{directory}/certificates")
        self.cert, self.key = self.authority.sign("server")
        self.ws, self.wss = free_port(), free_port()
        self.ca = self.authority.path


@pytest.fixture
def web(place):
    return Place(place)


@pytest.fixture
def own(make_server, web):
    """A server with WebSocket at ports of its own."""
    text = accounts(_1001="one", _1002="two") + OWN.format(**vars(web))
    return make_server({"pjsip.conf": text}).start()


@pytest.fixture(params=["ws", "wss"])
def page(own, web, request):
    """1001, registered."""
    secure = request.param == "wss"
    page = Page(WebSocket(web.wss if secure else web.ws, ca=web.ca if secure else None), "1001")
    page.port = web.wss if secure else web.ws
    assert page.register("one").status == 200
    yield page
    page.ws.close()


def test_called_by_its_connection(own, page, make_phone):
    need("baresip")
    phone = make_phone(own, "1002", "two")
    assert phone.register_outcome() == "200 OK"
    phone.dial(f"sip:1001@{own.address}")
    invite = page.next_request()
    assert invite.startswith("INVITE sip:1001@df7jal23ls0d.invalid;transport=ws SIP/2.0\r\n"), invite
    assert re.search(rf"^Via: SIP/2.0/{page.transport} 127.0.0.1:{page.port};", invite, re.M), invite
    assert re.search(rf"^Contact: <sip:\S+@127.0.0.1:{page.port};transport=ws>", invite, re.M), invite
    page.respond(invite, 180, "Ringing")
    phone.wait_event("CALL_RINGING")
    page.respond(invite, 200, "OK", "Content-Type: application/sdp\r\n", SDP.format(port=free_port()))
    assert page.next_request().startswith("ACK ")
    phone.wait_event("CALL_ESTABLISHED")
    phone.hang_up()
    bye = page.next_request()
    assert bye.startswith("BYE ")
    page.respond(bye, 200, "OK")
    wait_until(lambda: "0 active channels" in own.ask("core show channels"), "all channels are gone")


def test_calls(own, page):
    sdp = SDP.format(port=free_port())
    uri = "sip:600@localhost"
    answer = page.ask("INVITE", uri, "one", "Content-Type: application/sdp\r\n", sdp)
    assert answer.status == 200, answer.text
    assert "PCMU" in answer.body
    target = answer.contacts[0]
    assert target == f"sip:127.0.0.1:{page.port};transport=ws", answer.text
    page.ack(target, answer, cseq=2)
    tag = re.search(r";tag=[^;\s]+", answer.headers["to"]).group()
    page.request("BYE", target, cseq=3, call_id=page.call_id, from_tag=page.from_tag, to_tag=tag)
    assert page.answer().status == 200
    wait_until(lambda: "0 active channels" in own.ask("core show channels"), "all channels are gone")


def test_a_page_that_is_gone(own, web, page, make_phone):
    """Its connection was the only way: the call fails at once, and a new connection is the way again."""
    need("baresip")
    phone = make_phone(own, "1002", "two")
    assert phone.register_outcome() == "200 OK"
    page.ws.close()
    phone.dial(f"sip:1001@{own.address}")
    phone.wait_event("CALL_CLOSED")
    again = Page(WebSocket(page.port, ca=web.ca if page.ws.secure else None), "1001")
    assert again.register("one").status == 200
    phone.dial(f"sip:1001@{own.address}")
    again.respond(again.next_request(), 486, "Busy Here")
    phone.wait_event("CALL_CLOSED")
    again.ws.close()


def test_who_may_connect(own, web):
    WebSocket(web.ws, origin="https://good.example").close()
    WebSocket(web.ws, path="/").close()      # at a port of its own any path will do
    for options, status in (({"origin": "https://evil.example"}, 403), ({"protocol": "chat"}, 400)):
        with pytest.raises(Refused, match=str(status)):
            WebSocket(web.ws, **options)


def test_http_conf(make_server, web):
    http = f"""
[general]
enabled = yes
bindaddr = 127.0.0.1
bindport = {web.ws}
prefix = asterisk
tlsenable = yes
tlsbindaddr = 127.0.0.1:{web.wss}
tlscertfile = {web.cert}
tlsprivatekey = {web.key}
tlscipher = ECDHE-ECDSA-AES128-GCM-SHA256
"""
    transports = "".join(f"[{p}]\ntype = transport\nprotocol = {p}\nbind = 0.0.0.0\nallow_reload = yes\n" for p in ("ws", "wss"))
    server = make_server({"pjsip.conf": accounts(_1001="one") + transports, "http.conf": http}).start()
    for port, ca in ((web.ws, None), (web.wss, web.ca)):
        page = Page(WebSocket(port, path="/asterisk/ws", ca=ca), "1001")
        if ca:
            assert page.ws.sock.cipher()[0] == "ECDHE-ECDSA-AES128-GCM-SHA256"
        assert page.register("one").status == 200
        page.ws.close()
        with pytest.raises(Refused, match="404"):
            WebSocket(port, ca=ca)
    # A certificate that is replaced is used without a reload here too.
    web.authority.sign("server", subject="renewed")

    def subject():
        ws = WebSocket(web.wss, path="/asterisk/ws", ca=web.ca)
        found = dict(pair[0] for pair in ws.sock.getpeercert()["subject"])["commonName"]
        ws.close()
        return found
    wait_until(lambda: subject() == "renewed", "the new certificate is shown")
    # Another prefix, and then nothing.
    server.write("http.conf", http.replace("prefix = asterisk", ""))
    server.ask("module reload res_pjsip.so")
    WebSocket(web.ws).close()
    server.write("http.conf", http.replace("enabled = yes", "enabled = no"))
    server.ask("module reload res_pjsip.so")
    with pytest.raises(ConnectionRefusedError):
        WebSocket(web.ws)


def test_http_conf_that_is_not_there(make_server):
    transports = "".join(f"[{p}]\ntype = transport\nprotocol = {p}\nbind = 0.0.0.0\n" for p in ("ws", "wss"))
    server = make_server({"pjsip.conf": PJSIP + transports}).start()
    server.wait_log("transport 'ws' does not listen: give its bind= a port, or say enabled=yes in http.conf")
    server.wait_log("transport 'wss' does not listen: give its bind= a port, or say enabled=yes and tlsenable=yes in http.conf")


@pytest.mark.parametrize("proto", ["ws", "wss"])
def test_a_trunk_over_websocket(make_server, own, web, proto):
    """Both ends are ours: the other one registers, and is called by its connection."""
    client = make_server({"pjsip.conf": PJSIP + f"""
[{proto}]
type = transport
protocol = {proto}
bind = 127.0.0.1:{free_port()}
cert_file = {web.cert}
priv_key_file = {web.key}
verify_server = yes
ca_list_file = {web.ca}
[out]
type = registration
max_random_initial_delay = 0
server_uri = sip:127.0.0.1:{getattr(web, proto)}\\;transport={proto}
client_uri = sip:1001@127.0.0.1
contact_user = 600
outbound_auth = out
[out]
type = auth
username = 1001
password = one
[trunk](phone)
aors = trunk
[trunk]
type = aor
contact = sip:127.0.0.1:{getattr(web, proto)}\\;transport={proto}
[trunk]
type = identify
endpoint = trunk
match = 127.0.0.1
"""}).start()
    wait_until(lambda: own.contacts("1001"), "the trunk is registered", 30)
    own.ask("channel originate PJSIP/1001 extension 600@phones")
    wait_until(lambda: "2 active channels" in own.ask("core show channels") or "PJSIP/trunk" in client.ask("core show channels"),
               "the call is up")
    assert "PJSIP/trunk" in client.ask("core show channels")
    own.ask("channel request hangup all")
    wait_until(lambda: "0 active channels" in client.ask("core show channels"), "all channels are gone")
