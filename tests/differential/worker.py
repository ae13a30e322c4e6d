"""Plays scenarios against one kind of server and writes the facts, one JSON line a scenario.
Started by run.py, for root in a network and mount namespace of its own."""

import argparse
import asyncio
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import play  # noqa: E402
import scenario  # noqa: E402
import servers  # noqa: E402
from manager import Manager  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


async def profile(server, name, lines, chosen, everyone, at_once, out, ready):
    server.configure(everyone, lines)
    server.start()
    listeners = []
    manager = Manager(lambda rows: [tell() for key, tell in listeners if any(key in v for _, v in rows)])
    try:
        await manager.connect(server.manager_port)
        for _ in range(200):
            blocks = await manager.ask([("Action", "Command"), ("Command", "core waitfullybooted")], 30)
            if any("fully booted" in v for b in blocks for _, v in b):
                break
            await asyncio.sleep(0.1)
        stage = play.Stage(server, manager, listeners)
        ready(name)
        await play.play_all(chosen, stage, at_once, lambda s, facts, busy: out(s.name, facts, busy))
    finally:
        manager.close()
        code = await server.stop()
        if code not in (0, -15):
            out(f"(server)/{name}", [("server", [(f"ended with {code}", server.log()[-3000:].split("\n"))])])


async def main():
    args = argparse.ArgumentParser()
    args.add_argument("--kind", required=True)
    args.add_argument("--program")
    args.add_argument("--dir", required=True)
    args.add_argument("--names", required=True, help="a file with the scenarios' names")
    args.add_argument("--at-once", type=int, default=12)
    args.add_argument("--port", type=int, default=5060)
    args.add_argument("--manager-port", type=int, default=5038)
    o = args.parse_args()
    if o.kind == "asterisk":
        server = servers.Asterisk(o.dir, o.port, o.manager_port, o.program)
    else:
        server = servers.Sidetone(o.dir, o.port, o.manager_port, o.program)
    scenarios, profiles = scenario.load_all(HERE)
    with open(o.names, encoding="utf-8") as f:
        names = {line.strip() for line in f}
    chosen = [s for s in scenarios if s.name in names]

    def out(name, facts, busy=False):
        print(json.dumps([name, facts, busy]), flush=True)
    for name in profiles:
        mine = [s for s in chosen if s.profile == name]
        if mine:
            await profile(server, name, profiles[name], mine, mine, o.at_once, out, lambda n: None)


if __name__ == "__main__":
    if os.environ.get("LO"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    asyncio.run(main())
