"""Two real phones talk through the server; a third is refused."""

import re

import pytest
from conftest import accounts
from server import need
from waiting import wait_until

LOW, HIGH = 440, 1000   # [Hz]


@pytest.fixture
def phones(server, make_phone):
    """1001 over UDP and 1002 over TCP, both registered."""
    need("baresip")
    one = make_phone(server, "1001", "one", hertz=LOW)
    two = make_phone(server, "1002", "two", hertz=HIGH, transport="tcp")
    assert one.register_outcome() == two.register_outcome() == "200 OK"
    return one, two


def talk(server, caller, callee, address=None):
    """A call from CALLER to CALLEE, in which each hears the other. ADDRESS: what to dial at."""
    caller.dial(f"sip:{callee.user}@{address or server.address}")
    callee.wait_event("CALL_INCOMING")
    caller.wait_event("CALL_RINGING")
    callee.accept()
    callee.wait_event("CALL_ESTABLISHED")
    caller.wait_event("CALL_ESTABLISHED")
    caller.wait_hears(callee.hertz)
    callee.wait_hears(caller.hertz)


def over(server, *phones):
    for phone in phones:
        phone.wait_event("CALL_CLOSED")
    wait_until(lambda: "0 active channels" in server.ask("core show channels"), "all channels are gone")


def test_registered_over_udp_and_tcp(server, phones):
    contacts = server.contacts()
    assert len(contacts["1001"]) == 1 and len(contacts["1002"]) == 1
    # The list cuts what is long: ";t" begins ";transport=tcp".
    assert ";t" not in contacts["1001"][0]
    assert ";t" in contacts["1002"][0]


def test_call_caller_hangs_up(server, phones):
    one, two = phones
    talk(server, one, two)
    one.hang_up()
    over(server, two)


def test_call_callee_hangs_up(server, phones):
    one, two = phones
    talk(server, one, two)
    two.hang_up()
    over(server, one)


def test_call_from_tcp_to_udp(server, phones):
    one, two = phones
    talk(server, two, one)
    one.hang_up()
    over(server, two)


def test_callee_refuses(server, phones):
    one, two = phones
    one.dial(f"sip:1002@{server.address}")
    two.wait_event("CALL_INCOMING")
    two.hang_up()
    over(server, one)


def test_caller_gives_up(server, phones):
    one, two = phones
    one.dial(f"sip:1002@{server.address}")
    two.wait_event("CALL_INCOMING")
    one.wait_event("CALL_RINGING")
    one.hang_up()
    over(server, two)


def offers(phone, direction):
    """How many re-INVITEs or answers of the phone's trace carry a=DIRECTION."""
    return len(re.findall(rf"^a={direction}\s*$", phone.trace(), re.M))


def test_hold_and_resume(server, phones):
    one, two = phones
    talk(server, one, two)
    one.send("hold")
    # The server's answer to a=sendonly (RFC 3264 section 8.4).
    wait_until(lambda: offers(one, "recvonly") + offers(one, "inactive"), "the hold is answered")
    two.wait_hears_not(LOW)
    one.send("resume")
    two.wait_hears(LOW)
    one.wait_arrives(HIGH)
    one.hang_up()
    over(server, two)


def test_echo(server, phones):
    one, _ = phones
    one.dial(f"sip:600@{server.address}")
    one.wait_event("CALL_ESTABLISHED")
    one.wait_hears(LOW)
    one.hang_up()
    wait_until(lambda: "0 active channels" in server.ask("core show channels"), "all channels are gone")


def test_unregister(server, phones):
    one, _ = phones
    one.close()
    wait_until(lambda: not server.contacts("1001"), "1001 has no contact")
    assert server.contacts("1002")


def test_wrong_password_is_told_nothing(make_server, make_phone):
    """Same answers for a wrong password and for a user that does not exist."""
    need("baresip")
    server = make_server({"pjsip.conf": accounts(_1001="one")}).start()
    said = {}
    for user, password in (("1001", "wrong"), ("1999", "wrong")):
        phone = make_phone(server, user, password)
        assert phone.register_outcome() != "200 OK"
        answers = re.findall(r"^SIP/2\.0 (\d+ .*?)\s*$", phone.trace(), re.M)
        said[user] = set(answers)
        assert said[user] <= {"401 Unauthorized", "403 Forbidden"}, answers
    assert said["1001"] == said["1999"]
    assert not server.contacts()
