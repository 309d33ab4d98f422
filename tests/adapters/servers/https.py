# SPDX-License-Identifier: Apache-2.0
"""An HTTPS server that behaves badly on request: the path says how.

usage: https.py certificate key; prints the port once it listens, and ends when stdin does.
"""
import socket
import ssl
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY = bytes(range(256)) * 400  # 102400 bytes


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, headers, body=b""):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def reset(self):
        """A RST instead of an orderly end."""
        raw = socket.socket(fileno=self.connection.detach())
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()
        self.close_connection = True
        self.wfile = self.rfile = open("/dev/null", "r+b")

    def do_GET(self):
        try:
            name, _, argument = self.path[1:].partition("/")
            getattr(self, "get_" + name.replace("-", "_"))(argument)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def get_reset(self, after):
        self.answer(200, {"Content-Length": len(BODY), "ETag": '"one"'}, BODY[:int(after)])
        self.reset()

    def get_lying(self, _):
        self.answer(200, {"Content-Length": len(BODY), "Connection": "close"}, BODY[:500])
        self.close_connection = True

    def get_endless(self, _):
        self.answer(200, {"Transfer-Encoding": "chunked"})
        while True:
            self.wfile.write(b"4000\r\n" + bytes(0x4000) + b"\r\n")

    def get_unsized(self, _):
        self.answer(200, {"Connection": "close"}, BODY)
        self.close_connection = True

    def get_slow(self, _):
        self.answer(200, {"Content-Length": len(BODY), "ETag": '"one"'})
        for byte in BODY:
            self.wfile.write(bytes([byte]))
            time.sleep(0.05)

    def get_silent(self, _):
        time.sleep(3600)

    def get_redirect_http(self, _):
        self.answer(302, {"Location": f"http://localhost:{PORT}/whole", "Content-Length": 0})

    def get_redirect_file(self, _):
        self.answer(302, {"Location": "file:///etc/passwd", "Content-Length": 0})

    def get_redirect(self, times):
        left = int(times)
        where = f"/redirect/{left - 1}" if left > 1 else "/whole"
        self.answer(302, {"Location": where, "ETag": '"of the redirect"', "Content-Length": 4}, b"else")

    def get_whole(self, _):
        """Knows no ranges."""
        self.answer(200, {"Content-Length": len(BODY), "ETag": '"one"'}, BODY)

    def get_part(self, etag):
        """Answers any range, whatever If-Range says, with this ETag."""
        first = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        self.answer(206, {"Content-Length": len(BODY) - first, "ETag": f'"{etag}"',
                          "Content-Range": f"bytes {first}-{len(BODY) - 1}/{len(BODY)}"}, BODY[first:])

    def get_other_part(self, _):
        self.answer(206, {"Content-Length": 100, "Content-Range": f"bytes 0-99/{len(BODY)}"}, BODY[:100])

    def get_status(self, code):
        self.answer(int(code), {"Content-Length": 10**12}, b"x" * 5000)
        time.sleep(3600)

    def get_headers(self, _):
        text = str(self.headers).encode()
        self.answer(200, {"Content-Length": len(text)}, text)

    def get_nothing(self, _):
        self.answer(200, {"Content-Length": 0, "ETag": '"empty"'})


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def finish_request(self, request, client_address):
        """The handshake on the connection's own thread."""
        try:
            super().finish_request(context.wrap_socket(request, server_side=True), client_address)
        except (OSError, ssl.SSLError):
            pass

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", 0), Handler)
PORT = server.server_address[1]
threading.Thread(target=server.serve_forever, daemon=True).start()
print(PORT, flush=True)
sys.stdin.read()
