"""kill -9 in the middle of 1,000 registrations per second: every contact that
was answered 200 is there after the restart."""

import os
import statistics

from conftest import EXTENSIONS, PJSIP
from load import Load, users_config
from server import free_port

ROUNDS = int(os.environ.get("KILL9_ROUNDS", "20"))
USERS = 1500
RATE = 1000


def read_contacts(path):
    """What was answered 200: {user: last contact}."""
    with open(path, encoding="ascii") as f:
        return dict(line.split() for line in f)


def register_until(load, enough):
    """Waits until ENOUGH are registered; gives the figures, and how many a second they were."""
    first = load.wait_for(lambda now: now["registered"] > 50)
    last = load.wait_for(lambda now: now["registered"] >= enough)
    return last, (last["registered"] - first["registered"]) / max(last["s"] - first["s"], 0.1)


def test_kill9_loses_no_contact(make_server, place):
    config = PJSIP + users_config(USERS).replace("{callee}", str(free_port()))
    server = make_server({"pjsip.conf": config, "extensions.conf": EXTENSIONS}, quiet=True).start()
    promised = {}       # what has to be there: {user: contact}
    rates = []          # [1/s] the first of them without a kill
    for number in range(ROUNDS + 1):
        path = f"{place}/contacts{number}"
        load = Load("register", server, "--users", USERS, "--rate", RATE, "--seconds", 60, "--warmup", 0, "--drain", 0,
                    "--tag", f"r{number}", "--contacts", path)
        try:
            # A different moment each time, within and between the commits.
            last, rate = register_until(load, 400 + 53 * number % 300 if number else 1000)
            rates.append(rate)
            if number:
                server.kill()
            load.end()
        finally:
            load.close()
        answered = read_contacts(path)
        # A user that registered twice stands there once.
        assert len(answered) >= min(last["registered"], USERS) * 0.9
        promised.update(answered)

        if number:
            server.start()
        there = server.contacts()
        lost = []
        for user, contact in promised.items():
            # A later one that was stored, and not answered any more, is as good.
            tags = [c.split("@")[0].rpartition("-r")[2] for c in there.get(user, [])]
            if not any(int(t) >= int(contact.split("@")[0].rpartition("-r")[2]) for t in tags if t.isdigit()):
                lost.append((user, contact, there.get(user)))
        assert not lost, f"round {number}: {len(lost)} of {len(promised)} contacts lost: {lost[:5]}"
        assert all(len(c) == 1 for c in there.values()), "remove_existing left two contacts"
    # Enough that each kill falls between others' commits. Compared with what this machine did
    # before the first kill: a slow machine is no fault.
    usual, typical = rates[0], statistics.median(rates[1:])
    assert typical > usual * 0.25, f"only {typical:.0f} registrations per second, {usual:.0f} before the kills"
