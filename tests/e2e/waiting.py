"""Waiting for something to become true: always with a deadline, never blind."""

import time


def wait_until(check, what, seconds=10.0, every=0.02):
    """Call CHECK until it gives something true, and give that. AssertionError
    that says WHAT was waited for when SECONDS are over."""
    until = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"waited {seconds:g} s in vain: {what() if callable(what) else what}")
        time.sleep(every)


def steady(value, what, quiet=0.3, seconds=5.0):
    """Wait until VALUE() has not changed for QUIET seconds, and give it."""
    last, since, until = value(), time.monotonic(), time.monotonic() + seconds
    while time.monotonic() - since < quiet:
        if time.monotonic() > until:
            raise AssertionError(f"still changing after {seconds:g} s: {what}")
        time.sleep(0.02)
        now = value()
        if now != last:
            last, since = now, time.monotonic()
    return last
