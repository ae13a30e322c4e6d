"""One run: a server, its workers, what is done to it meanwhile, and what is left."""

import json
import multiprocessing
import os
import random
import time

import settings
import workers
from daemon import Daemon
from reactor import DOWN, OVER, UP
from shared import Shared, read_events

DRAIN = 72.0            # [s] a 2xx that is never acknowledged (timer L), then its BYE that is never answered (timer F)
FLAT_AFTER = 600.0      # [s] from which on memory and descriptors must not grow
RELOADS = ("core reload", "core reload", "pjsip reload", "dialplan reload")
SHORT = ("Playback", "SayDigits", "SayNumber", "Playtones", "SendDTMF")
STUCK_PLAYING = 12.0    # [s]
OLD = 60                # [s] no call of the soak is meant to last as long
GROWTH = 0.10           # how much of the memory may have come since then


class Run:
    """PLAN: [(kind, how many processes)]. O: the options of soak.py."""

    def __init__(self, o, directory, plan, name):
        self.o, self.directory, self.name = o, directory, name
        self.rng = random.Random(f"{o.seed}:{name}")
        os.makedirs(directory, exist_ok=True)
        self.variant = 0
        self.daemon = Daemon(f"{directory}/server", o.program, o.port, settings.files(0, o))
        total = sum(n for _, n in plan)
        self.shared = Shared(total)
        self.processes = []
        self.plan = plan
        self.faults, self.kills, self.samples, self.restarts = [], 0, [], []
        self.killed = set()             # generations that we ended
        self.results, self.left, self.reloads, self.worst_reload = {}, {}, 0, 0.0
        self.health, self.starved = {}, 0.0
        self.playing, self.told, self.aged = {}, set(), 0
        self.drain = True               # wait at the end for what timers still hold
        self.began = time.monotonic()
        self.took = 0.0

    def fault(self, kind, text, frames=()):
        self.faults.append({"at": round(time.monotonic() - self.began, 1), "kind": kind, "text": text, "frames": list(frames)})
        same = sum(f["kind"] == kind and f["frames"][:2] == list(frames)[:2] for f in self.faults)
        if same > 3 and not self.o.verbose:
            return
        print(f"  fault after {self.faults[-1]['at']} s: {kind}: {text.splitlines()[0][:150]}" +
              (f" [{' < '.join(frames[:4])}]" if frames else ""), flush=True)

    # -- workers ----------------------------------------------------------------
    def begin_workers(self):
        context = multiprocessing.get_context("fork")
        index = 0
        for kind, count in self.plan:
            for number in range(count):
                ours, theirs = context.Pipe(False)
                c = workers.Context(self.shared, index, kind, number, ("127.0.0.1", self.o.port), self.o.seed, self.directory,
                                    self.o)
                p = context.Process(target=workers.main, args=(c, theirs), daemon=True)
                p.start()
                theirs.close()
                self.processes.append((kind, number, p, ours))
                index += 1

    def wait_workers(self, state, seconds=5.0):
        """Until each has heard of the new state; the canary may be in the middle of a call."""
        until = time.monotonic() + seconds
        for i, (kind, _, p, _) in enumerate(self.processes):
            while kind != "canary" and p.is_alive() and self.shared.acks[i] != state and time.monotonic() < until:
                time.sleep(0.005)

    def collect(self):
        self.shared.state.value = OVER
        until = time.monotonic() + 30
        for kind, number, p, pipe in self.processes:
            name = f"{kind}{number}"
            try:
                if pipe.poll(max(0.1, until - time.monotonic())):
                    self.results[name] = pipe.recv()
            except EOFError:
                pass
            if name not in self.results:
                self.fault("driver", f"the worker {name} did not report")
                p.kill()
            p.join(5)

    # -- the server's life --------------------------------------------------------
    def boot(self):
        """Start it, and tell the workers which contacts it has."""
        began = time.monotonic()
        self.daemon.start()
        at = time.monotonic()
        found = self.daemon.contacts()
        generation = self.shared.generation.value + 1
        if found is None:
            self.fault("console", "no answer to `pjsip show contacts` after the start")
        else:
            with open(f"{self.directory}/contacts-{generation}.json", "w", encoding="utf-8") as f:
                json.dump({"at": at, "contacts": {k: sorted(v) for k, v in found.items()}}, f)
        self.restarts.append(round(at - began, 2))
        # How many threads there are changes with the configuration of each start.
        self.idle_fds = self.daemon.descriptors()
        self.since = time.monotonic()
        self.shared.generation.value = generation
        self.shared.state.value = UP
        self.wait_workers(UP)

    def kill(self):
        """kill -9, and start again."""
        self.kills += 1
        self.shared.crashed.value = 0
        self.killed.add(self.shared.generation.value)
        self.daemon.kill()
        self.down()

    def down(self):
        self.shared.state.value = DOWN
        self.wait_workers(DOWN)
        self.boot()

    def look(self):
        """Has it ended by itself?"""
        if not self.daemon.ended():
            return
        code = self.daemon.process.returncode
        self.tell_reports(f"the server ended with {code}")
        self.shared.crashed.value = 1
        try:
            os.unlink(f"{self.daemon.dir}/run/asterisk.ctl")
        except FileNotFoundError:
            pass
        self.down()

    def tell_reports(self, ended=""):
        """Faults of what the sanitizers and the exit code say."""
        reports = self.daemon.reports()
        for what, frames, text in reports:
            path = f"{self.directory}/report-{len(self.faults)}.txt"
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            self.fault("sanitizer", f"{what} ({path})", frames)
        if ended and not reports:
            self.fault("ended", f"{ended}: {self.daemon.log()[-300:]}")

    def reload(self, variant=None, quiet=False):
        """Another configuration, read through the console."""
        self.variant = self.rng.randrange(6 * len(settings.KINDS)) if variant is None else variant
        files = settings.files(self.variant, self.o)
        if quiet:
            files["pjsip.conf"] = settings.fill(settings.pjsip(self.variant, qualify=False), self.o)
        for name, text in files.items():
            self.daemon.write(name, text)
        began = time.monotonic()
        said = self.daemon.say("core reload" if quiet else self.rng.choice(RELOADS), 15)
        took = time.monotonic() - began
        self.reloads += 1
        self.worst_reload = max(self.worst_reload, took)
        if said is None:
            time.sleep(0.5)             # it may be writing its last words
        if said is None and not self.daemon.ended():
            self.fault("stuck", f"no answer to a reload in {took:.1f} s")

    def look_for_stuck(self):
        """A sound of the soak lasts a second or two: a channel that plays for much longer
        waits for what will not come. Calls whose walk left without a word would stay for
        ever and hide what leaks: they are ended as an operator would."""
        playing = set()
        for row in (self.daemon.say("core show channels concise") or "").splitlines():
            part = row.split("!")
            if len(part) < 12:
                continue
            if part[5] in SHORT:
                playing.add((part[0], part[5]))
            if part[11].isdigit() and int(part[11]) > OLD:
                self.aged += 1
                self.daemon.say(f"channel request hangup {part[0]}")
        now = time.monotonic()
        self.playing = {key: self.playing.get(key, now) for key in playing}
        for key, since in self.playing.items():
            if now - since > STUCK_PLAYING and key not in self.told:
                self.told.add(key)
                self.fault("stuck", f"channel {key[0]} has been in {key[1]}() for {now - since:.0f} s")
                if self.shared.traces.value < 10:
                    self.shared.traces.value += 1
                    with open(f"{self.directory}/stuck-{self.shared.traces.value}.txt", "w", encoding="utf-8") as f:
                        f.write(self.daemon.say(f"core show channel {key[0]}") or "")

    def sample(self):
        self.look_for_stuck()
        self.samples.append({"s": round(time.monotonic() - self.began, 1), "up": round(time.monotonic() - self.since, 1),
                             "generation": self.shared.generation.value, "rss": self.daemon.rss(), "fds": self.daemon.descriptors()})

    # -- the whole -------------------------------------------------------------------
    def go(self, seconds, kills, reload_every, enough=None):
        """Run for SECONDS with KILLS in their first part; ENOUGH() ends it before."""
        self.begin_workers()
        self.boot()
        self.empty = {"fds": self.daemon.descriptors(), "rss": self.daemon.rss()}
        start = time.monotonic()
        # The last part of a long run stays undisturbed, for memory.
        last = seconds if seconds < 2 * FLAT_AFTER else seconds * 0.45
        due = {"kill": last / (kills + 1) if kills else 0, "reload": reload_every, "sample": 1.0, "progress": 10.0}
        gap = dict(due, sample=5.0, progress=30.0)
        while time.monotonic() - start < seconds and not (enough and enough()):
            time.sleep(0.05)
            now = time.monotonic() - start
            self.look()
            for what, at in due.items():
                if not gap[what] or now < at:
                    continue
                due[what] += gap[what] * (self.rng.uniform(0.6, 1.4) if what == "reload" else 1)
                if what == "kill" and self.kills < kills:
                    self.kill()
                elif what == "reload":
                    self.reload()
                elif what == "sample":
                    self.sample()
                elif what == "progress" and self.o.verbose:
                    s = self.samples[-1] if self.samples else {}
                    print(f"  {now:6.0f} s: channels {self.daemon.channels()}, memory {s.get('rss', 0) // 1024} MB, "
                          f"descriptors {s.get('fds')}, faults {len(self.faults)}", flush=True)
        self.took = time.monotonic() - start
        self.sample()
        self.end()

    def end(self):
        """Stop the load, let all timers run out, and look at what is left."""
        self.look()
        self.reload(quiet=True)
        self.collect()
        self.look()
        self.health, self.starved = self.daemon.health(), self.daemon.starved()
        self.counters = self.daemon.counters()
        start = time.monotonic()
        until = start + (DRAIN if self.drain else 0)
        self.daemon.say("channel request hangup all")
        while time.monotonic() < until and not self.daemon.ended():
            left = self.remains()
            if not any(left.values()):
                break
            time.sleep(0.5)
            if self.drain and left["channels"] and time.monotonic() > until - DRAIN / 2:
                self.daemon.say("channel request hangup all")
                # What a late hangup asks of a peer that is gone takes its 32 s too.
                until = max(until, min(time.monotonic() + 34, start + 2 * DRAIN))
        self.settle()
        self.look()
        self.left = self.remains() if self.drain else {}
        if any(self.left.values()):
            self.keep_evidence()
        for what, n in self.left.items():
            if n is None:
                self.fault("console", f"does not tell how many {what} there are")
            elif n > 0 and self.o.build != "tsan":
                self.fault("left over", f"{n} {what} {DRAIN:g} s after the end of the load")
        self.last = {"fds": self.daemon.descriptors(), "rss": self.daemon.rss()}
        code = self.daemon.finish()
        self.tell_reports()
        if code is None:
            self.fault("stuck", "does not stop")
        elif code and not any(f["kind"] == "sanitizer" for f in self.faults):
            self.fault("ended", f"exit code {code} at the stop: {self.daemon.log()[-300:]}")
        self.judge()

    def settle(self):
        """Nothing is left; before the memory is looked at."""

    def keep_evidence(self):
        """What the server tells of what is left, for whoever looks for the cause."""
        with open(f"{self.directory}/left-over.txt", "w", encoding="utf-8") as f:
            rows = (self.daemon.say("core show channels concise") or "").splitlines()
            for command in (*("core show channel " + r.partition("!")[0] for r in rows[:8]), "pjsip show counters",
                            "core show channels verbose", "pjsip show contacts", "pjsip show subscriptions inbound",
                            "core show threads", "bridge show all"):
                f.write(f"== {command}\n{self.daemon.say(command)}\n")
            f.write(os.popen(f"ls -l /proc/{self.daemon.process.pid}/fd; ss -aunp; ss -atnp").read())

    def remains(self):
        c = self.daemon.counters()
        channels = self.daemon.channels()
        # Texts go through the dialplan one after the other, as in Asterisk: those that a walk
        # left behind may take minutes. Their channel is no call that nobody ended.
        if channels and c.get("texts that wait", 0) > 0:
            rows = (self.daemon.say("core show channels concise") or "").splitlines()
            channels = sum("!" in r and not r.startswith("Message/") for r in rows)
        return {"channels": channels, "dialogs": c.get("dialogs"), "server transactions": c.get("server transactions"),
                "client transactions": c.get("client transactions"),
                "descriptors": max(0, self.daemon.descriptors() - self.idle_fds)}

    def judge(self):
        """Faults that only the workers' figures show."""
        for e in read_events(self.directory):
            if e["kind"] in ("stuck", "call", "driver") or (e["kind"] == "contacts" and e["text"][0] == "a"):
                self.fault(e["kind"], e["text"])
        for k in self.contacts():
            if k["lost"] or k["back"]:
                self.fault("contacts", f"{k['end']} {k['generation'] - 1}: {k['lost']} of {k['acked']} lost, "
                           f"{k['back']} of {k['gone']} back: " + "; ".join(k["examples"][:2]))
        self.judge_canary()
        slope = self.growth()
        if slope and self.o.build == "release" and slope["rss"] > GROWTH:
            self.fault("memory", f"grew by {slope['rss']:.1%} from minute 10 to the end")

    def judge_canary(self):
        canary = self.results.get("canary0", {}).get("counts", {})
        rounds, failed = canary.get("rounds", 0), canary.get("failed", 0)
        # ThreadSanitizer takes the time that the canary measures.
        if self.o.build != "tsan" and failed > 0.001 * rounds:
            self.fault("canary", f"{failed} of {rounds} rounds failed")

    def contacts(self):
        """Each kill's contacts, of all registrars together."""
        kills = {}
        for result in self.results.values():
            for k in result["extra"].get("kills", []):
                all_ = kills.setdefault(k["generation"], {"generation": k["generation"], "acked": 0, "found": 0, "lost": 0, "gone": 0,
                                                          "back": 0, "examples": [],
                                                          "end": "kill" if k["generation"] - 1 in self.killed else "end"})
                for key in ("acked", "found", "lost", "gone", "back", "examples"):
                    all_[key] += k[key]
        return [kills[g] for g in sorted(kills)]

    def growth(self):
        """Memory and descriptors from ten minutes after the last start to the end."""
        last = [s for s in self.samples if s["generation"] == self.shared.generation.value]
        old = [s for s in last if s["up"] >= FLAT_AFTER]
        if len(old) < 12:
            return None
        part = max(3, len(old) // 10)
        first = {k: sum(s[k] for s in old[:part]) / part for k in ("rss", "fds")}
        then = {k: sum(s[k] for s in old[-part:]) / part for k in ("rss", "fds")}
        return {k: (then[k] - first[k]) / max(1, first[k]) for k in first}
