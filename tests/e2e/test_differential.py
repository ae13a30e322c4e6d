"""What Asterisk and Sidetone were seen to do alike (tests/differential), asked of Sidetone alone."""

import json
import os
import subprocess
import sys

from server import TOP, environment, free_port, program

HERE = f"{TOP}/tests/differential"
sys.path.insert(0, HERE)

import compare  # noqa: E402
import record  # noqa: E402
import scenario  # noqa: E402

SHARE = int(os.environ.get("DIFFERENTIAL_SHARE", "1"))      # one scenario of so many


def play(place, names, at_once):
    """The facts of the scenarios NAMES, by the program under test."""
    os.makedirs(place, exist_ok=True)
    path = f"{place}/names"
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(n + "\n" for n in names)
    argv = [sys.executable, f"{HERE}/worker.py", "--kind", "sidetone", "--program", program(), "--dir", place, "--names", path,
            "--at-once", str(at_once), "--port", str(free_port()), "--manager-port", str(free_port())]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environment(), timeout=540, check=True, text=True)
    facts = {}
    for line in done.stdout.splitlines():
        name, streams, _ = json.loads(line)
        facts[name] = [(s, [(record.clean(t), [record.clean(x) for x in lines]) for t, lines in items]) for s, items in streams]
    return facts


def differences(expected, facts, names):
    missing = [("scenario", [("not played", [])])]
    out = {}
    for name in names:
        found = list(compare.compare(name, expected[name], facts.get(name, missing)))
        if found:
            out[name] = found
    for name, streams in facts.items():
        if name.startswith("(server)"):
            out[name] = [str(streams)]
    return out


def test_as_recorded(place):
    """Each recorded scenario comes out as it did beside Asterisk. What differs is played again, with less
    beside it, then alone: a machine that is busy may let a state of a device be seen that else is over at once."""
    expected = record.read(f"{HERE}/expected")
    known, _ = scenario.load_all(HERE)
    names = [s.name for s in known if s.name in expected]
    assert set(expected) == set(names), f"expected, and no scenario: {sorted(set(expected) - set(names))}"
    names = names[::SHARE]
    wrong = differences(expected, play(f"{place}/all", names, 12), names)
    for at_once in (2, 1) if len(wrong) < 40 else ():
        again = [n for n in wrong if n in expected]
        left = differences(expected, play(f"{place}/{at_once}", again, at_once), again) if again else {}
        wrong = {n: d for n, d in wrong.items() if n not in expected or n in left}
    text = "\n".join(f"{n}\n" + "\n".join(str(d) for d in list_) for n, list_ in list(wrong.items())[:10])
    assert not wrong, f"{len(wrong)} of {len(names)} scenarios (asterisk: as expected, sidetone: now)\n{text}"
