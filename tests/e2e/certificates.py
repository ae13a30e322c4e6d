"""Certificates with EC keys for a test, made by OpenSSL's program."""

import os
import subprocess

from server import need


def run(*argv):
    done = subprocess.run([need("openssl"), *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")


class Authority:
    """Signs certificates; its own is `path`."""

    def __init__(self, directory, name="ca"):
        self.dir = str(directory)
        os.makedirs(self.dir, exist_ok=True)
        self.path, self.key = f"{self.dir}/{name}.pem", f"{self.dir}/{name}.key"
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN=Authority {name}", "-keyout", self.key, "-out", self.path)

    def sign(self, name, names="IP:127.0.0.1,DNS:localhost", subject=None, days=1, more=""):
        """NAME.pem and NAME.key; gives their paths. A file that is there is replaced at once. MORE: extensions."""
        cert, key, request = (f"{self.dir}/{name}.{e}" for e in ("pem", "key", "csr"))
        extensions = f"{self.dir}/{name}.ext"
        with open(extensions, "w", encoding="ascii") as f:
            f.write(f"subjectAltName={names}\n{more}")
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={subject or name}",
            "-keyout", key + ".new", "-out", request)
        run("x509", "-req", "-in", request, "-CA", self.path, "-CAkey", self.key, "-CAcreateserial",
            "-days", str(days), "-extfile", extensions, "-out", cert + ".new")
        os.rename(key + ".new", key)
        os.rename(cert + ".new", cert)
        return cert, key
