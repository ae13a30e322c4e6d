"""A name server for tests: A records by name, nothing else."""

import socket
import struct
import threading


class Names:
    def __init__(self):
        self.addresses = {}
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.asked = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.sock.close()

    def serve(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(4096)
                self.sock.sendto(self.answer(data), peer)
            except OSError:
                return

    def answer(self, data):
        at, labels = 12, []
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode().lower())
            at += data[at] + 1
        kind = struct.unpack(">H", data[at + 1:at + 3])[0]
        question = data[12:at + 5]
        name = ".".join(labels)
        address = self.addresses.get(name)
        found = [socket.inet_aton(address)] if address and kind == 1 else []
        if kind == 1:
            self.asked += 1
        code = 0 if address else 3
        head = data[:2] + struct.pack(">HHHHH", 0x8580 | code, 1, len(found), 0, 0)
        return head + question + b"".join(b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + a for a in found)
