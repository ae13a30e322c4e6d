"""Two servers of ours with a trunk over TLS and over WSS between them: the second registers, and a phone at either
end calls the other."""

import pytest
from certificates import Authority
from conftest import ACCOUNT, PJSIP
from server import free_port, need
from test_baresip import HIGH, LOW, over
from waiting import wait_until

TRANSPORT = """
[global](+)
endpoint_identifier_order = username,ip
[trunk]
type = transport
protocol = {proto}
bind = 127.0.0.1:{port}
cert_file = {cert}
priv_key_file = {key}
verify_server = yes
ca_list_file = {ca}
"""
FIRST = """
[2000](phone)
auth = 2000
aors = 2000
media_encryption = sdes
[2000]
type = auth
username = 2000
password = trunk
[2000](line)
"""
SECOND = """
[out]
type = registration
max_random_initial_delay = 0
server_uri = sip:127.0.0.1:{far}\\;transport={proto}
client_uri = sip:2000@127.0.0.1
contact_user = 1002
outbound_auth = out
retry_interval = 1
[out]
type = auth
username = 2000
password = trunk
[first](phone)
aors = first
from_user = 2000
outbound_auth = out
media_encryption = sdes
[first]
type = aor
contact = sip:127.0.0.1:{far}\\;transport={proto}
[first]
type = identify
endpoint = first
match = 127.0.0.1
"""
EXTENSIONS = """
[phones]
exten => 1001,1,Verbose(0,secure ${{CHANNEL(secure_signaling)}}${{CHANNEL(secure_media)}})
 same => n,Dial(PJSIP/{to_1001},30)
exten => 1002,1,Verbose(0,secure ${{CHANNEL(secure_signaling)}}${{CHANNEL(secure_media)}})
 same => n,Dial(PJSIP/{to_1002},30)
"""


@pytest.fixture(params=["tls", "wss"])
def trunk(make_server, place, request):
    """Both servers; the second is registered with the first."""
    authority = Authority(f"{place}/certificates")
    cert, key = authority.sign("server")
    ports = free_port(), free_port()

    def transport(port):
        return TRANSPORT.format(proto=request.param, port=port, cert=cert, key=key, ca=authority.path)

    first = make_server({
        "pjsip.conf": PJSIP + transport(ports[0]) + FIRST + ACCOUNT.format(user="1001", password="one"),
        "extensions.conf": EXTENSIONS.format(to_1001="1001", to_1002="2000")}).start()
    second = make_server({
        "pjsip.conf": PJSIP + transport(ports[1]) + SECOND.format(far=ports[0], proto=request.param)
        + ACCOUNT.format(user="1002", password="two"),
        "extensions.conf": EXTENSIONS.format(to_1001="1001@first", to_1002="1002"),
        "rtp.conf": "[general]\nrtpstart = 36000\nrtpend = 37999\n"}).start()
    wait_until(lambda: first.contacts("2000"), "the trunk is registered", 30)
    return first, second


def test_calls_both_ways(trunk, make_phone):
    need("baresip")
    first, second = trunk
    one = make_phone(first, "1001", "one", hertz=LOW)
    two = make_phone(second, "1002", "two", hertz=HIGH)
    assert one.register_outcome() == two.register_outcome() == "200 OK"
    for caller, callee, server in ((one, two, first), (two, one, second)):
        caller.dial(f"sip:{callee.user}@{server.address}")
        callee.wait_event("CALL_INCOMING")
        callee.accept()
        caller.wait_event("CALL_ESTABLISHED")
        caller.wait_hears(callee.hertz)
        callee.wait_hears(caller.hertz)
        caller.hang_up()
        over(first, callee)
        over(second)
    # What came by the trunk was encrypted, what came from the phones was not.
    for server in trunk:
        assert "secure 11" in server.log() and "secure 0" in server.log()
