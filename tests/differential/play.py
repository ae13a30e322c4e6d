"""Plays scenarios against one server, several at a time, and gives their facts."""

import asyncio
import re
import shlex
import time

import normal
from agent import Agent
from message import parameter
from scenario import AGENT_PORT

PATIENCE = 5.0
QUIET = 0.45       # nothing came for so long: what a step brought about is over
QUIET_IN_CALL = 1.2     # the same while a channel is up, whose end may be on its way
LONG = 0.3         # for a state to last until it is seen
SOON = 0.05        # for who sent an INVITE to have told what it did
PROBE = 0.2        # how often it is measured how late the machine is
LATE = 0.06        # so late, and a pause is made longer
BUSY = 0.25        # so late, and what was played meanwhile says nothing about order


class Stage:
    """One server that is up, with its manager connection; and how late it, or this program, is."""

    def __init__(self, server, manager, listeners):
        self.server, self.manager, self.listeners = server, manager, listeners
        self.address = ("127.0.0.1", server.port)
        self.late = []          # (when, seconds), the newest last

    async def probe(self):
        while True:
            at = time.monotonic()
            await asyncio.sleep(PROBE)
            mine = time.monotonic() - at - PROBE
            at = time.monotonic()
            await self.manager.ask([("Action", "Ping")])
            self.late.append((time.monotonic(), max(mine, time.monotonic() - at)))

    def latest(self):
        return self.late[-1][1] if self.late else 0

    def was_busy(self, since):
        return any(seconds > BUSY for at, seconds in self.late if at >= since)

    async def pause(self, seconds):
        """Let SECONDS go by, and more as long as the machine is late."""
        await asyncio.sleep(seconds)
        for _ in range(10):
            if self.latest() < LATE:
                return
            await asyncio.sleep(PROBE)


