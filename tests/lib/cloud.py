# SPDX-License-Identifier: Apache-2.0
"""The cloud of a test: a real mosquitto and a real nginx, both with TLS, on loopback; and a server that misbehaves."""

import http.server
import os
import re
import select
import socket
import ssl
import struct
import subprocess
import threading

from processes import Program, accepts_connections, free_port

READING_TIME_S = 0.3


def _started(make, happenings, what):
    """A free port may be taken by somebody else before it is bound: then another one is tried."""
    for _ in range(5):
        port = free_port()
        program = make(port)
        if happenings.wait_for(lambda: not program.is_running() or accepts_connections(port), 20, f"{what} to listen"):
            if program.is_running():
                return port, program
    raise AssertionError(f"{what} does not start:\n{program.tail()}")


class Broker:
    """mosquitto with TLS. Stopped and started again, it keeps its port."""

    def __init__(self, directory, authority, happenings):
        self._directory = directory
        self._happenings = happenings
        self._authority_file = authority.certificate_file
        self._certificate, self._key = authority.vouch_for("broker")
        self._program = None
        self.port = free_port()

    @property
    def url(self):
        return f"mqtts://localhost:{self.port}"

    def start(self):
        configuration = self._directory / "mosquitto.conf"
        configuration.write_text(
            f"listener {self.port} localhost\ncertfile {self._certificate}\nkeyfile {self._key}\n"
            "allow_anonymous true\npersistence false\nuser root\nlog_type all\nset_tcp_nodelay true\n")
        self._program = Program("mosquitto", ["/usr/sbin/mosquitto", "-c", configuration], self._happenings)
        self._happenings.wait_for(lambda: not self._program.is_running() or accepts_connections(self.port), 20,
                                  "mosquitto to listen")
        assert self._program.is_running(), self._program.tail()

    def stop(self):
        if self._program:
            self._program.stop()
            self._program = None

    def publish(self, topic, payload, retain=False):
        command = ["mosquitto_pub", "-h", "localhost", "-p", str(self.port), "--cafile", str(self._authority_file),
                   "-q", "1", "-t", topic, "-s" if payload else "-n"]
        subprocess.run(command + (["-r"] if retain else []), input=payload, check=True, timeout=30)

    def has_subscriber(self, topic):
        """Whether somebody has asked this broker, since its start, for the topic."""
        return bool(self._program) and any(line.split(": ", 1)[-1].strip().startswith(f"{topic} (QoS")
                                           for line in list(self._program.lines))

    def tail(self):
        return self._program.tail() if self._program else ""


class WebServer:
    """nginx with TLS over a directory. Beside the files under /: /slow/ serves the same at a walking pace."""

    def __init__(self, directory, authority, happenings, name="web"):
        self._directory = directory / name
        self._happenings = happenings
        self._certificate, self._key = authority.vouch_for(name)
        self._name = name
        self.root = self._directory / "files"
        self.root.mkdir(parents=True)
        self._program = None
        self.port = None

    @property
    def url(self):
        return f"https://localhost:{self.port}"

    def start(self):
        self.port, self._program = _started(self._run, self._happenings, "nginx")

    def _run(self, port):
        configuration = self._directory / "nginx.conf"
        temporary = "\n".join(f"  {kind}_temp_path {self._directory}/{kind};"
                              for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration.write_text(f"""
daemon off; master_process off; user root; worker_processes 1;
pid {self._directory}/nginx.pid; error_log stderr notice;
events {{ worker_connections 128; }}
http {{
  access_log {self._directory}/access.log;
  default_type application/octet-stream;
{temporary}
  server {{
    listen 127.0.0.1:{port} ssl;
    server_name localhost;
    ssl_certificate {self._certificate};
    ssl_certificate_key {self._key};
    root {self.root};
    location /slow/ {{ alias {self.root}/; limit_rate 24k; }}
  }}
}}
""")
        return Program("nginx", ["/usr/sbin/nginx", "-c", configuration, "-e", "stderr", "-p", self._directory],
                       self._happenings)

    def stop(self):
        if self._program:
            self._program.stop()
            self._program = None

    def requests(self):
        """The access log: one line per request that was answered."""
        log = self._directory / "access.log"
        return log.read_text().splitlines() if log.exists() else []

    def tail(self):
        return self._program.tail() if self._program else ""


class BreakingServer:
    """Serves files like a web server, but resets the connection after `break_after` bytes of a body: each time, or
    only the first `times` times."""

    def __init__(self, authority, root, break_after, times=None):
        self.requests = []
        certificate, key = authority.vouch_for("breaking")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # noqa: N802 - the library's name
                outer.answer(self, root, break_after, times)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._server.handle_error = lambda *_: None
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"https://localhost:{self._server.server_address[1]}"

    def answer(self, request, root, break_after, times):
        file = root / request.path.lstrip("/")
        if not file.exists():
            request.send_error(404)
            return
        body = file.read_bytes()
        begin = 0
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if asked and int(asked.group(1)) < len(body):
            begin = int(asked.group(1))
        is_big = len(body) > break_after
        self.requests.append((request.path, begin))
        breaks = is_big and (times is None or sum(1 for path, _ in self.requests if path == request.path) <= times)
        request.send_response(206 if begin else 200)
        request.send_header("Content-Length", str(len(body) - begin))
        request.send_header("ETag", f'"{len(body)}"')
        request.send_header("Accept-Ranges", "bytes")
        if begin:
            request.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        request.end_headers()
        part = body[begin:]
        request.wfile.write(part[:break_after] if breaks else part)
        request.wfile.flush()
        if breaks:
            request.close_connection = True
            raw = request.connection
            # A reset takes away what the client has not read yet: it gets the time to read.
            select.select([raw], [], [], READING_TIME_S)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(raw.detach())  # at once, whatever files still hold the connection

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
