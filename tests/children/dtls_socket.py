# SPDX-License-Identifier: Apache-2.0
"""DTLS 1.2 lines over OpenSSL's libssl.so.3 by ctypes, for asyncio: a client with a PSK or a certificate, and a server
with PSKs. Both look like UdpLine of coap_endpoint: send(), receive, close()."""

import asyncio
import ctypes
import functools
import os
import socket
import struct
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_ubyte, c_uint, c_uint64, c_ushort, c_void_p

SSL = ctypes.CDLL("libssl.so.3")
CRYPTO = ctypes.CDLL("libcrypto.so.3")
DTLS_1_2, NO_TICKET = 0xFEFD, 1 << 14
SET_MIN_VERSION, SET_MAX_VERSION, SET_CONNECTED, GET_TIMEOUT, HANDLE_TIMEOUT = 123, 124, 32, 73, 74
WANT_READ, WANT_WRITE, SYSCALL, ZERO_RETURN, VERIFY_PEER, PEM = 2, 3, 5, 6, 1, 1
LONGEST = 16384
CLIENT_HELLO, HANDSHAKE = 1, 22

CLIENT_PSK = ctypes.CFUNCTYPE(c_uint, c_void_p, c_char_p, POINTER(c_ubyte), c_uint, POINTER(c_ubyte), c_uint)
SERVER_PSK = ctypes.CFUNCTYPE(c_uint, c_void_p, c_char_p, POINTER(c_ubyte), c_uint)

SIGNATURES = {
    SSL: {"DTLS_client_method": (c_void_p,), "DTLS_server_method": (c_void_p,), "SSL_CTX_new": (c_void_p, c_void_p),
          "SSL_CTX_ctrl": (c_long, c_void_p, c_int, c_long, c_void_p), "SSL_new": (c_void_p, c_void_p),
          "SSL_CTX_set_cipher_list": (c_int, c_void_p, c_char_p),
          "SSL_CTX_set_options": (c_uint64, c_void_p, c_uint64),
          "SSL_CTX_set_psk_client_callback": (None, c_void_p, CLIENT_PSK),
          "SSL_CTX_set_psk_server_callback": (None, c_void_p, SERVER_PSK),
          "SSL_CTX_use_certificate_chain_file": (c_int, c_void_p, c_char_p),
          "SSL_CTX_use_PrivateKey_file": (c_int, c_void_p, c_char_p, c_int),
          "SSL_CTX_load_verify_locations": (c_int, c_void_p, c_char_p, c_char_p),
          "SSL_CTX_set_verify": (None, c_void_p, c_int, c_void_p), "SSL_CTX_free": (None, c_void_p),
          "SSL_free": (None, c_void_p), "SSL_set_bio": (None, c_void_p, c_void_p, c_void_p),
          "SSL_set_connect_state": (None, c_void_p), "SSL_set_accept_state": (None, c_void_p),
          "SSL_do_handshake": (c_int, c_void_p), "SSL_get_error": (c_int, c_void_p, c_int),
          "SSL_read": (c_int, c_void_p, c_void_p, c_int), "SSL_write": (c_int, c_void_p, c_char_p, c_int),
          "SSL_shutdown": (c_int, c_void_p), "SSL_ctrl": (c_long, c_void_p, c_int, c_long, c_void_p),
          "SSL_get_current_cipher": (c_void_p, c_void_p), "SSL_CIPHER_get_name": (c_char_p, c_void_p)},
    CRYPTO: {"BIO_new_dgram": (c_void_p, c_int, c_int), "BIO_ctrl": (c_long, c_void_p, c_int, c_long, c_void_p),
             "BIO_ADDR_new": (c_void_p,), "BIO_ADDR_free": (None, c_void_p), "ERR_clear_error": (None,),
             "ERR_get_error": (ctypes.c_ulong,), "ERR_error_string_n": (None, ctypes.c_ulong, c_char_p, c_size_t),
             "BIO_ADDR_rawmake": (c_int, c_void_p, c_int, c_char_p, c_size_t, c_ushort)},
}
for library, functions in SIGNATURES.items():
    for name, (result, *arguments) in functions.items():
        getattr(library, name).restype, getattr(library, name).argtypes = result, arguments


class HandshakeFailed(OSError):
    """By OpenSSL's own words."""


def _reason():
    number, text = CRYPTO.ERR_get_error(), ctypes.create_string_buffer(256)
    CRYPTO.ERR_error_string_n(number, text, 256)
    return text.value.decode() if number else "no reason given"


def _must(result):
    if result != 1:
        raise HandshakeFailed(_reason())


