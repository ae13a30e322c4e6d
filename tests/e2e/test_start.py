"""How the program starts: what asterisk.conf says of foreground, background, terminal and priority."""

import os
import subprocess

import pytest

from server import environment, program
from waiting import wait_until


def launch(server, options, *flags):
    with open(server.conf, encoding="utf-8") as f:
        text = f.read()
    server.write("asterisk.conf", text.replace("[options]", "[options]\n" + options) if "[options]" in text else
                 text + "\n[options]\n" + options)
    with open(server.output, "ab") as out:
        server.process = subprocess.Popen([program(), *flags, "-C", server.conf], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                          cwd=server.dir, env=environment())
    return server


def up(server):
    return os.path.exists(f"{server.dir}/run/asterisk.ctl") and "fully booted" in server.console("core waitfullybooted")[1]


def test_nofork_stays(make_server):
    server = launch(make_server(), "nofork=yes\n")
    wait_until(lambda: up(server), server.log, 60)
    assert server.process.poll() is None


def test_alwaysfork_goes(make_server):
    server = launch(make_server(), "alwaysfork=yes\n", "-f")
    assert server.process.wait(30) == 0
    server.process = None
    wait_until(lambda: up(server), server.log, 60)
    server.console("core stop now")
    wait_until(lambda: not os.path.exists(f"{server.dir}/run/asterisk.ctl"), server.log, 30)


def test_console_logs_to_the_terminal(make_server):
    server = launch(make_server(), "console=yes\n")
    wait_until(lambda: up(server), server.log, 60)
    assert server.process.poll() is None
    with open(server.output, encoding="utf-8", errors="replace") as f:
        assert "NOTICE" in f.read() or "WARNING" in f.read()


def test_high_priority(make_server):
    server = launch(make_server(), "highpriority=yes\n", "-f")
    wait_until(lambda: up(server), server.log, 60)
    with open(server.output, encoding="utf-8", errors="replace") as f:
        if "is not granted" in f.read():
            pytest.skip("realtime priority is not granted here")
    assert os.sched_getscheduler(server.process.pid) == os.SCHED_RR
