#!/usr/bin/env python3
"""One scenario after the other against packaged Asterisk and against Sidetone, and what differs.

    run.py --root DIR [--program build/sidetone] [--only PATTERN] [--record] [--found FILE] [--list]

Exit code 0: no difference besides those of accepted.tsv.
"""

import argparse
import ctypes
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import compare  # noqa: E402
import record  # noqa: E402
import scenario  # noqa: E402


def die_with_parent():
    """Linux: a worker whose run.py is gone has nobody to tell."""
    ctypes.CDLL(None).prctl(1, 9)


class Worker(threading.Thread):
    """A worker process in namespaces of its own."""

    def __init__(self, kind, program, names, at_once, place):
        super().__init__(daemon=True)
        self.kind, self.facts, self.dir = kind, {}, f"{place}/{kind}"
        os.makedirs(self.dir)
        argv = ["unshare", "-n", "-m", "-p", "-f", "--kill-child", "--mount-proc", sys.executable, f"{HERE}/worker.py", "--kind", kind,
                "--program", program, "--dir", self.dir, "--names", names, "--at-once", str(at_once)]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env={**os.environ, "LO": "yes"}, text=True,
                                        preexec_fn=die_with_parent)

    def run(self):
        for line in self.process.stdout:
            name, facts = json.loads(line)
            self.facts[name] = [(s, [(t, lines) for t, lines in items]) for s, items in facts]
        self.process.wait()


def choose(scenarios, only):
    if not only:
        return scenarios
    patterns = only.split(",")
    return [s for s in scenarios if any(fnmatch.fnmatchcase(s.name, p) or fnmatch.fnmatchcase(s.name.split("/")[1], p) or s.group == p
                                        for p in patterns)]


def show(facts):
    for stream, items in facts:
        print(f"  -- {stream}")
        for title, lines in items:
            print(f"     {title}")
            for line in lines:
                print(f"         {line}")


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--root", help="a peer root with Asterisk in it")
    args.add_argument("--program", default="build/sidetone")
    args.add_argument("--only", default="")
    args.add_argument("--at-once", type=int, default=12)
    args.add_argument("--record", action="store_true")
    args.add_argument("--show", action="store_true", help="print the facts of both")
    args.add_argument("--found", help="append the differences to this file")
    args.add_argument("--keep", help="a directory that stays, for files and logs")
    args.add_argument("--list", action="store_true")
    o = args.parse_args()
    scenarios, _ = scenario.load_all(HERE)
    chosen = choose(scenarios, o.only)
    if o.list:
        print("\n".join(s.name for s in chosen))
        return 0
    if not chosen or not o.root or os.geteuid() != 0:
        print("differential: needs root, --root DIR and a scenario", file=sys.stderr)
        return 2
    place = o.keep or tempfile.mkdtemp(prefix="differential-")
    if o.keep:
        shutil.rmtree(o.keep, ignore_errors=True)
        os.makedirs(o.keep)
    names = f"{place}/names"
    with open(names, "w", encoding="utf-8") as f:
        f.writelines(s.name + "\n" for s in chosen)
    began = time.monotonic()
    workers = [Worker("asterisk", os.path.abspath(o.root), names, o.at_once, place),
               Worker("sidetone", os.path.abspath(o.program), names, o.at_once, place)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    code = judge(chosen, workers[0].facts, workers[1].facts, o)
    print(f"{len(chosen)} scenarios in {time.monotonic() - began:.0f} s")
    if not o.keep:
        shutil.rmtree(place, ignore_errors=True)
    return code


def judge(chosen, asterisk, sidetone, o):
    accepted = compare.Accepted(f"{HERE}/accepted.tsv")
    bad, good, rows = 0, [], []
    for name in [s.name for s in chosen] + [n for n in list(asterisk) + list(sidetone) if n.startswith("(server)")]:
        if o.show:
            for kind, facts in (("asterisk", asterisk), ("sidetone", sidetone)):
                print(f"== {name}: {kind}")
                show(facts.get(name, []))
        found = list(compare.compare(name, asterisk.get(name, [("scenario", [("not played there", [])])]),
                                     sidetone.get(name, [("scenario", [("not played here", [])])])))
        left = [d for d in found if not accepted.covers(d)]
        rows += [(d.scenario, d.place, d.key, " | ".join(d.asterisk), " | ".join(d.sidetone)) for d in left]
        if left:
            bad += 1
            print(f"{name}: {len(left)} differences")
            for d in left:
                print(d)
        elif name in sidetone:
            good.append(name)
    if o.found:
        with open(o.found, "w", encoding="utf-8") as f:
            f.writelines("\t".join(r) + "\n" for r in rows)
    if o.record:
        record.write(f"{HERE}/expected", {n: sidetone[n] for n in good}, [s.name for s in chosen])
    if o.record:
        print(f"recorded: {len(good)}")
    unused = [r[:3] for r, n in zip(accepted.rows, accepted.used) if not n]
    if unused and not o.only:
        print("rows of accepted.tsv that no difference needed: " + "; ".join(" ".join(r) for r in unused))
    print(f"{bad} of {len(chosen)} scenarios differ, {len(rows)} differences; {sum(accepted.used)} accepted by {len(accepted.rows)} rows")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