class Context:
    """An SSL_CTX with what belongs to it; lives as long as the process."""

    def __init__(self, method, cipher):
        self.pointer = SSL.SSL_CTX_new(method)
        for control in (SET_MIN_VERSION, SET_MAX_VERSION):
            _must(SSL.SSL_CTX_ctrl(self.pointer, control, DTLS_1_2, None))
        SSL.SSL_CTX_set_options(self.pointer, NO_TICKET)
        _must(SSL.SSL_CTX_set_cipher_list(self.pointer, f"{cipher}:@SECLEVEL=0".encode()))
        self.callback = None

    def certify(self, certificate, private_key, authorities):
        if certificate:
            _must(SSL.SSL_CTX_use_certificate_chain_file(self.pointer, certificate.encode()))
            _must(SSL.SSL_CTX_use_PrivateKey_file(self.pointer, (private_key or certificate).encode(), PEM))
        if authorities:
            _must(SSL.SSL_CTX_load_verify_locations(self.pointer, authorities.encode(), None))
            SSL.SSL_CTX_set_verify(self.pointer, VERIFY_PEER, None)


@functools.cache
def _client_context(cipher, identity, key, certificate, private_key, authorities):
    context = Context(SSL.DTLS_client_method(), cipher)
    context.certify(certificate, private_key, authorities)

    def give(_ssl, _hint, where, longest, secret, longest_secret):
        name = identity.encode() + b"\0"
        if len(name) > longest or len(key) > longest_secret:
            return 0
        ctypes.memmove(where, name, len(name))
        ctypes.memmove(secret, key, len(key))
        return len(key)

    if key:
        context.callback = CLIENT_PSK(give)
        SSL.SSL_CTX_set_psk_client_callback(context.pointer, context.callback)
    return context


def _server_context(cipher, keys):
    context = Context(SSL.DTLS_server_method(), cipher)

    def give(_ssl, identity, secret, longest):
        key = keys.get((identity or b"").decode("utf-8", "replace"), b"")
        if len(key) > longest:
            return 0
        ctypes.memmove(secret, key, len(key))
        return len(key)

    context.callback = SERVER_PSK(give)
    SSL.SSL_CTX_set_psk_server_callback(context.pointer, context.callback)
    return context


def _socket(family, local, peer=None):
    plain = socket.socket(family, socket.SOCK_DGRAM)
    plain.setblocking(False)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if local:
        plain.bind(local)
    if peer:
        plain.connect(peer)
    return plain