class Play:
    def __init__(self, scenario, stage):
        self.s, self.stage = scenario, stage
        self.last = time.monotonic()
        self.woken = asyncio.Event()
        self.agents, self.facts, self.trace = {}, [], []
        self.first_event = len(stage.manager.events)
        self.stop_event = None
        self.answers = 0

    def tell(self, *_):
        self.last = time.monotonic()
        self.woken.set()

    def fill(self, text):
        return self.s.fill(text, f"127.0.0.1:{self.stage.server.port}")

    async def run(self):
        listener = (self.s.key, self.tell)
        self.stage.listeners.append(listener)
        try:
            return await self.play()
        finally:
            self.stage.listeners.remove(listener)

    async def play(self):
        for p in self.s.parties:
            agent = Agent(p, self.s.key + p, self.s.address(p), AGENT_PORT, self.stage.address, self.tell)
            agent.serial += "abcd".index(p)
            auth = self.s.options.get((p, "auth"))
            if auth:
                given = dict(o.split("=", 1) for o in auth)
                agent.credentials = (self.fill(given.get("username", f"%{p}")), given.get("password", "secret"))
            await agent.open()
            self.agents[p] = agent
        try:
            for step in self.s.steps:
                await self.step(step)
            await self.settle()
        finally:
            self.stop_event = len(self.stage.manager.events)
        facts = normal.facts(self)
        await self.clean()
        return facts

    def in_call(self):
        """Whether a channel of it is up, as far as the manager has told."""
        up = set()
        for rows in self.stage.manager.events[self.first_event:]:
            event = dict(rows)
            if event.get("Event") == "Newchannel" and (self.s.key in event["Channel"] or event.get("Context") == self.s.key):
                up.add(event["Uniqueid"])
            elif event.get("Event") == "Hangup":
                up.discard(event["Uniqueid"])
        return bool(up)

    async def settle(self):
        until = time.monotonic() + 6
        while time.monotonic() < until:
            quiet = time.monotonic() - self.last
            need = QUIET_IN_CALL if self.in_call() else QUIET
            if quiet >= need and self.stage.latest() < LATE:
                return
            await asyncio.sleep(max(need - quiet, PROBE if quiet >= need else 0) + 0.01)

    async def clean(self):
        """End what is left, so that nothing of it disturbs others."""
        for agent in self.agents.values():
            agent.auto |= {"ack", "BYE", "CANCEL"}
            for d in agent.dialogs:
                if d.state == "up":
                    agent.in_dialog("BYE", d, {})
                elif d.state == "early" and d.received:
                    agent.reply(d.received, 480)
                elif d.state == "early" and d.invite:
                    agent.cancel(d)
        await self.stage.manager.ask([("Action", "Hangup"), ("Channel", f"/^PJSIP\\/{self.s.key}.*/"), ("Cause", "16")])
        await asyncio.sleep(0.1)
        for agent in self.agents.values():
            agent.close()

    # -- steps --------------------------------------------------------------
    async def step(self, text):
        words = shlex.split(self.fill(text))
        who, verb, rest = words[0], words[1] if len(words) > 1 else "", words[2:]
        if who == "sleep":
            await self.stage.pause(float(verb))
        elif who == "settle":
            await self.settle()
        elif who == "manager":
            await self.manage(words[1:])
        elif who == "console":
            await self.command(" ".join([await self.channel(w) for w in words[1:]]))
        else:
            plain = [w for w in rest if not is_argument(w)]
            await getattr(self, "do_" + verb)(self.agents[who], plain, arguments(rest))

    def target(self, word):
        if ":" in word:
            return word
        return f"sip:{word}@127.0.0.1:{self.stage.server.port}"

    def dialog(self, agent, args):
        alive = [d for d in agent.dialogs]
        if "d" in args:
            return alive[int(args["d"]) - 1]
        return alive[-1]

    async def do_invite(self, agent, plain, args):
        args.setdefault("sdp", "ulaw,alaw,tel")
        agent.start("INVITE", self.target(plain[0]), args)

    async def do_req(self, agent, plain, args):
        agent.start(plain[0], self.target(plain[1]), args)

    async def do_register(self, agent, plain, args):
        contact = args.get("contact")
        if "expires" in args:
            args.setdefault("h", []).append(f"Expires: {args['expires']}")
        if contact:
            args["contact"] = contact
        args.setdefault("to", f"<{self.target(agent.user)}>")
        args.setdefault("from", f"<{self.target(agent.user)}>")
        agent.start("REGISTER", f"sip:127.0.0.1:{self.stage.server.port}", args)
        await self.do_wait(agent, ["final"], {})

    async def do_in(self, agent, plain, args):
        agent.in_dialog(plain[0], self.dialog(agent, args), args)

    async def do_bye(self, agent, plain, args):
        await self.stage.pause(LONG)
        agent.in_dialog("BYE", self.dialog(agent, args), args)

    async def do_reinvite(self, agent, plain, args):
        agent.in_dialog("INVITE", self.dialog(agent, args), args)

    async def do_refer(self, agent, plain, args):
        to = self.target(plain[0])
        if "replaces" in args:
            d = agent.dialogs[int(args["replaces"]) - 1]
            to += (f"?Replaces={d.call_id.replace('@', '%40')}%3Bto-tag%3D{parameter(d.remote, 'tag')}"
                   f"%3Bfrom-tag%3D{parameter(d.local, 'tag')}")
        args.setdefault("h", []).append(f"Refer-To: <{to}>")
        agent.in_dialog("REFER", self.dialog(agent, args), args)

    async def do_cancel(self, agent, plain, args):
        agent.cancel(self.dialog(agent, args))

    async def do_ack(self, agent, plain, args):
        agent.ack(self.dialog(agent, args), args)

    async def do_resend(self, agent, plain, args):
        agent.send(agent.last)

    async def do_raw(self, agent, plain, args):
        agent.send(plain[0].replace("\\r\\n", "\r\n"))

    async def do_tcp(self, agent, plain, args):
        await agent.open_tcp(self.stage.server.port)

    async def do_auto(self, agent, plain, args):
        for word in plain:
            (agent.auto.add if word[0] == "+" else agent.auto.discard)(word[1:])

    async def do_login(self, agent, plain, args):
        agent.credentials = (plain[0], plain[1])

    async def do_reply(self, agent, plain, args):
        msg = None
        if "on" in args:
            msg = agent.pending.get(args["on"])
        else:
            d = agent.dialogs[int(args["d"]) - 1] if "d" in args else \
                next((d for d in reversed(agent.dialogs) if d.received), None)
            msg = d.received if d else None
        if msg:
            agent.reply(msg, int(plain[0]), args, plain[1] if len(plain) > 1 else None)

    async def do_ring(self, agent, plain, args):
        await self.do_wait(agent, ["INVITE"], {})
        await asyncio.sleep(SOON)
        await self.do_reply(agent, ["180"], args)

    async def do_answer(self, agent, plain, args):
        """Wait for an INVITE, ring, take the call."""
        await self.do_ring(agent, [], {})
        await self.stage.pause(LONG)
        args.setdefault("sdp", "auto")
        await self.do_reply(agent, ["200"], args)
        await self.do_wait(agent, ["ACK"], {})

    async def do_wait(self, agent, plain, args):
        until = time.monotonic() + float(args.get("t", PATIENCE))
        while True:
            for i in range(agent.cursor, len(agent.log)):
                if matches(agent.log[i], plain[0]):
                    agent.cursor = i + 1
                    return
            left = until - time.monotonic()
            if left <= 0:
                break
            self.woken.clear()
            try:
                await asyncio.wait_for(self.woken.wait(), left)
            except asyncio.TimeoutError:
                break
        self.facts.append((f"{agent.name} waits", [(f"in vain for {plain[0]}", [])]))

    async def manage(self, words):
        rows = [("Action", words[0])] + [tuple(w.split("=", 1)) for w in words[1:]]
        rows = [(n, await self.channel(v)) for n, v in rows]
        blocks = await self.stage.manager.ask(rows)
        self.answers += 1
        self.facts.append((f"m {self.answers} {words[0]}", normal.blocks(blocks, self)))

    async def channel(self, value):
        """@a: the newest channel of party a's."""
        if not value.startswith("@"):
            return value
        name = f"PJSIP/{self.s.key}{value[1:]}-"
        for rows in reversed(self.stage.manager.events[self.first_event:]):
            for n, v in rows:
                if n == "Channel" and v.startswith(name):
                    return v
        return name

    async def command(self, line):
        blocks = await self.stage.manager.ask([("Action", "Command"), ("Command", line)])
        self.answers += 1
        out = [v for b in blocks for n, v in b if n == "Output"]
        self.facts.append((f"console {self.answers} {self.hide(line)}", [("output", normal.output(out, self))]))

    def hide(self, line):
        return re.sub(r"-[0-9a-f]{8}\b", "", line.replace(self.s.key, ""))


