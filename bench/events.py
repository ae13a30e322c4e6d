#!/usr/bin/python3
"""Loads of events, for bench.py: one JSON report on standard output.

  events.py publish --server HOST:PORT --pid PID[,PID] [--rate N] [--seconds S] [--warmup S]
      PUBLISHes of PIDF from one endpoint for the resources p0, p1, ..., each the first of its kind or a
      change by the tag that the last answer gave
  events.py watch --server HOST:PORT --pid PID[,PID] [--watchers N] [--changes N]
      N subscriptions to p0, whose state a PUBLISH changes: how long until the last one was told
  events.py subscribe --server HOST:PORT --pid PID[,PID] [--rate N] [--seconds S] [--warmup S]
      new subscriptions to p0, each done when its 200 and its first NOTIFY came
  events.py notify --server HOST:PORT --pid PID[,PID] [--watchers N] [--changes N] --console COMMAND...
      N subscriptions to p0, whose state the server's console changes: COMMAND and a line of it

The endpoints are `caller` and `callee`, without a password; that its address is nobody strange is proven once, by a
registration of `u0`.
"""

import argparse
import collections
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import time

RESOURCES = 200
BODY = """<?xml version="1.0"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" \
xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:caller@127.0.0.1">
 <tuple id="t1"><status><basic>open</basic></status><contact>sip:caller@127.0.0.1</contact></tuple>
 <dm:person id="p1"><rpid:activities>%s</rpid:activities></dm:person>
</presence>
"""
STATES = [BODY % s for s in ("<rpid:on-the-phone/>", "<rpid:busy/>", "")]
SO_RCVBUFFORCE = 33
GIVEN_UP = 2.0      # [s] for an answer


def cpu(pids):
    """[s] that these processes have used."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def percentiles(delays):
    d = sorted(delays) or [0]
    return {name: int(1e6 * d[min(len(d) - 1, int(share * len(d)))])
            for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1))}


class Load:
    def __init__(self, args):
        host, port = args.server.split(":")
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # Thousands of NOTIFYs come at once.
        try:
            self.s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        except PermissionError:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.s.connect((host, int(port)))
        self.at = "{}:{}".format(*self.s.getsockname())
        self.to = args.server
        self.pids = [int(p) for p in args.pid.split(",")]
        self.serial = 0
        self.etags = {}

    def request(self, method, user, call_id, headers, body="", sender="caller"):
        self.serial += 1
        self.s.send(f"{method} sip:{user}@{self.to} SIP/2.0\r\nVia: SIP/2.0/UDP {self.at};branch=z9hG4bK{self.serial};rport\r\n"
                    f"From: <sip:{sender}@{self.to}>;tag={call_id}\r\nTo: <sip:{user}@{self.to}>\r\nCall-ID: {call_id}\r\n"
                    f"CSeq: 1 {method}\r\nMax-Forwards: 70\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        return self.serial

    def prove(self):
        """Register u0 as others do, or the server takes us for a stranger, who may send little."""
        headers = f"Contact: <sip:u0@{self.at}>\r\n"
        self.request("REGISTER", "u0", "r1", headers, sender="u0")
        asked = dict(re.findall(r'(\w+)="([^"]*)"', re.search(r"^WWW-Authenticate: (.*)$", self.receive(5), re.M).group(1)))

        def md5(*parts):
            return hashlib.md5(":".join(parts).encode()).hexdigest()

        uri = f"sip:u0@{self.to}"
        answer = md5(md5("u0", asked["realm"], "secret-0"), asked["nonce"], "00000001", "c", "auth", md5("REGISTER", uri))
        self.request("REGISTER", "u0", "r2", headers + f'Authorization: Digest username="u0",realm="{asked["realm"]}",'
                     f'nonce="{asked["nonce"]}",uri="{uri}",qop=auth,nc=00000001,cnonce="c",response="{answer}"\r\n', sender="u0")
        assert self.receive(5).startswith("SIP/2.0 200")

    def publish(self, i):
        """The next state of resource I; gives the branch's number."""
        etag = self.etags.get(i)
        return self.request("PUBLISH", f"p{i}", f"p{self.serial}", "Event: presence\r\nExpires: 600\r\n"
                            f"Content-Type: application/pidf+xml\r\n" + (f"SIP-If-Match: {etag}\r\n" if etag else ""),
                            STATES[self.serial % len(STATES)])

    def receive(self, seconds):
        """A message, or None when none came in time."""
        self.s.settimeout(max(seconds, 1e-4))
        try:
            return self.s.recv(65536).decode()
        except (TimeoutError, ConnectionRefusedError):
            return None

    def acknowledge(self, notify):
        kept = re.findall(r"^(?:Via|From|To|Call-ID|CSeq): .*\r\n", notify, re.M)
        self.s.send(f"SIP/2.0 200 OK\r\n{''.join(kept)}Content-Length: 0\r\n\r\n".encode())