class DtlsLine:
    """One session over a connected socket, which it owns."""

    def __init__(self, plain, context):
        self.socket, self.loop = plain, asyncio.get_running_loop()
        self.receive, self.refused, self.ended = lambda data: None, lambda: None, lambda line: None
        self.is_up, self.is_server, self.timer = False, False, None
        self.done = self.loop.create_future()
        self._context = context
        self._begin()
        self.loop.add_reader(self.socket, self._readable)

    def _begin(self):
        peer = self.socket.getpeername()
        bio = CRYPTO.BIO_new_dgram(self.socket.fileno(), 0)
        address = CRYPTO.BIO_ADDR_new()
        raw = socket.inet_pton(self.socket.family, peer[0])
        CRYPTO.BIO_ADDR_rawmake(address, self.socket.family, raw, len(raw), socket.htons(peer[1]))
        CRYPTO.BIO_ctrl(bio, SET_CONNECTED, 0, address)
        CRYPTO.BIO_ADDR_free(address)
        self.ssl = SSL.SSL_new(self._context.pointer)
        SSL.SSL_set_bio(self.ssl, bio, bio)

    @classmethod
    async def connect(cls, host, port, cipher="PSK-AES128-CCM8", identity="", key=b"", certificate="", private_key="",
                      authorities="", local_port=0, within=60.0):
        """Errors: HandshakeFailed, TimeoutError."""
        loop = asyncio.get_running_loop()
        family, *_, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM))[0]
        local = ("127.0.0.1" if family == socket.AF_INET else "::1", local_port) if local_port else None
        line = cls(_socket(family, local, address[:2]),
                   _client_context(cipher, identity, key, certificate, private_key, authorities))
        SSL.SSL_set_connect_state(line.ssl)
        return await line.established(within)

    async def established(self, within):
        self._shake()
        try:
            await asyncio.wait_for(asyncio.shield(self.done), within)
        except BaseException:
            self.close()
            raise
        return self

    @property
    def cipher(self):
        return SSL.SSL_CIPHER_get_name(SSL.SSL_get_current_cipher(self.ssl)).decode()

    @property
    def local_port(self):
        return self.socket.getsockname()[1]

    def send(self, data):
        if self.ssl and self.is_up:
            self._forget_errors()
            SSL.SSL_write(self.ssl, data, len(data))

    def move(self):
        """To another local port, as behind a NAT: the session does not notice."""
        peer, family = self.socket.getpeername(), self.socket.family
        self.loop.remove_reader(self.socket)
        number = self.socket.detach()
        with _socket(family, None, peer) as fresh:
            self.socket = socket.socket(fileno=os.dup2(fresh.fileno(), number))
        self.socket.setblocking(False)
        self.loop.add_reader(self.socket, self._readable)

    def close(self, says_goodbye=False):
        """A device that is reset does not say goodbye."""
        if not self.ssl:
            return
        if self.timer:
            self.timer.cancel()
        self.loop.remove_reader(self.socket)
        if says_goodbye and self.is_up:
            SSL.SSL_shutdown(self.ssl)
        SSL.SSL_free(self.ssl)
        self.ssl = None
        self.socket.close()

    # ------------------------------------------------------------------------------------------------------ inside

    def _forget_errors(self):
        if self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.refused()
        CRYPTO.ERR_clear_error()

    def _shake(self):
        self._forget_errors()
        result = SSL.SSL_do_handshake(self.ssl)
        if result == 1:
            self.is_up = True
            if not self.done.done():
                self.done.set_result(None)
        elif SSL.SSL_get_error(self.ssl, result) not in (WANT_READ, WANT_WRITE, SYSCALL):
            if not self.done.done():
                self.done.set_exception(HandshakeFailed(_reason()))
                self.done.exception()
            self.ended(self)
            return
        self._arm()

    def _arm(self):
        """OpenSSL's own retransmission timer."""
        if self.timer:
            self.timer.cancel()
        left = ctypes.create_string_buffer(16)
        if self.ssl and SSL.SSL_ctrl(self.ssl, GET_TIMEOUT, 0, left) == 1:
            seconds, micros = struct.unpack("qq", left.raw)
            self.timer = self.loop.call_later(seconds + micros / 1e6 + 0.001, self._timed_out)

    def _timed_out(self):
        self._forget_errors()
        SSL.SSL_ctrl(self.ssl, HANDLE_TIMEOUT, 0, None)
        self._arm()

    def _begins_anew(self):
        """A server whose peer has lost the session: a ClientHello in the clear on a session that is up."""
        try:
            head = self.socket.recv(14, socket.MSG_PEEK)
        except OSError:
            return False
        return self.is_server and self.is_up and len(head) == 14 and (head[0], head[3:5], head[13]) == (
            HANDSHAKE, b"\0\0", CLIENT_HELLO)

    def _readable(self):
        if self._begins_anew():
            SSL.SSL_free(self.ssl)
            self.is_up = False
            self._begin()
            SSL.SSL_set_accept_state(self.ssl)
        if not self.is_up:
            self._shake()
        self._read_all()

    def _read_all(self):
        data = ctypes.create_string_buffer(LONGEST)
        while self.ssl and self.is_up:
            self._forget_errors()
            count = SSL.SSL_read(self.ssl, data, LONGEST)
            if count <= 0:
                if SSL.SSL_get_error(self.ssl, count) == ZERO_RETURN:
                    self.is_up = False
                    self.loop.remove_reader(self.socket)
                    self.ended(self)
                return
            self.receive(data.raw[:count])


class DtlsServer:
    """Listens; `opened(line)` for each session that is up. One line for each peer's address."""

    def __init__(self, host, port, keys, opened, cipher="PSK-AES128-CCM8"):
        self.context, self.opened, self.loop = _server_context(cipher, keys), opened, asyncio.get_running_loop()
        self.lines, self.tasks = set(), set()
        self.listening = _socket(socket.AF_INET, (host, port))
        self.where = self.listening.getsockname()
        self.loop.add_reader(self.listening, self._called)

    def _called(self):
        """The listening socket becomes the caller's, with the datagram still in it; another one listens on."""
        try:
            _, peer = self.listening.recvfrom(1, socket.MSG_PEEK)
        except OSError:
            return
        plain = self.listening
        self.loop.remove_reader(plain)
        plain.connect(peer)
        self.listening = _socket(socket.AF_INET, self.where)
        self.loop.add_reader(self.listening, self._called)
        line = DtlsLine(plain, self.context)
        line.is_server = True
        SSL.SSL_set_accept_state(line.ssl)
        self.lines.add(line)
        task = asyncio.ensure_future(self._accept(line))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _accept(self, line):
        try:
            await line.established(20.0)
            line.ended = self._forget
            self.opened(line)
            line._read_all()  # what came with the last flight
        except OSError:
            self._forget(line)

    def _forget(self, line):
        self.lines.discard(line)
        line.close()

    def close(self):
        self.loop.remove_reader(self.listening)
        self.listening.close()
        for line in list(self.lines):
            self._forget(line)
