"""A client of the manager interface: every event is kept, and an action's answer goes to
whoever asked, with the events of its list."""

import asyncio
import itertools
import time


class Event(list):
    """The rows of an event, and when it came."""

    def __init__(self, rows):
        super().__init__(rows)
        self.at = time.monotonic()


class Manager:
    def __init__(self, tell):
        self.events, self.waiting, self.tell = [], {}, tell
        self.numbers = itertools.count(1)
        self.reader = self.writer = None

    async def connect(self, port, seconds=30):
        for _ in range(seconds * 20):
            try:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
                break
            except OSError:
                await asyncio.sleep(0.05)
        await self.reader.readline()
        asyncio.ensure_future(self.read())
        answer = await self.ask([("Action", "Login"), ("Username", "t"), ("Secret", "differential")])
        assert answer and dict(answer[0]).get("Response") == "Success", answer

    async def read(self):
        while True:
            try:
                block = await self.reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            rows = [tuple(p.strip() for p in line.partition(":")[::2]) for line in block.decode("utf-8", "replace").split("\r\n") if line]
            number = next((v for n, v in rows if n == "ActionID"), None)
            if number in self.waiting:
                self.waiting[number].put_nowait(rows)
                continue
            rows = Event(rows)
            self.events.append(rows)
            self.tell(rows)

    async def ask(self, rows, seconds=6):
        """The blocks that answer: one, or a list up to its end."""
        number = f"n{next(self.numbers)}"
        queue = self.waiting[number] = asyncio.Queue()
        self.writer.write(("".join(f"{n}: {v}\r\n" for n, v in rows) + f"ActionID: {number}\r\n\r\n").encode())
        blocks = []
        try:
            while True:
                block = await asyncio.wait_for(queue.get(), seconds)
                blocks.append([(n, v) for n, v in block if n != "ActionID"])
                kind = {n.lower(): v.lower() for n, v in block}
                if kind.get("response") == "success" and kind.get("eventlist") == "start":
                    continue
                if "response" in kind or kind.get("eventlist") == "complete":
                    return blocks
        except asyncio.TimeoutError:
            return blocks
        finally:
            del self.waiting[number]

    def close(self):
        if self.writer:
            self.writer.close()
