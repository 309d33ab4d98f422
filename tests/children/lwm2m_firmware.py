# SPDX-License-Identifier: Apache-2.0
"""The firmware of an lwm2m_child: one instance of object 5 or 33629 with its State and Result, what an image must be, and
what becomes of it. How the bytes come is lwm2m_transfer's; what is said of it on the wire is lwm2m_child's."""

import hashlib
import time
from dataclasses import dataclass

IDLE, DOWNLOADING, DOWNLOADED, UPDATING = range(4)
(INITIAL, SUCCESS, NO_FLASH, NO_RAM, CONNECTION_LOST, BAD_INTEGRITY, UNSUPPORTED, BAD_URI, FAILED, BAD_PROTOCOL, CANCELLED,
 DEFERRED, CONFLICT, DEPENDENCY) = range(14)
MAGIC = b"FW1 "


def make_image(vendor_class, version, size=2000, seed=b""):
    """An image that a child takes: "FW1 CLASS VERSION SHA256" in a line, then `size` bytes."""
    rest = hashlib.shake_128(f"{vendor_class} {version}".encode() + seed).digest(size)
    return f"FW1 {vendor_class} {version} {hashlib.sha256(rest).hexdigest()}\n".encode() + rest


def _numbers(version):
    return [int("".join(filter(str.isdigit, part)) or 0) for part in version.split(".")]


@dataclass
class Verdict:
    result: int  # INITIAL: a good image
    version: str = ""


def judge(image, options, current):
    """What the child says of an image that it has whole."""
    if options.verdict:
        return Verdict(options.verdict)
    if options.any_image:
        return Verdict(INITIAL, options.any_image)
    line, _, rest = image.partition(b"\n")
    words = line[:200].decode("ascii", "replace").split(" ")
    if not image.startswith(MAGIC) or len(words) != 4:
        return Verdict(UNSUPPORTED)
    _, vendor_class, version, digest = words
    if options.vendor_class and vendor_class != options.vendor_class:
        return Verdict(UNSUPPORTED)
    if hashlib.sha256(rest).hexdigest() != digest:
        return Verdict(BAD_INTEGRITY)
    if options.refuse_older and _numbers(version) < _numbers(current):
        return Verdict(FAILED)
    return Verdict(INITIAL, version)


class Firmware:
    """`changed(firmware, names)` is called after "state" or "result" changed."""

    def __init__(self, instance, name, version, options, changed):
        self.instance, self.name, self.version, self.options, self._changed = instance, name, version, options, changed
        self.state, self.result, self.uri = IDLE, INITIAL, ""
        self.image, self.pending = b"", ""  # pending: the version in the image
        self.severity, self.max_defer, self.auto_install, self.changed_at = 1, 0, options.auto_install, 0
        self.linked, self.conflicting = {}, {}
        self.is_blocked = lambda: False

    def set(self, state=None, result=None):
        """Both at once, as a transition makes them; what is the same is not told."""
        names = []
        if state is not None and state != self.state:
            self.state, self.changed_at = state, int(time.time())
            names.append("state")
        if result is not None and result != self.result:
            self.result = result
            names.append("result")
        if names:
            self._changed(self, names)

    def reset(self, result=INITIAL):
        self.image, self.pending, self.uri = b"", "", ""
        self.set(IDLE, result)

    def begin(self):
        self.image, self.pending = b"", ""
        self.set(IDLE if self.options.result_only else DOWNLOADING, INITIAL)

    def size_refused(self, size):
        """The Result for an image of this size, or INITIAL."""
        if self.options.flash and size > self.options.flash:
            return NO_FLASH
        if self.options.ram and size > self.options.ram:
            return NO_RAM
        return INITIAL

    def finish(self, image):
        """All bytes are there. Whether they are good."""
        verdict = Verdict(CONFLICT) if self.is_blocked() else judge(image, self.options, self.version)
        if verdict.result != INITIAL:
            self.reset(verdict.result)
            return False
        self.image, self.pending = image, verdict.version
        self.set(DOWNLOADED, INITIAL)
        return True

    def fail_install(self, result):
        """1.0 returns to Downloaded, later ones may go to Idle [object 5]."""
        if self.options.fail_state == IDLE:
            self.reset(result)
        else:
            self.set(DOWNLOADED, result)

    def install(self):
        """The image runs from now on."""
        self.version, self.image, self.uri = self.pending, b"", ""

    def saved(self):
        return {"version": self.version, "state": self.state, "result": self.result, "pending": self.pending,
                "uri": self.uri, "image": self.image.hex()}

    def restore(self, saved):
        self.version, self.state, self.result = saved["version"], saved["state"], saved["result"]
        self.pending, self.uri, self.image = saved["pending"], saved["uri"], bytes.fromhex(saved["image"])

    def resources(self, has, package_version):
        """(resource, value) of object 5 or 33629; `has(version)`: whether the object is at least that."""
        is_advanced = self.name is not None
        found = [(1, self.uri), (3, self.state), (5, self.result)]
        if package_version is not None and not is_advanced:
            found += [(6, "fw1"), (7, package_version)]
        if self.options.protocols:
            found.append((8, dict(enumerate(self.options.protocols))))
        found.append((9, self.options.delivery))
        if has("1.1") or is_advanced:
            found += [(11, self.severity), (12, self.changed_at), (13, self.max_defer)]
        if is_advanced:
            found += [(14, self.name), (15, self.version), (16, self.linked), (17, self.conflicting)]
        elif has("1.2"):
            found.append((14, self.auto_install))
        return found