def is_argument(word):
    name, sep, _ = word.partition("=")
    return bool(sep) and name.isalnum() and name.islower()


def arguments(words):
    args = {}
    for word in words:
        if is_argument(word):
            name, _, value = word.partition("=")
            if name in ("h", "mut"):
                args.setdefault(name, []).append(value)
            else:
                args[name] = value
    return args


def matches(msg, word):
    """WORD: 200, 2xx, final, a method, or 200/BYE."""
    word, _, method = word.partition("/")
    if method and msg.method != method:
        return False
    if not msg.is_response:
        return msg.method == word
    if word == "final":
        return msg.status >= 200
    if word.endswith("xx"):
        return msg.status // 100 == int(word[0])
    return word.isdigit() and msg.status == int(word)


async def play_all(scenarios, stage, at_once, done):
    limit = asyncio.Semaphore(at_once)
    probe = asyncio.ensure_future(stage.probe())

    async def one(s):
        async with limit:
            began = time.monotonic()
            try:
                facts = await asyncio.wait_for(Play(s, stage).run(), 60)
            except Exception as e:  # the fault of a scenario is a fact about it
                facts = [("scenario", [(f"failed: {type(e).__name__}: {e}"[:200], [])])]
            done(s, facts, stage.was_busy(began))
    try:
        await asyncio.gather(*(one(s) for s in scenarios))
    finally:
        probe.cancel()
