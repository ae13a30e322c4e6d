"""What the soak's secure peers need of OpenSSL, without a Python package for it: AES in
counter mode, and DTLS whose datagrams are carried by the caller. The server itself needs
both libraries, so they are there."""

import ctypes
import ctypes.util
import subprocess

_ssl = ctypes.CDLL(ctypes.util.find_library("ssl"))
_crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
_P, _I, _S = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p


def _declare(library, **functions):
    for name, (result, *arguments) in functions.items():
        f = getattr(library, name)
        f.restype, f.argtypes = result, arguments


_declare(_crypto, EVP_CIPHER_CTX_new=(_P,), EVP_CIPHER_CTX_free=(None, _P), EVP_aes_128_ctr=(_P,), EVP_aes_256_ctr=(_P,),
         EVP_EncryptInit_ex=(_I, _P, _P, _P, _S, _S), EVP_EncryptUpdate=(_I, _P, _S, ctypes.POINTER(_I), _S, _I),
         BIO_new=(_P, _P), BIO_s_mem=(_P,), BIO_write=(_I, _P, _S, _I), BIO_read=(_I, _P, _S, _I),
         BIO_ctrl=(ctypes.c_long, _P, _I, ctypes.c_long, _P), ERR_clear_error=(None,))
_VERIFY = ctypes.CFUNCTYPE(_I, _I, _P)
_declare(_ssl, DTLS_method=(_P,), SSL_CTX_new=(_P, _P), SSL_CTX_use_certificate_file=(_I, _P, _S, _I),
         SSL_CTX_use_PrivateKey_file=(_I, _P, _S, _I), SSL_CTX_set_tlsext_use_srtp=(_I, _P, _S),
         SSL_CTX_set_verify=(None, _P, _I, _VERIFY), SSL_CTX_set_options=(ctypes.c_uint64, _P, ctypes.c_uint64),
         SSL_new=(_P, _P), SSL_free=(None, _P), SSL_set_bio=(None, _P, _P, _P), SSL_set_connect_state=(None, _P),
         SSL_set_accept_state=(None, _P), SSL_do_handshake=(_I, _P), SSL_read=(_I, _P, _S, _I), SSL_shutdown=(_I, _P),
         SSL_ctrl=(ctypes.c_long, _P, _I, ctypes.c_long, _P), SSL_get_error=(_I, _P, _I), SSL_is_init_finished=(_I, _P),
         SSL_export_keying_material=(_I, _P, _S, ctypes.c_size_t, _S, ctypes.c_size_t, _S, ctypes.c_size_t, _I),
         SSL_get_selected_srtp_profile=(_P, _P))

_PEM = 1
_NO_QUERY_MTU = 1 << 12
_SET_MTU, _HANDLE_TIMEOUT, _SET_EOF = 17, 74, 130
_WANTED = (2, 3)                # SSL_ERROR_WANT_READ and _WRITE
_SUITES = b"SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32"


class Counter:
    """AES in counter mode under one key of 16 or 32 bytes."""

    def __init__(self, key):
        self.context = _crypto.EVP_CIPHER_CTX_new()
        cipher = _crypto.EVP_aes_128_ctr() if len(key) == 16 else _crypto.EVP_aes_256_ctr()
        _crypto.EVP_EncryptInit_ex(self.context, cipher, None, key, None)

    def crypt(self, iv, data):
        out, n = ctypes.create_string_buffer(len(data) + 16), _I(0)
        _crypto.EVP_EncryptInit_ex(self.context, None, None, None, iv)
        _crypto.EVP_EncryptUpdate(self.context, out, ctypes.byref(n), data, len(data))
        return out.raw[:n.value]

    def __del__(self):
        _crypto.EVP_CIPHER_CTX_free(self.context)


