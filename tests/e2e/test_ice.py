"""Calls of real phones with ICE. A phone has no candidates on loopback alone, so these tests run in a network
namespace with a pair of virtual interfaces: each is run there by the one test that is seen from outside."""

import os
import re
import subprocess
import sys

import pytest
from conftest import ACCOUNT, PJSIP
from server import need
from waiting import wait_until

HOST = "10.9.0.1"
INSIDE = os.environ.get("ICE_TEST_NAMESPACE") == "1"
inside = pytest.mark.skipif(not INSIDE, reason="runs in a namespace, by test_in_a_namespace")

SETUP = f"""ip link set lo up && ip link add d0 type veth peer name d1 && ip addr add {HOST}/24 dev d0 &&
ip link set d0 up && ip link set d1 up && exec "$@" """


@pytest.mark.skipif(INSIDE, reason="this is the namespace")
def test_in_a_namespace():
    need("baresip")
    if subprocess.run(["unshare", "-rn", "true"], check=False).returncode:
        pytest.skip("no network namespaces here")
    run = subprocess.run(["unshare", "-rn", "sh", "-c", SETUP, "sh", sys.executable, "-m", "pytest", "-q", "-x", __file__],
                         env={**os.environ, "ICE_TEST_NAMESPACE": "1"}, capture_output=True, text=True, timeout=150,
                         check=False)
    assert run.returncode == 0, run.stdout[-6000:]
    assert "passed" in run.stdout, run.stdout


@pytest.fixture
def ice_server(make_server):
    text = PJSIP.replace("127.0.0.1", HOST).replace("rtp_symmetric = yes", "rtp_symmetric = yes\nice_support = yes")
    text += "".join(ACCOUNT.format(user=u, password=p) for u, p in (("1001", "one"), ("1002", "two")))
    return make_server({"pjsip.conf": text}).start()


class At:
    """Where the phones find a server that is not on loopback."""

    def __init__(self, server):
        self.address = f"{HOST}:{server.port}"


@pytest.fixture
def ice_phones(ice_server, make_phone):
    more = {"interface": "d0", "modules": ("stun", "turn", "ice"), "account": ";medianat=ice"}
    one = make_phone(At(ice_server), "1001", "one", hertz=440, **more)
    two = make_phone(At(ice_server), "1002", "two", hertz=1000, **more)
    assert one.register_outcome() == two.register_outcome() == "200 OK"
    return one, two


def checked(phone):
    """The phone's ICE says that its checks are through."""
    return re.search(r"mnat 'ice' connected", phone.trace())


@inside
def test_echo_over_ice(ice_server, ice_phones):
    one, _ = ice_phones
    one.dial(f"sip:600@{HOST}:{ice_server.port}")
    one.wait_event("CALL_ESTABLISHED")
    one.wait_hears(440)
    wait_until(lambda: checked(one), "the checks are through")
    assert "a=ice-ufrag" in one.trace() and "typ host" in one.trace()
    one.hang_up()
    wait_until(lambda: "0 active channels" in ice_server.ask("core show channels"), "all channels are gone")


@inside
def test_two_phones_over_ice(ice_server, ice_phones):
    one, two = ice_phones
    one.dial(f"sip:1002@{HOST}:{ice_server.port}")
    two.wait_event("CALL_INCOMING")
    two.accept()
    one.wait_event("CALL_ESTABLISHED")
    one.wait_hears(1000)
    two.wait_hears(440)
    wait_until(lambda: checked(one) and checked(two), "the checks of both are through")
    two.hang_up()
    one.wait_event("CALL_CLOSED")