def run_publish(load, args):
    waiting, delays = {}, []
    free = collections.deque(range(RESOURCES))
    begun = time.monotonic()
    from_cpu, counted, sent, failed = None, 0, 0, 0
    until = begun + args.warmup + args.seconds
    measured = begun + args.warmup
    while (now := time.monotonic()) < until or (waiting and now < until + GIVEN_UP):
        if from_cpu is None and now >= measured:
            from_cpu, counted, delays, measured = cpu(load.pids), 0, [], now
        while free and now < until and sent < (now - begun) * args.rate:
            i = free.popleft()
            waiting[load.publish(i)] = (i, now)
            sent += 1
        message = load.receive(min(1 / args.rate, 0.002))
        if message is None:
            continue
        branch = int(re.search(r"branch=z9hG4bK(\d+)", message).group(1))
        if branch not in waiting:
            continue
        i, since = waiting.pop(branch)
        free.append(i)
        etag = re.search(r"SIP-ETag: (\S+)", message)
        if message.startswith("SIP/2.0 200") and etag:
            load.etags[i] = etag.group(1)
            delays.append(time.monotonic() - since)
            counted += 1
        else:
            failed += 1
    used = cpu(load.pids) - from_cpu
    return {"server": {"cpu_us_per_unit": 1e6 * used / max(counted, 1)},
            "publish": {"rate": counted / (until - measured), "delay_us": percentiles(delays), "failed": failed + len(waiting)},
            "wire": {"retransmits": 0}}


def gather(load, many, seconds, at_once=False):
    """Until MANY subscriptions had a NOTIFY: how many had, and when the last one did. Unless AT_ONCE they are answered
    when all are there, so that it is not us who is measured."""
    came, last = {}, time.monotonic()
    until = last + seconds
    while len(came) < many and time.monotonic() < until:
        message = load.receive(0.05)
        if message and message.startswith("NOTIFY"):
            if at_once:
                load.acknowledge(message)
            call_id = re.search(r"^Call-ID: (\S+)", message, re.M).group(1)
            if call_id not in came:
                came[call_id], last = message, time.monotonic()
        elif message and (etag := re.search(r"SIP-ETag: (\S+)", message)):
            load.etags[0] = etag.group(1)
    for message in [] if at_once else came.values():
        load.acknowledge(message)
    return len(came), last


def subscribe(load, i):
    """One endpoint may have a thousand, so two have them by turns."""
    load.request("SUBSCRIBE", "p0", f"w{i}", f"Event: presence\r\nExpires: 600\r\nAccept: application/pidf+xml\r\n"
                 f"Contact: <sip:caller@{load.at}>\r\n", sender=("caller", "callee")[i % 2])


def subscribe_all(load, many):
    for i in range(many):
        subscribe(load, i)
        if i % 50 == 49:
            gather(load, 50, 5, at_once=True)
    gather(load, 1, 1, at_once=True)


def run_subscribe(load, args):
    waiting, delays, failed = {}, [], 0     # Call-ID to what is missing, and since when
    begun = time.monotonic()
    measured, until = begun + args.warmup, begun + args.warmup + args.seconds
    from_cpu, counted, sent = None, 0, 0
    while (now := time.monotonic()) < until or (waiting and now < until + GIVEN_UP):
        if from_cpu is None and now >= measured:
            from_cpu, counted, delays, measured = cpu(load.pids), 0, [], now
        while now < until and sent < (now - begun) * args.rate:
            subscribe(load, sent)
            waiting[f"w{sent}"] = ({"200", "NOTIFY"}, now)
            sent += 1
        message = load.receive(min(1 / args.rate, 0.002))
        if message is None:
            continue
        if message.startswith("NOTIFY"):
            load.acknowledge(message)
        call_id = re.search(r"^Call-ID: (\S+)", message, re.M).group(1)
        if call_id not in waiting:
            continue
        missing, since = waiting[call_id]
        missing.discard("NOTIFY" if message.startswith("NOTIFY") else message.split()[1])
        if not missing:
            del waiting[call_id]
            delays.append(time.monotonic() - since)
            counted += 1
    used = cpu(load.pids) - from_cpu
    return {"server": {"cpu_us_per_unit": 1e6 * used / max(counted, 1)},
            "subscribe": {"rate": counted / (until - measured), "delay_us": percentiles(delays), "failed": len(waiting)},
            "wire": {"retransmits": 0}}


def run_notify(load, args):
    subscribe_all(load, args.watchers)
    told, changes = 0, 0
    from_cpu = cpu(load.pids)
    for i in range(args.changes):
        subprocess.run([*args.command, f"devstate change Custom:p0 {('INUSE', 'NOT_INUSE')[i % 2]}"], check=True,
                       stdout=subprocess.DEVNULL, timeout=60)
        n, _ = gather(load, args.watchers, 10, at_once=True)
        told, changes = told + n, changes + 1
    used = cpu(load.pids) - from_cpu
    return {"server": {"cpu_us_per_unit": 1e6 * used / max(told, 1)}, "notify": {"lost": args.watchers * changes - told}}


def run_watch(load, args):
    subscribe_all(load, args.watchers)
    delays, told = [], 0
    from_cpu = cpu(load.pids)
    for _ in range(args.changes):
        begun = time.monotonic()
        load.publish(0)
        n, last = gather(load, args.watchers, 10)
        told += n
        delays.append(last - begun)
    used = cpu(load.pids) - from_cpu
    return {"server": {"cpu_us_per_unit": 1e6 * used / max(told, 1)},
            "watch": {"delay_us": percentiles(delays), "lost": args.watchers * args.changes - told}}


RUNS = {"publish": run_publish, "watch": run_watch, "subscribe": run_subscribe, "notify": run_notify}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=RUNS)
    parser.add_argument("--server", required=True)
    parser.add_argument("--pid", required=True)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--warmup", type=float, default=2)
    parser.add_argument("--watchers", type=int, default=2000)
    parser.add_argument("--changes", type=int, default=10)
    parser.add_argument("--console", dest="command", nargs=argparse.REMAINDER, default=[])
    args = parser.parse_args()
    load = Load(args)
    load.prove()
    json.dump(RUNS[args.work](load, args), sys.stdout)


if __name__ == "__main__":
    main()
