"""A network namespace with nothing but the loopback, for what must reach nobody else."""

import fcntl
import os
import socket
import struct
import subprocess
import sys


def own_network(variable):
    """Go on in such a namespace, where that is allowed; the program begins anew there, with
    VARIABLE set to `own`. True: this is it."""
    if os.environ.get(variable) == "own":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            # SIOCSIFFLAGS: IFF_UP | IFF_RUNNING
            fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
        return True
    for how in (["unshare", "-n"], ["unshare", "-r", "-n"]):
        try:
            if subprocess.run([*how, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
                sys.stdout.flush()
                os.environ[variable] = "own"
                os.execvp(how[0], [*how, "--", sys.executable, *sys.argv])
        except FileNotFoundError:
            break
    return False
