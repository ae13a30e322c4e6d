"""The attacks of `make attack` in a short form: each protection is there, the phones beside are
served, nothing is left. The numbers that must hold are those of the long form."""

import os
import subprocess
import sys

import pytest
from server import TOP, environment, program

PARTS = ["handshakes", "websockets", "frames", "hellos", "media", "stun"]


@pytest.mark.parametrize("part", PARTS)
def test_strangers(place, part):
    run = subprocess.run([sys.executable, f"{TOP}/tests/attack/attack.py", "--short", "--parts", part, "--program", program(),
                          "--directory", f"{place}/attack"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, timeout=180, check=False, env=environment())
    said = run.stdout.decode(errors="replace")
    print(said)
    assert run.returncode == 0 and f"{part}: " in said and "held" in said, said[-6000:]


def test_all_parts_are_here():
    said = subprocess.run([sys.executable, f"{TOP}/tests/attack/attack.py", "--help"], stdout=subprocess.PIPE, check=True,
                          env=os.environ).stdout.decode()
    assert ",".join(PARTS) in said.replace("\n", "").replace(" ", "")
