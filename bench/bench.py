#!/usr/bin/python3
"""Measure Sidetone, and each peer that is there, with the same loads in one run,
and print one table.

  bench.py [--build DIR] [--quick] [--root DIR] [--asterisk PATH] [--kamailio PATH]
           [--only SERVER[,SERVER]] [--json FILE] [--check]

--root DIR: a tree (debootstrap) that holds the peers, which then run chrooted;
needs root. Without it, peers are taken from $PATH. --asterisk, --kamailio name
them otherwise ("none" leaves one out). --check: exit 1 when Sidetone misses one
of the targets that the table shows.

CPU is the server's own, all its processes and threads, divided by the work that
was done meanwhile; "times" is what a peer takes for each that Sidetone takes. "ratio" is
what encrypted work costs beside the same in the clear, of one server: both are done by
turns and the least of each is taken, as others on the machine only ever add to it. The
first rows say what the machine charges for a bare datagram and for a bare relay, so
that figures of different machines can be read. Every server runs alone, in a temporary
directory and, for root, in a network namespace with nothing but loopback.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import peers  # noqa: E402

# What Sidetone has to reach: (work, column) to the most that it may be. Those for
# CPU hold where the server has enough to do: at a few hundred a second each
# message wakes every thread anew, and that is most of what the figure shows.
TARGETS = {
    ("register-max", "cpu"): 40, ("call-max", "cpu"): 250,
    ("packet", "cpu"): 6, ("recording", "cpu"): 15, ("endpoint", "memory"): 3 * 1024, ("call-up", "memory"): 60 * 1024,
    ("packet-cm", "ratio"): 1.5, ("packet-gcm", "ratio"): 1.5, ("register-tls", "ratio"): 1.6,
    ("websocket", "memory"): 40 * 1024, ("websocket-new", "p99"): 50000,
    ("publish", "cpu"): 1000, ("watch", "max"): 200000,
    ("subscriptions", "seconds"): 2, ("subscription", "memory"): 2 * 1024,
    ("start", "seconds"): 1.5, ("reload", "seconds"): 1.5, ("reload-load", "lost"): 0,
}


class Sizes:
    """How much of everything."""

    def __init__(self, quick):
        self.seconds, self.warmup = (2, 0.5) if quick else (8, 2)
        self.register_rate = 500 if quick else 1000
        self.call_rate = 50 if quick else 100
        self.users = 2000 if quick else 10000
        self.media_calls = 50 if quick else 200
        self.many = 5000 if quick else 50000
        self.subscriptions = 5000 if quick else 50000
        self.mixed = (200, 40) if quick else (500, 100)
        # Of what is done by turns.
        self.turns, self.turn = (1, ("--seconds", 1, "--warmup", 0.3)) if quick else (3, ("--seconds", 3, "--warmup", 1))
        self.kept = 500 if quick else 2000
        self.watchers = 500 if quick else 2000
        self.subscribe_rate, self.changes = 200, 10 if quick else 50
        self.websockets, self.arrivals = (1000 if quick else 5000), 200


class Row(dict):
    """One line of the table; figures that a server has not are left out."""


class Bench:
    def __init__(self, args):
        self.args = args
        self.sizes = Sizes(args.quick)
        self.load = os.path.join(args.build, "bench/load")
        self.rows = []

    # -- loads --------------------------------------------------------------
    def argv(self, server, mode, *options):
        return server.net.wrap([self.load, mode, "--server", f"127.0.0.1:{server.port}", "--uac-port",
                                str(server.net.port(6000)), "--uas-port", str(server.callee_port), "--pid",
                                ",".join(map(str, server.pids())), *map(str, options)])

    def run(self, server, mode, *options):
        """Run a load to its end; gives its report."""
        done = subprocess.run(self.argv(server, mode, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, timeout=600)
        if not done.stdout:
            raise peers.Failed(f"load {mode}: {done.stderr.decode()[-500:]}")
        return json.loads(done.stdout)

    def row(self, work, text, server, **figures):
        row = Row(work=work, text=text, server=server.name, **figures)
        self.rows.append(row)
        print(f"  {server.name:9} {text}: " + ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}"
                                                       for k, v in figures.items() if v is not None),
              file=sys.stderr, flush=True)

    def timed(self, work, text, server, report, part, **more):
        """A row from a load's report: PART is the kind of work in it."""
        delay = report[part]["delay_us"]
        self.row(work, text, server, cpu=report["server"]["cpu_us_per_unit"], rate=report[part]["rate"],
                 p50=delay["p50"], p90=delay["p90"], p99=delay["p99"], max=delay["max"],
                 lost=report[part].get("failed", report[part].get("lost")), retransmits=report["wire"]["retransmits"], **more)

    # -- works --------------------------------------------------------------
    def registrations(self, server):
        s = self.sizes
        where = "in memory" if isinstance(server, peers.Kamailio) else "on disk"
        bare = server.start(s.users) and server.memory()
        common = ("--users", s.users, "--seconds", s.seconds, "--warmup", s.warmup)
        self.timed("register", f"registration, contact {where}, {s.register_rate}/s", server,
                   self.run(server, "register", *common, "--rate", s.register_rate), "register")
        self.timed("register-max", f"registration, contact {where}, 512 at a time", server,
                   self.run(server, "register", *common, "--concurrency", 512), "register")
        if server.can_call:
            self.calls(server)
            self.contacts(server, bare)
        server.stop()

    def calls(self, server):
        s = self.sizes
        common = ("--seconds", s.seconds, "--warmup", s.warmup)
        self.timed("call", f"call through Dial, {s.call_rate}/s", server,
                   self.run(server, "call", *common, "--call-rate", s.call_rate), "call")
        self.timed("call-max", "call through Dial, 32 at a time", server,
                   self.run(server, "call", *common, "--concurrency", 32), "call")

    def contacts(self, server, bare):
        """Memory of contacts: a start with all of them stored, less one with none."""
        users = self.sizes.users
        self.run(server, "register", "--users", users, "--count", users, "--concurrency", 64, "--warmup", 0,
                 "--seconds", 120)
        server.restart()
        self.row("contact", "a contact, after a restart", server, memory=(server.memory() - bare) / users)

    def media(self, server):
        s = self.sizes
        server.start(10)
        # The first call loads what every call needs once.
        self.run(server, "call", "--count", 20, "--concurrency", 4, "--warmup", 0)
        report = self.run(server, "rtp", "--calls", s.media_calls, "--call-rate", 50, "--seconds", s.seconds,
                          "--warmup", s.warmup)
        rtp, cpu = report["rtp"], report["server"]
        delay = rtp["delay_us"]
        self.row("packet", f"relayed G.711 packet, {s.media_calls} calls", server, cpu=cpu["cpu_us_per_unit"],
                 rate=rtp["rate"], p50=delay["p50"], p90=delay["p90"], p99=delay["p99"], max=delay["max"],
                 lost=rtp["lost"] + report["call"]["failed"])
        self.row("call-up", "a call that is up", server,
                 memory=(cpu["memory_loaded"] - cpu["memory_before"]) / s.media_calls)
        server.stop()

    # -- the same, with more to do ---------------------------------------------
    def by_turns(self, server, loads):
        """Of each load the report with the least CPU a unit. LOADS: name to what run() takes."""
        best = {}
        for _ in range(self.sizes.turns):
            for name, load in loads.items():
                report = self.run(server, *load, *self.sizes.turn)
                if not report["server"]["cpu_us_per_unit"]:
                    raise peers.Failed(f"load {load[0]} ({name}): no work was done")
                if name not in best or cost(report) < cost(best[name]):
                    best[name] = report
        return best

    def recorded(self, server):
        """MixMonitor() into a file each, beside the same calls without."""
        s = self.sizes
        common = ("rtp", "--calls", s.media_calls, "--call-rate", 100)
        server.start(10)
        self.run(server, "call", "--count", 20, "--concurrency", 4, "--warmup", 0)
        best = self.by_turns(server, {"plain": common, "recorded": (*common, "--exten", "callee-recorded")})
        rtp = best["recorded"]["rtp"]
        self.row("recording", "what a recording takes for a packet each way", server,
                 cpu=2 * (cost(best["recorded"]) - cost(best["plain"])), rate=rtp["rate"],
                 lost=rtp["lost"] + best["recorded"]["call"]["failed"])
        server.stop()

    def sealed(self, server):
        s = self.sizes
        common = ("rtp", "--calls", s.media_calls, "--call-rate", 100)
        suites = {"packet-cm": "AES_CM_128_HMAC_SHA1_80", "packet-gcm": "AEAD_AES_128_GCM"}
        server.start(10)
        self.run(server, "call", "--count", 20, "--concurrency", 4, "--warmup", 0)
        best = self.by_turns(server, {"plain": common, **{
            work: (*common, "--srtp", suite, "--caller", "caller-sdes", "--exten", "callee-sdes")
            for work, suite in suites.items()}})
        for work, suite in suites.items():
            rtp, delay = best[work]["rtp"], best[work]["rtp"]["delay_us"]
            self.row(work, f"relayed SRTP packet, {suite}", server, cpu=cost(best[work]), rate=rtp["rate"],
                     p50=delay["p50"], p90=delay["p90"], p99=delay["p99"], max=delay["max"],
                     lost=rtp["lost"] + rtp["forged"] + best[work]["call"]["failed"],
                     ratio=cost(best[work]) / cost(best["plain"]))
        server.stop()

    def handshakes(self, server):
        s = self.sizes
        server.start(s.kept)
        # At one rate: what a turn of the loop costs is shared by as many of the one as of the other.
        common = ("register", "--users", s.kept, "--rate", 2 * s.register_rate)
        best = self.by_turns(server, {"plain": common, "tls": (
            *common, "--carrier", "tls", "--server", f"127.0.0.1:{server.tls_port}")})
        self.timed("register-tls", f"registration over a kept TLS connection, {2 * s.register_rate}/s", server, best["tls"], "register",
                   ratio=cost(best["tls"]) / cost(best["plain"]))
        common = ("call", "--concurrency", 32)
        best = self.by_turns(server, {"plain": common, "dtls": (*common, "--caller", "caller-dtls", "--dtls")})
        dtls = best["dtls"]["call"]["dtls"]
        each = cost(best["dtls"]) - cost(best["plain"])
        self.row("dtls", "a DTLS handshake of a call; as many a second and core", server, cpu=each,
                 rate=1e6 / each if each > 0 else None, p50=dtls["delay_us"]["p50"], p90=dtls["delay_us"]["p90"],
                 p99=dtls["delay_us"]["p99"], max=dtls["delay_us"]["max"],
                 lost=dtls["failed"] + best["dtls"]["call"]["failed"])
        server.stop()

    def websocket(self, server):
        s = self.sizes
        server.start(s.users)
        # The first ones load what all need once.
        common = ("--carrier", "wss", "--server", f"127.0.0.1:{server.wss_port}")
        self.run(server, "register", "--users", 10, "--count", 20, "--warmup", 0, *common)
        report = self.run(server, "register", "--users", s.websockets, "--arrivals", s.arrivals, "--rate",
                          s.register_rate // 2, "--seconds", s.seconds, "--warmup", s.warmup, *common)
        cpu, streams, opening = report["server"], report["streams"], report["streams"]["open_us"]
        self.row("websocket", f"a WSS connection that has registered, {s.websockets:,} of them", server,
                 memory=(cpu["memory_loaded"] - cpu["memory_before"]) / s.websockets, lost=streams["lost"])
        self.timed("websocket-new", f"registration over WSS while {s.arrivals} new ones a second arrive", server, report,
                   "register")
        self.row("websocket-open", "until a new WSS connection is open", server, p50=opening["p50"], p90=opening["p90"],
                 p99=opening["p99"], max=opening["max"], lost=streams["lost"] + streams["opening"])
        server.stop()

    @staticmethod
    def events(server, work, *options):
        argv = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "events.py"), work, "--server",
                f"127.0.0.1:{server.port}", "--pid", ",".join(map(str, server.pids())), *map(str, options)]
        done = subprocess.run(server.net.wrap([sys.executable, *argv]), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, timeout=600)
        if not done.stdout:
            raise peers.Failed(f"events {work}: {done.stderr.decode()[-500:]}")
        return json.loads(done.stdout)

    def watching(self, server):
        """Those who watch an extension."""
        s = self.sizes
        server.start(10)
        self.timed("subscribe", f"SUBSCRIBE and its NOTIFY, {s.subscribe_rate}/s", server,
                   self.events(server, "subscribe", "--rate", s.subscribe_rate, "--seconds", s.seconds, "--warmup", s.warmup),
                   "subscribe")
        server.stop()           # its subscriptions would be told with those of the next
        server.start(10)
        notify = self.events(server, "notify", "--watchers", 200, "--changes", s.changes, "--console", *server.chrooted(server.remote()))
        self.row("notify", "NOTIFY of a new state, 200 watchers", server, cpu=cost(notify), lost=notify["notify"]["lost"])
        server.stop()

    def published(self, server):
        """What phones publish, and those who watch it."""
        s = self.sizes
        server.start(10)
        rate = s.register_rate
        self.timed("publish", f"PUBLISH of a phone's presence, {rate}/s", server,
                   self.events(server, "publish", "--rate", rate, "--seconds", s.seconds, "--warmup", s.warmup), "publish")
        server.stop()           # what was published would count together with what is published now
        server.start(10)
        watch = self.events(server, "watch", "--watchers", s.watchers)
        delay = watch["watch"]["delay_us"]
        self.row("watch", f"until the last of {s.watchers:,} watchers of one state is told; CPU of one", server,
                 cpu=cost(watch), p50=delay["p50"], p90=delay["p90"], p99=delay["p99"], max=delay["max"],
                 lost=watch["watch"]["lost"])
        server.stop()

    def scale(self, server):
        many = self.sizes.many
        server.start(10)
        few = server.memory()
        server.stop()
        seconds = server.start(many)
        memory = server.memory()
        self.row("start", f"start with {many:,} endpoints", server, seconds=seconds, memory=memory)
        self.row("endpoint", "a configured endpoint", server, memory=(memory - few) / many)
        self.row("reload", f"reload with {many:,} endpoints", server, seconds=server.reload(many))
        self.reload_under_load(server)
        server.stop()

    def subscriptions(self, server):
        """Start with subscriptions on disk, less one with none."""
        many, hints = self.sizes.subscriptions, 1000
        users = many // 1000 + 1
        server.hints = hints
        server.start(users)
        server.restart()
        bare = server.memory()
        server.end()
        server.store_subscriptions(many, users)
        seconds = server.launch()
        self.row("subscriptions", f"start with {many:,} subscriptions", server, seconds=seconds)
        self.row("subscription", "a subscription, after a restart", server, memory=(server.memory() - bare) / many)
        server.stop()
        server.hints = 0

    def reload_under_load(self, server):
        registrations, calls = self.sizes.mixed
        many = self.sizes.many
        load = subprocess.Popen(self.argv(server, "mixed", "--users", many, "--rate", registrations, "--call-rate", calls,
                                          "--hold", 500, "--warmup", 0, "--seconds", 600),
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            time.sleep(2)
            seconds = server.reload(many)
            time.sleep(2)
            load.send_signal(signal.SIGTERM)
            out, _ = load.communicate(timeout=120)
        finally:
            if load.poll() is None:
                load.kill()
                load.wait()
        report = json.loads(out)
        call, register = report["call"], report["register"]
        lost = (register["started"] - register["done"]) + (call["started"] - call["done"]) + call["legs_left"]
        self.row("reload-load", f"reload amid {registrations} registrations/s and {calls} calls/s", server,
                 seconds=seconds, lost=lost, p99=register["delay_us"]["p99"],
                 max=max(register["delay_us"]["max"], call["delay_us"]["max"]),
                 retransmits=report["wire"]["retransmits"])

    def floor(self):
        """What the machine charges for datagrams, before any server touches them."""
        def us(what):
            done = subprocess.run([os.path.join(self.args.build, "bench/floor"), what], stdout=subprocess.PIPE,
                                  check=True, timeout=60)
            return json.loads(done.stdout)
        datagram, relay = us("datagram"), us("relay")
        for text, cpu in (("a datagram over loopback, sent and received: the best of ten", datagram["best"]),
                          ("the same, the worst of ten", datagram["worst"]),
                          ("a packet through a relay with nothing in it, 200 calls", relay["relay"])):
            self.rows.append(Row(work="floor", text=text, server="(kernel)", cpu=cpu))

    def measure(self, server):
        works = [self.registrations]
        if server.can_call:
            works += [self.media, self.recorded, self.sealed, self.handshakes, self.websocket, self.watching, self.scale]
        if isinstance(server, peers.Sidetone):
            works += [self.published, self.subscriptions]
        for work in works:
            try:
                work(server)
            except (peers.Failed, subprocess.SubprocessError, OSError, KeyError) as err:
                self.row("failed", f"{work.__name__}: {str(err).splitlines()[0][:80]}", server)
                print(err, file=sys.stderr)
            finally:
                server.stop()

    # -- table --------------------------------------------------------------
    def table(self):
        columns = [("work", 58, str), ("server", 9, str), ("cpu us", 9, number), ("rate/s", 9, number),
                   ("p50 us", 8, number), ("p90 us", 8, number), ("p99 us", 8, number), ("max us", 8, number),
                   ("seconds", 8, number), ("memory", 9, size), ("lost", 6, number), ("ratio", 6, number), ("times", 6, number), ("target", 10, str)]
        keys = ["text", "server", "cpu", "rate", "p50", "p90", "p99", "max", "seconds", "memory", "lost", "ratio", "times", "target"]
        print("  ".join(f"{name:{'<' if kind is str and name != 'target' else '>'}{width}}" for name, width, kind in columns))
        order = {}
        for row in self.rows:
            order.setdefault(row["work"], len(order))
        for row in sorted(self.rows, key=lambda r: order[r["work"]]):
            row["target"] = verdict(row)
            row["times"] = self.times(row)
            cells = []
            for key, (name, width, kind) in zip(keys, columns):
                value = row.get(key)
                text = "" if value is None else kind(value)
                cells.append(f"{text:{'<' if kind is str and name != 'target' else '>'}{width}}")
            print("  ".join(cells).rstrip())

    def times(self, row):
        """How many times what Sidetone takes for the same work, in this run."""
        ours = next((r for r in self.rows if r["work"] == row["work"] and r["server"] == "Sidetone"), None)
        if not ours or row is ours:
            return None
        for key in ("cpu", "seconds", "memory"):
            if row.get(key) and ours.get(key):
                return row[key] / ours[key]
        return None

    def missed(self):
        return [row for row in self.rows if row["server"] == "Sidetone" and
                (row["work"] == "failed" or row.get("target", "").startswith("over"))]


def cost(report):
    return report["server"]["cpu_us_per_unit"]


def verdict(row):
    if row["server"] != "Sidetone":
        return ""
    for (work, key), most in TARGETS.items():
        if work == row["work"] and row.get(key) is not None:
            text = size(most) if key == "memory" else number(most)
            return f"{'ok' if row[key] <= most else 'over'} {text}"
    return ""


def number(value):
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def size(value):
    for unit, n in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if value >= n:
            return f"{value / n:.1f} {unit}"
    return f"{value:.0f} B"


def servers(args):
    """What there is to measure, Sidetone first."""
    found = [peers.Sidetone(os.path.abspath(os.path.join(args.build, "sidetone")))]
    for kind, name in ((peers.Asterisk, "asterisk"), (peers.Kamailio, "kamailio")):
        path = getattr(args, name)
        if path == "none":
            continue
        if args.root:
            path = path or f"/usr/sbin/{name}"
            there = os.access(args.root + path, os.X_OK)
        else:
            path = path or shutil.which(name) or shutil.which(f"/usr/sbin/{name}")
            there = path is not None and os.access(path, os.X_OK)
        if there:
            found.append(kind(path, os.path.abspath(args.root) if args.root else None))
        elif getattr(args, name):
            sys.exit(f"bench: {path} is not there")
        else:
            print(f"bench: no {name} here; --{name} PATH or --root DIR names one", file=sys.stderr)
    if args.only:
        found = [s for s in found if s.name.lower() in args.only.lower().split(",")]
    return found


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*:\s*(.*)", f.read())
    return f"{os.cpu_count()} x {model.group(1) if model else os.uname().machine}, Linux {os.uname().release}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--root")
    parser.add_argument("--asterisk")
    parser.add_argument("--kamailio")
    parser.add_argument("--only")
    parser.add_argument("--json")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    args.build = os.path.abspath(args.build)
    if args.root and os.geteuid() != 0:
        sys.exit("bench: --root needs root, for chroot")
    bench = Bench(args)
    found = servers(args)
    bench.floor()
    for server in found:
        bench.measure(server)
    print(machine())
    bench.table()
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(bench.rows, f, indent=1)
    failed = [r for r in bench.rows if r["work"] == "failed" and r["server"] == "Sidetone"]
    if failed or (args.check and bench.missed()):
        sys.exit(1)


if __name__ == "__main__":
    main()