class Identity:
    """A certificate for DTLS and its fingerprint as SDP has it. CERT and KEY: files."""

    def __init__(self, cert, key):
        out = subprocess.run(["openssl", "x509", "-in", cert, "-noout", "-fingerprint", "-sha256"], check=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True).stdout
        self.fingerprint = "sha-256 " + out.strip().partition("=")[2]
        self.context = _ssl.SSL_CTX_new(_ssl.DTLS_method())
        # The soak trusts everybody: what is judged is the other end.
        self.verify = _VERIFY(lambda ok, store: 1)
        _ssl.SSL_CTX_set_verify(self.context, 1, self.verify)
        _ssl.SSL_CTX_set_options(self.context, _NO_QUERY_MTU)
        if (_ssl.SSL_CTX_use_certificate_file(self.context, cert.encode(), _PEM) != 1 or
                _ssl.SSL_CTX_use_PrivateKey_file(self.context, key.encode(), _PEM) != 1 or
                _ssl.SSL_CTX_set_tlsext_use_srtp(self.context, _SUITES)):
            raise RuntimeError(f"{cert} and {key} do not make an identity")


class Dtls:
    """One association. SEND(datagram) carries what it says; `keys` is what both ends
    derive (RFC 5764 4.2), None until the handshake is over."""

    def __init__(self, identity, active, send):
        self.active, self.send, self.identity = active, send, identity
        self.keys, self.suite, self.failed = None, 0, False
        self.ssl = _ssl.SSL_new(identity.context)
        self.inside, self.outside = (_crypto.BIO_new(_crypto.BIO_s_mem()) for _ in range(2))
        for bio in (self.inside, self.outside):
            _crypto.BIO_ctrl(bio, _SET_EOF, -1, None)
        _ssl.SSL_set_bio(self.ssl, self.inside, self.outside)
        _ssl.SSL_ctrl(self.ssl, _SET_MTU, 1200, None)
        (_ssl.SSL_set_connect_state if active else _ssl.SSL_set_accept_state)(self.ssl)

    def start(self):
        """The first flight of who is active."""
        self.step()

    def step(self):
        _crypto.ERR_clear_error()
        if not self.keys and not self.failed:
            done = _ssl.SSL_do_handshake(self.ssl)
            if done != 1 and _ssl.SSL_get_error(self.ssl, done) not in _WANTED:
                self.failed = True
            if done == 1:
                self.derive()
        elif self.keys:
            _ssl.SSL_read(self.ssl, ctypes.create_string_buffer(2048), 2048)
        self.flush()

    def derive(self):
        out = ctypes.create_string_buffer(60)
        profile = _ssl.SSL_get_selected_srtp_profile(self.ssl)
        name = b"EXTRACTOR-dtls_srtp"
        if not profile or _ssl.SSL_export_keying_material(self.ssl, out, 60, name, len(name), None, 0, 0) != 1:
            self.failed = True
            return
        # struct { const char *name; unsigned long id; }
        self.suite = ctypes.cast(profile, ctypes.POINTER(ctypes.c_ulong))[1]
        self.keys = out.raw

    def flush(self):
        """The records that wait, each in a datagram of its own."""
        room = ctypes.create_string_buffer(1 << 16)
        n = _crypto.BIO_read(self.outside, room, len(room))
        data = room.raw[:max(n, 0)]
        while len(data) >= 13:
            size = 13 + int.from_bytes(data[11:13], "big")
            self.send(data[:size])
            data = data[size:]

    def receive(self, datagram):
        _crypto.BIO_write(self.inside, datagram, len(datagram))
        self.step()

    def tick(self):
        """What was lost is sent again."""
        if not self.keys and not self.failed:
            _ssl.SSL_ctrl(self.ssl, _HANDLE_TIMEOUT, 0, None)
            self.flush()

    def close(self):
        if self.ssl and self.keys:
            _ssl.SSL_shutdown(self.ssl)
            self.flush()
        self.forget()

    def forget(self):
        """Gone without a word."""
        if self.ssl:
            _ssl.SSL_free(self.ssl)
            self.ssl = None

    def __del__(self):
        self.forget()
