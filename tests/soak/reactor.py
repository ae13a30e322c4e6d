"""One process's loop: sockets, timers, and what the parent says of the server."""

import heapq
import itertools
import re
import selectors
import socket
import ssl
import time

UP, DOWN, OVER = 0, 1, 2        # what Shared.state says of the server


class Reactor:
    """SHARED: the parent's word (shared.Shared). `on_down` and `on_up` are called
    when the server was killed and when it runs again, `on_trace` when the parent wants
    to know what was said."""

    def __init__(self, shared):
        self.shared = shared
        self.selector = selectors.DefaultSelector()
        self.timers = []
        self.serial = itertools.count()
        self.seen = DOWN
        self.on_down = lambda: None
        self.on_up = lambda: None
        self.on_trace = lambda: None
        self.traces = 0
        self.now = time.monotonic()
        self.lag = 0.0          # [s] how late timers are of late: the machine is busy

    def at(self, seconds, call, *args):
        """Call it SECONDS from now; gives a handle whose [2] may be set to None."""
        entry = [time.monotonic() + seconds, next(self.serial), call, args]
        heapq.heappush(self.timers, entry)
        return entry

    def watch(self, sock, call):
        self.selector.register(sock, selectors.EVENT_READ, call)

    def forget(self, sock):
        try:
            self.selector.unregister(sock)
        except (KeyError, ValueError):
            pass

    def turn(self, longest=0.05):
        self.now = time.monotonic()
        wait = longest
        if self.timers:
            wait = min(wait, max(0.0, self.timers[0][0] - self.now))
        for key, _ in self.selector.select(wait):
            key.data()
        self.now = time.monotonic()
        while self.timers and self.timers[0][0] <= self.now:
            entry = heapq.heappop(self.timers)
            self.lag = max(self.lag * 0.99, self.now - entry[0])
            if entry[2] is not None:
                entry[2](*entry[3])
        if self.traces != self.shared.traces.value:
            self.traces = self.shared.traces.value
            self.on_trace()
        state = self.shared.state.value
        if state != self.seen:
            self.seen = state
            if state == DOWN:
                self.on_down()
            elif state == UP:
                self.on_up()
            self.shared.acks[self.shared.index] = state

    def run(self):
        """Until the parent says that it is over."""
        while self.shared.state.value != OVER:
            self.turn()

    def drain(self, seconds):
        """Some more turns, for what is under way when the run ends."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.turn()


class Udp:
    """A UDP socket of a phone: what comes is given to CALL(data)."""

    def __init__(self, reactor, ip, server, call):
        self.server, self.call, self.ip, self.reactor = server, call, ip, reactor
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        self.sock.bind((ip, 0))
        self.sock.setblocking(False)
        self.port = self.sock.getsockname()[1]
        self.protocol, self.epoch = "UDP", 0
        self.sent = self.received = 0
        reactor.watch(self.sock, self.readable)

    def send(self, data):
        self.sent += 1
        try:
            self.sock.sendto(data, self.server)
        except OSError:
            pass

    def readable(self):
        for _ in range(64):
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                continue
            self.received += 1
            self.call(data)

    def close(self):
        self.reactor.forget(self.sock)
        self.sock.close()


class Tcp:
    """The same over a connection that is made again when it is lost."""

    def __init__(self, reactor, ip, server, call):
        self.server, self.call, self.ip, self.reactor = server, call, ip, reactor
        self.protocol, self.epoch = "TCP", 0      # epoch: the connection's number
        self.sock, self.port, self.waiting = None, 0, b""
        self.sent = self.received = 0
        self.connect()

    def connect(self):
        self.close()
        self.waiting = b""
        sock = socket.socket()
        try:
            sock.bind((self.ip, 0))
            sock.settimeout(1)
            sock.connect(self.server)
        except OSError:
            sock.close()
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            sock = self.dress(sock)
        except (OSError, EOFError):
            sock.close()
            return
        self.port = sock.getsockname()[1]
        self.sock = sock
        self.epoch += 1
        self.reactor.watch(sock, self.readable)

    def dress(self, sock):
        """What goes over the connection before messages do: nothing."""
        return sock

    def put(self, data):
        """The bytes of one message."""
        self.sock.sendall(data)

    def send(self, data):
        self.sent += 1
        if self.sock is None:
            self.connect()
        if self.sock is None:
            return
        try:
            self.sock.settimeout(0.2)
            self.put(data)
        except OSError:
            self.close()

    def readable(self):
        while self.sock is not None:
            try:
                self.sock.settimeout(0)
                data = self.sock.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            except OSError:
                data = b""
            if not data:
                self.close()
                return
            self.waiting += data
            self.take()

    def take(self):
        """The messages of what came so far."""
        while True:
            self.waiting = self.waiting.lstrip(b"\r\n")
            head, found, rest = self.waiting.partition(b"\r\n\r\n")
            if not found:
                return
            size = re.search(rb"\r\n(?:Content-Length|l)\s*:\s*(\d+)", head, re.I)
            n = int(size.group(1)) if size else 0
            if len(rest) < n:
                return
            self.waiting = rest[n:]
            self.received += 1
            self.call(head + found + rest[:n])
            if self.sock is None:
                return

    def close(self):
        if self.sock is not None:
            self.reactor.forget(self.sock)
            self.sock.close()
            self.sock = None
            self.epoch += 1
