#!/usr/bin/env python3
"""One scenario after the other against packaged Asterisk and against Sidetone, and what differs.

    run.py --root DIR [--program build/sidetone] [--only PATTERN] [--record] [--found FILE] [--list]

What differs, and what was played while the machine was busy, is played once more with less beside it; only what
differs then too is a difference. Exit code 0: no difference besides those of accepted.tsv.
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

AGAIN = 2           # how often what differs is played once more
AGAIN_AT_ONCE = 4
STEP = 50           # a line of progress each so many scenarios


def die_with_parent():
    """Linux: a worker whose run.py is gone has nobody to tell."""
    ctypes.CDLL(None).prctl(1, 9)


class Worker(threading.Thread):
    """A worker process in namespaces of its own."""

    def __init__(self, kind, program, names, at_once, place, progress):
        super().__init__(daemon=True)
        self.kind, self.facts, self.busy, self.dir, self.progress = kind, {}, set(), f"{place}/{kind}", progress
        os.makedirs(self.dir)
        argv = ["unshare", "-n", "-m", "-p", "-f", "--kill-child", "--mount-proc", sys.executable, f"{HERE}/worker.py", "--kind", kind,
                "--program", program, "--dir", self.dir, "--names", names, "--at-once", str(at_once)]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env={**os.environ, "LO": "yes"}, text=True,
                                        preexec_fn=die_with_parent)

    def run(self):
        for line in self.process.stdout:
            name, facts, busy = json.loads(line)
            self.facts[name] = [(s, [(t, lines) for t, lines in items]) for s, items in facts]
            if busy:
                self.busy.add(name)
            self.progress(self.kind, len(self.facts))
        self.process.wait()


class Both:
    """What both servers did in the scenarios played so far."""

    def __init__(self, o, place):
        self.o, self.place, self.rounds = o, place, 0
        self.asterisk, self.sidetone, self.busy = {}, {}, set()

    def play(self, names, at_once):
        """Play NAMES; what was known of them is replaced."""
        self.rounds += 1
        place, began = f"{self.place}/{self.rounds}", time.monotonic()
        os.makedirs(place)
        with open(f"{place}/names", "w", encoding="utf-8") as f:
            f.writelines(n + "\n" for n in names)

        def progress(kind, count):
            if count % STEP == 0:
                print(f"{time.monotonic() - began:5.0f} s  {kind}: {count} of {len(names)}", flush=True)
        workers = [Worker(kind, os.path.abspath(program), f"{place}/names", at_once, place, progress)
                   for kind, program in (("asterisk", self.o.root), ("sidetone", self.o.program))]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        self.busy = workers[0].busy | workers[1].busy
        for known, w in ((self.asterisk, workers[0]), (self.sidetone, workers[1])):
            for name in names:
                known.pop(name, None)
            known.update(w.facts)

    def differences(self, name):
        return list(compare.compare(name, self.asterisk.get(name, [("scenario", [("not played there", [])])]),
                                    self.sidetone.get(name, [("scenario", [("not played here", [])])])))

    def suspect(self, names, accepted):
        """Those of NAMES that differ and, where it would be recorded, those that were played on a busy machine."""
        return [n for n in names if any(not accepted.covers(d) for d in self.differences(n)) or (self.o.record and n in self.busy)]


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
    began = time.monotonic()
    both = Both(o, place)
    names = [s.name for s in chosen]
    both.play(names, o.at_once)
    for _ in range(AGAIN):
        suspect = both.suspect(names, compare.Accepted(f"{HERE}/accepted.tsv"))
        if not suspect:
            break
        print(f"{len(suspect)} scenarios are played again", flush=True)
        both.play(suspect, AGAIN_AT_ONCE)
    code = judge(names, both, o)
    print(f"{len(chosen)} scenarios in {time.monotonic() - began:.0f} s")
    if not o.keep:
        shutil.rmtree(place, ignore_errors=True)
    return code


def tell(name, both, left, show_all):
    if show_all:
        for kind, facts in (("asterisk", both.asterisk), ("sidetone", both.sidetone)):
            print(f"== {name}: {kind}")
            show(facts.get(name, []))
    if left:
        print(f"{name}: {len(left)} differences")
        for d in left:
            print(d)


def judge(names, both, o):
    accepted = compare.Accepted(f"{HERE}/accepted.tsv")
    good, rows, groups = [], [], {}
    servers = [n for n in list(both.asterisk) + list(both.sidetone) if n.startswith("(server)")]
    for name in names + servers:
        left = [d for d in both.differences(name) if not accepted.covers(d)]
        rows += [(d.scenario, d.place, d.key, " | ".join(d.asterisk), " | ".join(d.sidetone)) for d in left]
        tell(name, both, left, o.show)
        group = groups.setdefault(name.split("/")[0], [0, 0, 0])
        group[0] += 1
        group[1] += bool(left)
        group[2] += len(left)
        if not left and name in both.sidetone and name not in both.busy:
            good.append(name)
    if o.found:
        with open(o.found, "w", encoding="utf-8") as f:
            f.writelines("\t".join(r) + "\n" for r in rows)
    if o.record:
        differ = {r[0] for r in rows}
        record.write(f"{HERE}/expected", {n: both.sidetone[n] for n in good}, [n for n in names if n in differ or n in good])
        print(f"recorded: {len(good)}")
    unused = [r[:3] for r, n in zip(accepted.rows, accepted.used) if not n]
    if unused and not o.only:
        print("rows of accepted.tsv that no difference needed: " + "; ".join(" ".join(r) for r in unused))
    for group, (count, differ, differences) in sorted(groups.items()):
        print(f"{group:12} {count:4} scenarios, {differ:3} differ, {differences:4} differences")
    bad = sum(g[1] for g in groups.values())
    print(f"{bad} of {len(names)} scenarios differ, {len(rows)} differences; {sum(accepted.used)} accepted by {len(accepted.rows)} rows")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
