# SPDX-License-Identifier: Apache-2.0
"""A minimal SMP client over a serial line or UDP, independent of headgate's and of smp_child: only Python and
python3-cbor2.

For tests of children and as the bare loop in benchmarks. One request at a time unless send() and receive() are used.
"""
import hashlib
import select
import struct
import time

import cbor2

from smp_lines import Deframer, frame, open_line  # noqa: F401: for those who send lines by hand

OS, IMAGE = 0, 1
READ, WRITE = 0, 2


class SmpError(Exception):
    """The child answered with an error: group is None for a plain rc."""

    def __init__(self, group, rc):
        super().__init__(f"group {group} rc {rc}")
        self.group, self.rc = group, rc


class SmpTimeout(Exception):
    pass


class SmpClient:
    """`where`: a tty, or "host:port" for UDP. `bad_line`: broken frames from the child are dropped, not an error."""

    def __init__(self, where, version=1, timeout=2.0, framing="console", bad_line=False):
        self.version, self.timeout, self.sequence, self.packets = version, timeout, 0, []
        self.line = open_line(where, framing, bad_line)

    @property
    def fd(self):
        return self.line.fd

    @property
    def deframer(self):
        return self.line.deframer

    def close(self):
        self.line.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- packets ---

    def write(self, data):
        self.line.write(data)

    def packet(self, group, command, body, op=READ):
        """A request packet with the next sequence number; body is a dict or encoded already."""
        encoded = body if isinstance(body, bytes) else cbor2.dumps(body)
        self.sequence = (self.sequence + 1) & 0xff
        head = struct.pack(">BBHHBB", op | self.version << 3, 0, len(encoded), group, self.sequence, command)
        return head + encoded

    def send(self, packet):
        self.line.send(packet)

    def receive(self, timeout=None):
        """The next packet from the child, whatever it answers."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not self.packets:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise SmpTimeout()
            self.packets += self.line.receive()
        return self.packets.pop(0)

    # --- requests ---

    def raw_request(self, packet, timeout=None):
        """The whole answer packet that matches; others are dropped."""
        self.send(packet)
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            answer = self.receive(max(0, deadline - time.monotonic()))
            if answer[0] & 7 == (packet[0] & 7) + 1 and answer[4:8] == packet[4:8]:
                return answer

    def request(self, group, command, body=None, op=READ, timeout=None):
        answer = self.raw_request(self.packet(group, command, body or {}, op), timeout)
        decoded = cbor2.loads(answer[8:])
        if "err" in decoded:
            raise SmpError(decoded["err"]["group"], decoded["err"]["rc"])
        if decoded.get("rc", 0) != 0:
            raise SmpError(None, decoded["rc"])
        return decoded

    def echo(self, text, timeout=None):
        return self.request(OS, 0, {"d": text}, WRITE, timeout)["r"]

    def reset(self, **arguments):
        return self.request(OS, 5, arguments, WRITE)

    def list(self):
        return self.request(IMAGE, 0)["images"]

    def set_state(self, image_hash=None, confirm=False):
        body = {"confirm": confirm} | ({"hash": image_hash} if image_hash is not None else {})
        return self.request(IMAGE, 0, body, WRITE)["images"]

    def upload_chunk(self, offset, data, timeout=None, **first):
        """One upload request; `first` holds len, sha, image, upgrade. Answers the whole map."""
        return self.request(IMAGE, 1, {"off": offset, "data": data} | first, WRITE, timeout)

    def upload(self, image_file, image=0, chunk=512, stop_at=None, timeout=None, patience=5):
        """The upload loop: goes wherever the child says, resends on silence. Answers the last map."""
        first = {"len": len(image_file), "sha": hashlib.sha256(image_file).digest()}
        if image:
            first["image"] = image
        offset, silent = 0, 0
        while True:
            extra = first if offset == 0 else {}
            try:
                answer = self.upload_chunk(offset, image_file[offset:offset + chunk], timeout, **extra)
            except SmpTimeout:
                silent += 1
                if silent == patience:
                    raise
                continue
            offset, silent = answer["off"], 0
            if offset >= (stop_at or len(image_file)):
                return answer
